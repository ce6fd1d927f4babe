"""Small networks whose singularities along a step are known in closed form, and smooth ones that are only smooth."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class OneNeuron(nn.Module):
    """Logits (c φ(b), 0): the step moves b alone, so that b + t is the argument of φ."""

    def __init__(self, function: Callable[[Tensor], Tensor], at: float, c: float) -> None:
        super().__init__()
        self.argument = nn.Parameter(torch.tensor([at], dtype=torch.float64))
        self.function, self.c = function, c

    def forward(self, x: Tensor) -> Tensor:
        height = self.c * self.function(x * 0 + self.argument)
        return torch.cat((height, height * 0), -1)


ONE = torch.zeros(1, 1, dtype=torch.float64)


def along(model: nn.Module, rate: float = 1.0) -> dict[str, Tensor]:
    """The step of `OneNeuron`."""
    return {"argument": torch.tensor([rate], dtype=torch.float64)}


class FusedAttention(nn.Module):
    """One query on two tokens of scores b and 0, values 1 and 0: sigmoid(b)."""

    def forward(self, b: Tensor) -> Tensor:
        keys = torch.stack((b, b * 0), -2)
        values = torch.stack((b * 0 + 1, b * 0), -2)
        query = (b * 0 + 1).unsqueeze(-2)
        return F.scaled_dot_product_attention(query, keys, values, scale=1.0).squeeze(-2)


def softmax_of_two(b: Tensor) -> Tensor:
    """The same by a plain softmax."""
    return torch.cat((b, b * 0), -1).softmax(dim=-1)[..., :1]


def random_net(function: nn.Module, seed: int = 0, norm: bool = False) -> nn.Module:
    """4-6-5-3, double precision, weights of a generator."""
    layers = [nn.Linear(4, 6), function, nn.Linear(6, 5), *([nn.LayerNorm(5)] if norm else []), function]
    return seeded(nn.Sequential(*layers, nn.Linear(5, 3)), seed)


def seeded(model: nn.Module, seed: int) -> nn.Module:
    model = model.double().eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.7)
    return model


def random_step(model: nn.Module, seed: int = 1) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(p.shape, generator=generator, dtype=torch.float64)
        for name, p in model.named_parameters()
    }


def inputs(count: int = 3, features: int = 4, seed: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, features, generator=generator, dtype=torch.float64)
