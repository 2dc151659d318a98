"""The work that is compared, one row each: our arguments, and those of every peer that does the same."""

from dataclasses import dataclass, field

# Packages of the peers, each with its module.
PACKAGES = {"numpy": "numpy", "torch": "torch", "scikit-learn": "sklearn"}
# Seconds after which a whole program is ended.
CAP, QUICK_CAP = 120.0, 20.0


@dataclass(frozen=True)
class Peer:
    """`peer_<program>.py` with `arguments`, each of whose laps does `per` times the work."""

    label: str
    package: str
    program: str
    arguments: str
    per: int = 1
    note: str = ""


@dataclass(frozen=True)
class Row:
    """A piece of work. `reads` and `figure` as in measure.ours."""

    name: str
    title: str
    arguments: str
    reads: str
    figure: str
    peers: list[Peer] = field(default_factory=list)


def _full_batch(loss: str) -> Row:
    arguments = f"full-batch --loss {loss} --lr 0.01"
    peers = [
        Peer("NumPy", "numpy", "numpy", f"{arguments} --repeats 12"),
        Peer("PyTorch", "torch", "torch", f"{arguments} --repeats 12"),
        Peer("PyTorch, bf16", "torch", "torch", f"{arguments} --repeats 12 --bf16"),
    ]
    ours = f"train --loss {loss} --lr 0.01 --batch-size full --epochs 12"
    return Row(f"full-{loss}", f"{loss} loss and gradient, all rows, and a step", ours, "epochs", "train_loss", peers)


def _sgd(batch: int, lr: str) -> Row:
    arguments = f"sgd --batch {batch} --lr {lr} --repeats 12"
    peers = [Peer("NumPy", "numpy", "numpy", arguments), Peer("PyTorch", "torch", "torch", arguments)]
    ours = f"train --loss svm --batch-size {batch} --lr {lr} --epochs 12"
    return Row(f"sgd-{batch}", f"epoch of SGD, svm, batch {batch}", ours, "epochs", "train_loss", peers)


ROWS = [
    _full_batch("softmax"),
    _full_batch("svm"),
    _sgd(256, "1e-3"),
    _sgd(32, "1e-4"),
    Row(
        "search",
        "random search, an attempt",
        "random-search --loss svm --attempts 176",
        "attempts",
        "best",
        [
            Peer("NumPy, one by one", "numpy", "numpy", "search --repeats 17"),
            Peer("NumPy, 16 at once", "numpy", "numpy", "search --repeats 4 --stack 16", per=16),
        ],
    ),
    Row(
        "whole",
        "whole program: load, standardize, 10 epochs of batch 256, test",
        "train --loss svm --lr 1e-3",
        "process",
        "test_accuracy",
        [
            Peer("NumPy", "numpy", "numpy", "whole --repeats 10"),
            Peer("PyTorch", "torch", "torch", "whole --repeats 10"),
        ],
    ),
    Row(
        "softmax-minimum",
        "whole program: softmax to the minimum, lambda 3e-3 (ours: to a certified gap of 1e-4)",
        "--config configs/lbfgs-softmax.toml",
        "process",
        "objective",
        [Peer("scikit-learn, lbfgs", "scikit-learn", "sklearn", "logistic --reg 3e-3 --repeats 1000")],
    ),
    Row(
        "svm-minimum",
        "whole program: SVM to the minimum, lambda 0.1 (ours: to a certified relative gap of 1e-3)",
        "--config configs/lbfgs-svm.toml",
        "process",
        "test_accuracy",
        [
            Peer(
                "liblinear, Crammer-Singer",
                "scikit-learn",
                "sklearn",
                "crammer-singer --reg 0.1 --repeats 1000",
                note="another loss, the largest margin instead of their sum: for scale only",
            )
        ],
    ),
]
