"""scikit-learn: its L-BFGS for softmax, and liblinear's Crammer-Singer SVM."""

import argparse

import numpy as np
from cifar import load
from peer import Clock, main
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC


def with_ones(x: np.ndarray) -> np.ndarray:
    """The bias as one more weight, so that it is penalised like the others."""
    return np.hstack([x, np.ones((len(x), 1), x.dtype)])


def logistic(args: argparse.Namespace, clock: Clock) -> float:
    """The full loss where L-BFGS stops."""
    x, y, *_ = load(args.data, "scale")
    x = with_ones(x)
    model = LogisticRegression(C=1 / (2 * args.reg * len(y)), fit_intercept=False, max_iter=args.repeats)
    model.fit(x, y)
    scores = x @ model.coef_.T.astype(np.float32)
    highest = scores.max(axis=1, keepdims=True)
    losses = np.log(np.exp(scores - highest).sum(axis=1)) + highest[:, 0] - scores[np.arange(len(y)), y]
    return losses.mean(dtype=np.float64) + args.reg * np.square(model.coef_, dtype=np.float64).sum()


def crammer_singer(args: argparse.Namespace, clock: Clock) -> float:
    """The test accuracy: the loss is another one (the largest margin instead of their sum)."""
    x, y, x_test, y_test = load(args.data, "standardize")
    model = LinearSVC(C=1 / (2 * args.reg * len(y)), multi_class="crammer_singer", max_iter=args.repeats)
    return model.fit(x, y).score(x_test, y_test)


main({"logistic": logistic, "crammer-singer": crammer_singer})
