"""A short training under a `RadiusClip`, with a place for something between its pass and its step."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from anisoscope.engine.ghosts import ClipStep, RadiusClip

X, Y = torch.linspace(-2, 2, 96).sin().view(16, 6), torch.arange(16) % 4


def network(*between: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 9), nn.Tanh(), *between, nn.Linear(9, 4))


class Own(nn.Module):
    """A class of the user's, built of plain parts."""

    def __init__(self, inner: nn.Module | None = None):
        super().__init__()
        self.body = inner or network()

    def forward(self, x: Tensor) -> Tensor:
        return 2 * self.body(x)


# How much the mode matters to the models below; set before the last step.
EFFECT = {"size": 0.5}


class Training:
    """Two steps that settle the clip; then one with something between its pass and its step."""

    def __init__(self, model: nn.Module, reuse: bool = True, rate: float = 0.3, **settings: Any):
        self.model, self.x = model, X.clone()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        self.clip = RadiusClip(model, self.optimizer, target=0.01, reuse=reuse, **settings)
        for _ in range(2):
            self.forward()
            self.last = self.clip.step(self.x)

    def forward(self, x: Tensor | None = None) -> Tensor:
        self.optimizer.zero_grad()
        logits = self.model(self.x if x is None else x)
        nn.functional.cross_entropy(logits, Y[: len(logits)]).backward()
        return logits

    def last_step(self, between: Callable[["Training", Tensor], Any]) -> ClipStep:
        EFFECT["size"] = 0.5
        logits = self.forward()
        between(self, logits)
        return self.clip.step(self.x)


def nothing(_: Training, __: Tensor) -> None:
    pass
