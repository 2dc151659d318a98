"""PyTorch on the CPU: a linear layer, autograd and torch.optim; tensors in memory, batches by index."""

import argparse

import torch
from cifar import CLASSES, WIDTH, load
from peer import Clock, main
from torch.nn import functional


class Trainer:
    """A linear layer from zero, its loss and its optimizer."""

    def __init__(self, args: argparse.Namespace) -> None:
        torch.manual_seed(0)
        torch.set_num_threads(args.threads)
        self.args, self.kind = args, torch.bfloat16 if args.bf16 else torch.float32
        x, y, x_test, y_test = load(args.data, "standardize")
        self.x, self.y = torch.from_numpy(x).to(self.kind), torch.from_numpy(y)
        self.x_test, self.y_test = torch.from_numpy(x_test).to(self.kind), torch.from_numpy(y_test)
        self.layer = torch.nn.Linear(WIDTH, CLASSES, dtype=self.kind)
        torch.nn.init.zeros_(self.layer.weight)
        torch.nn.init.zeros_(self.layer.bias)
        self.rule = torch.optim.SGD(self.layer.parameters(), lr=args.lr, weight_decay=2 * args.reg)

    def loss(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        scores = self.layer(x).float()
        if self.args.loss == "softmax":
            return functional.cross_entropy(scores, y)
        return CLASSES * functional.multi_margin_loss(scores, y)  # torch divides by the classes

    def step(self, x: torch.Tensor, y: torch.Tensor) -> float:
        self.rule.zero_grad()
        value = self.loss(x, y)
        value.backward()
        self.rule.step()
        return value.item()

    def epoch(self) -> float:
        """Minibatches in a new order; the mean of their losses."""
        total = 0.0
        for batch in torch.randperm(len(self.y)).split(self.args.batch):
            total += self.step(self.x[batch], self.y[batch]) * len(batch)
        return total / len(self.y)


def full_batch(args: argparse.Namespace, clock: Clock) -> float:
    trainer = Trainer(args)
    for _ in range(args.repeats):
        with clock.lap():
            value = trainer.step(trainer.x, trainer.y)
    return value


def sgd(args: argparse.Namespace, clock: Clock) -> float:
    trainer = Trainer(args)
    for _ in range(args.repeats):
        with clock.lap():
            value = trainer.epoch()
    return value


def whole(args: argparse.Namespace, clock: Clock) -> float:
    trainer = Trainer(args)
    for _ in range(args.repeats):
        trainer.epoch()
    with torch.no_grad():
        return (trainer.layer(trainer.x_test).argmax(dim=1) == trainer.y_test).double().mean().item()


main({"full-batch": full_batch, "sgd": sgd, "whole": whole})
