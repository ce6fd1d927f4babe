"""Seeded training of the digit classifiers, with snapshots along the way."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .directions import AdamState


def stratified_split(labels: Tensor, train_size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Sorted indices of a training and a test part that share the class frequencies.

    Each class gives its share of `train_size` rounded down; the classes with the largest remainders give one
    more until the size is met.

    Raises:
        ValueError: train_size outside 1..samples - 1.
    """
    if not 0 < train_size < len(labels):
        raise ValueError(f"train_size={train_size} is out of range; allowed: 1 to {len(labels) - 1}")
    counts = torch.bincount(labels)
    shares = counts.double() * train_size / len(labels)
    taken = shares.floor().long()
    largest = (shares - taken).argsort(descending=True, stable=True)[: train_size - int(taken.sum())]
    taken[largest] += 1
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label, count in enumerate(taken.tolist()):
        members = (labels == label).nonzero().flatten()
        chosen[members[torch.randperm(len(members), generator=generator)[:count]]] = True
    return chosen.nonzero().flatten(), (~chosen).nonzero().flatten()


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Fraction of the batch labelled right; puts the model into evaluation mode and leaves it there."""
    model.eval()
    return (model(images).argmax(dim=-1) == labels).double().mean().item()


@dataclass(frozen=True)
class Snapshot:
    """Copies of the weights (parameters and buffers) and of Adam's state after `step` steps."""

    step: int
    weights: dict[str, Tensor]
    optimizer_state: AdamState


def _snapshot(model: nn.Module, adam: torch.optim.Adam, step: int) -> Snapshot:
    weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
    return Snapshot(step, weights, AdamState.of(model, adam))


def _epochs(samples: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    while True:
        yield from torch.randperm(samples, generator=generator).split(batch_size)


def train(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    generator: torch.Generator,
    steps: int,
    learning_rate: float = 1e-3,
    batch_size: int = 128,
    every: int = 1,
) -> Iterator[Snapshot]:
    """Trains the model in place with Adam on the mean cross-entropy; yields before the first step,
    then after each `every` steps and after the last.

    Args:
        images: (samples, 64), pixels in [0, 1].
        labels: (samples,), integers 0..9.
        generator: shuffles the samples each epoch.
        steps: number of minibatch steps, at least 1.
        every: steps between two snapshots, at least 1.
    """
    adam = torch.optim.Adam(model.parameters(), lr=learning_rate)
    yield _snapshot(model, adam, 0)
    batches = _epochs(len(labels), batch_size, generator)
    for step in range(1, steps + 1):
        batch = next(batches)
        model.train()
        adam.zero_grad()
        nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
        adam.step()
        if step % every == 0 or step == steps:
            yield _snapshot(model, adam, step)
