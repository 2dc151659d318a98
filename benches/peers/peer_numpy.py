"""NumPy as the lecture's exercises have it: float32, vectorised, data in memory."""

import argparse

import numpy as np
from cifar import CLASSES, WIDTH, load
from peer import Clock, main


def loss_and_gradient(loss: str, x: np.ndarray, y: np.ndarray, w: np.ndarray, b: np.ndarray):
    """Mean loss, and its gradient by W (D, K) and b (K); x (N, D), y (N)."""
    rows, scores = np.arange(len(y)), x @ w + b
    if loss == "softmax":
        scores -= scores.max(axis=1, keepdims=True)
        slopes = np.exp(scores)
        slopes /= slopes.sum(axis=1, keepdims=True)
        value = -np.log(slopes[rows, y]).mean()
        slopes[rows, y] -= 1
    else:
        margins = np.maximum(0, scores - scores[rows, y][:, None] + 1)
        margins[rows, y] = 0
        value = margins.sum() / len(y)
        slopes = (margins > 0).astype(np.float32)
        slopes[rows, y] = -slopes.sum(axis=1)
    slopes /= len(y)
    return value, x.T @ slopes, slopes.sum(axis=0)


def step(args, x, y, w, b) -> float:
    value, dw, db = loss_and_gradient(args.loss, x, y, w, b)
    w -= args.lr * (dw + 2 * args.reg * w)
    b -= args.lr * (db + 2 * args.reg * b)
    return value


def start() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((WIDTH, CLASSES), np.float32), np.zeros(CLASSES, np.float32)


def epoch(args, x, y, w, b, rng) -> float:
    """Minibatches in a new order; the mean of their losses."""
    order, total = rng.permutation(len(y)), 0.0
    for at in range(0, len(y), args.batch):
        batch = order[at : at + args.batch]
        total += step(args, x[batch], y[batch], w, b) * len(batch)
    return total / len(y)


def full_batch(args: argparse.Namespace, clock: Clock) -> float:
    (x, y, *_), (w, b) = load(args.data, "standardize"), start()
    for _ in range(args.repeats):
        with clock.lap():
            value = step(args, x, y, w, b)
    return value


def sgd(args: argparse.Namespace, clock: Clock) -> float:
    (x, y, *_), (w, b), rng = load(args.data, "standardize"), start(), np.random.default_rng(0)
    for _ in range(args.repeats):
        with clock.lap():
            value = epoch(args, x, y, w, b, rng)
    return value


def whole(args: argparse.Namespace, clock: Clock) -> float:
    x, y, x_test, y_test = load(args.data, "standardize")
    (w, b), rng = start(), np.random.default_rng(0)
    for _ in range(args.repeats):
        epoch(args, x, y, w, b, rng)
    return (np.argmax(x_test @ w + b, axis=1) == y_test).mean()


def search(args: argparse.Namespace, clock: Clock) -> float:
    """Random weights on centred pixels, `stack` matrices in one product; seconds of a stack."""
    x, y, *_ = load(args.data, "center")
    rng, best, rows = np.random.default_rng(0), np.inf, np.arange(len(y))
    for _ in range(args.repeats):
        with clock.lap():
            w = rng.standard_normal((WIDTH, args.stack * CLASSES), np.float32) * np.float32(1e-4)
            scores = (x @ w).reshape(len(y), args.stack, CLASSES)
            for one in range(args.stack):
                s = scores[:, one]
                margins = np.maximum(0, s - s[rows, y][:, None] + 1)
                best = min(best, margins.sum() / len(y) - 1)
    return best


main({"full-batch": full_batch, "sgd": sgd, "whole": whole, "search": search})
