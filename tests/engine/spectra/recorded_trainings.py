"""A small network with matrices and a convolution, and trainings of it by three sets of optimizers."""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import nn

Optimizers = list[torch.optim.Optimizer]


def network(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Unflatten(1, (1, 4, 4)),
            nn.Conv2d(1, 6, 3),
            nn.Flatten(),
            nn.Linear(24, 16),
            nn.Dropout(0.2),
            nn.ReLU(),
            nn.Linear(16, 4),
        )


def matrices(model: nn.Module) -> list[nn.Parameter]:
    return [p for p in model.parameters() if p.ndim == 2]


def others(model: nn.Module) -> list[nn.Parameter]:
    return [p for p in model.parameters() if p.ndim != 2]


def sgd(model: nn.Module) -> Optimizers:
    return [torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=0.01)]


def adamw(model: nn.Module) -> Optimizers:
    return [torch.optim.AdamW(model.parameters(), lr=0.01)]


def muon(model: nn.Module) -> Optimizers:
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("torch.optim.Muon came with torch 2.9")
    return [torch.optim.Muon(matrices(model), lr=0.02), torch.optim.AdamW(others(model), lr=0.01)]


MAKERS = (sgd, adamw, muon)


def train(
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    steps: int,
    after: Callable[[int], object] = id,
) -> None:
    generator = torch.Generator().manual_seed(5)
    with torch.random.fork_rng():
        torch.manual_seed(9)
        for step in range(1, steps + 1):
            for optimizer in optimizers:
                optimizer.zero_grad()
            x = torch.randn(8, 16, generator=generator)
            nn.functional.cross_entropy(model(x), x[:, :4].argmax(1)).backward()
            for optimizer in optimizers:
                optimizer.step()
            after(step)
