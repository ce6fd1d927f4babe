"""The optimisers of a lane: names, sources, learning rates, and how each is built for a model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from ..optimizers import (
    Aro,
    Fismo,
    InvalidParameter,
    Lanton,
    Muon,
    PolarGrad,
    Shampoo,
    Soap,
    Sven,
    refuse_corrupting_muon,
)
from .errors import UnknownOptimizer

REST_LEARNING_RATE = 3e-3

Build = Callable[[nn.Module, Sequence[str], float, float], list[Optimizer]]


@dataclass(frozen=True)
class OptimizerChoice:
    """One entry of `OPTIMIZERS`.

    source: paper or package. learning_rate: default on the digits classifier. bounds: of a logarithmic slider, wide
    enough for the matrix problems of arXiv:2505.21799 where the rate has the gradient's units. reading: a sentence where
    a formula is our reading of a paper whose text could not be had, else None. build: (model, names of the
    parameters treated as matrices, learning rate, weight decay) to the torch optimizers that together move the whole
    model; methods for matrices leave the rest to AdamW at a fixed rate of 3e-3, without weight decay, which a schedule
    multiplies as well. decays: whether the method knows weight decay.
    """

    slug: str
    title: str
    source: str
    learning_rate: float
    bounds: tuple[float, float]
    build: Build
    reading: str | None = None
    decays: bool = True


def optimizer_choice(slug: str) -> OptimizerChoice:
    """The entry of this name.

    Raises:
        UnknownOptimizer: naming those there are.
    """
    if slug not in OPTIMIZERS:
        raise UnknownOptimizer(f"optimizer is {slug!r}: one of {', '.join(OPTIMIZERS)} is needed")
    return OPTIMIZERS[slug]


def _split(model: nn.Module, names: Sequence[str]) -> tuple[list[Any], list[Any]]:
    """Named parameters: matrices, the rest."""
    wanted = set(names)
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    return [pair for pair in named if pair[0] in wanted], [pair for pair in named if pair[0] not in wanted]


def _matrix(kind: Callable[..., Optimizer], **options: Any) -> Build:
    """One of our methods, which holds AdamW for the rest itself."""

    def build(
        model: nn.Module, names: Sequence[str], learning_rate: float, weight_decay: float
    ) -> list[Optimizer]:
        matrices, rest = _split(model, names)
        groups = [
            {"params": matrices, "matrix": True},
            {"params": rest, "matrix": False, "lr": REST_LEARNING_RATE, "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]]
        return [kind(groups, lr=learning_rate, weight_decay=weight_decay, **options)]

    return build


def _whole(kind: Callable[..., Optimizer], **options: Any) -> Build:
    """One of torch's methods, for all parameters."""

    def build(
        model: nn.Module, _names: Sequence[str], learning_rate: float, weight_decay: float
    ) -> list[Optimizer]:
        moving = [p for p in model.parameters() if p.requires_grad]
        return [kind(moving, lr=learning_rate, weight_decay=weight_decay, **options)]

    return build


def _torch_muon(
    model: nn.Module, names: Sequence[str], learning_rate: float, weight_decay: float
) -> list[Optimizer]:
    muon = getattr(torch.optim, "Muon", None)
    if muon is None:
        raise UnknownOptimizer(
            f"optimizer is 'muon_bf16', torch.optim.Muon, which torch {torch.__version__} does not have:"
            " torch 2.9 or later, or 'muon', is needed"
        )
    matrices, rest = _split(model, names)
    found: list[Optimizer] = []
    if matrices:
        found.append(muon([p for _, p in matrices], lr=learning_rate, weight_decay=weight_decay))
        refuse_corrupting_muon(found[0])
    if rest:
        found.append(torch.optim.AdamW([p for _, p in rest], lr=REST_LEARNING_RATE, weight_decay=0.0))
    return found


def _sven(
    model: nn.Module, _names: Sequence[str], learning_rate: float, _weight_decay: float
) -> list[Optimizer]:
    """Layer by layer where the model is made of linear layers alone. Sven knows no weight decay."""
    moving = [p for p in model.parameters() if p.requires_grad]
    try:
        return [Sven(moving, lr=learning_rate, model=model)]
    except InvalidParameter:
        return [Sven(moving, lr=learning_rate)]


_CHOICES = (
    OptimizerChoice("muon", "Muon", "Jordan et al. (2024), in float32", 0.02, (1e-4, 1.0), _matrix(Muon)),
    OptimizerChoice(
        "muon_bf16", "Muon (torch, bfloat16)", "torch.optim.Muon", 0.02, (1e-4, 1.0), _torch_muon
    ),
    OptimizerChoice(
        "adamw",
        "AdamW",
        "torch.optim.AdamW; Loshchilov & Hutter (2019), arXiv:1711.05101",
        1e-3,
        (1e-5, 1.0),
        _whole(torch.optim.AdamW),
    ),
    OptimizerChoice(
        "adam",
        "Adam",
        "torch.optim.Adam; Kingma & Ba (2015), arXiv:1412.6980",
        1e-3,
        (1e-5, 1.0),
        _whole(torch.optim.Adam),
    ),
    OptimizerChoice(
        "sgd",
        "SGD with momentum 0.9",
        "torch.optim.SGD",
        0.02,
        (1e-8, 1e2),
        _whole(torch.optim.SGD, momentum=0.9),
    ),
    OptimizerChoice(
        "gd",
        "Gradient descent",
        "torch.optim.SGD without momentum",
        0.2,
        (1e-8, 1e2),
        _whole(torch.optim.SGD),
    ),
    OptimizerChoice(
        "polargrad",
        "PolarGrad, exact polar factor",
        "arXiv:2505.21799",
        0.05,
        (1e-8, 1e2),
        _matrix(PolarGrad),
    ),
    OptimizerChoice(
        "polargrad_two_steps",
        "PolarGrad, two steps of QDWH",
        "arXiv:2505.21799, the budget of its published runs: no polar factor",
        0.05,
        (1e-8, 1e2),
        _matrix(PolarGrad, method="qdwh", steps=2),
    ),
    OptimizerChoice(
        "polargradm",
        "PolarGradM, momentum 0.95",
        "arXiv:2505.21799",
        0.05,
        (1e-8, 1e2),
        _matrix(PolarGrad, momentum=0.95),
    ),
    OptimizerChoice("soap", "SOAP", "arXiv:2409.11321", 3e-3, (1e-5, 1.0), _matrix(Soap)),
    OptimizerChoice(
        "shampoo",
        "Shampoo, averages of 0.95",
        "Gupta, Koren & Singer (2018), arXiv:1802.09568; sums replaced by averages, momentum 0.9",
        0.01,
        (1e-4, 1.0),
        _matrix(Shampoo, momentum=0.9, beta2=0.95),
    ),
    OptimizerChoice(
        "fismo",
        "FISMO",
        "arXiv:2601.21750",
        0.02,
        (1e-4, 1.0),
        _matrix(Fismo),
        "Our reading: the paper's text could not be had; the values of its constants, the order of its two updates"
        " and the damping are ours.",
    ),
    OptimizerChoice(
        "lanton",
        "LANTON",
        "arXiv:2510.14009",
        0.02,
        (1e-4, 1.0),
        _matrix(Lanton),
        "Our reading: the two lines of the layers' rates and all default values could not be confirmed in the paper.",
    ),
    OptimizerChoice(
        "aro",
        "ARO with Sinkhorn",
        "arXiv:2602.09006",
        3e-3,
        (1e-5, 1.0),
        _matrix(Aro),
        "Our reading: the scale 0.2, and that the new frame is used in the same step.",
    ),
    OptimizerChoice("sven", "Sven", "arXiv:2604.01279", 0.05, (1e-3, 1.0), _sven, decays=False),
)

OPTIMIZERS: dict[str, OptimizerChoice] = {choice.slug: choice for choice in _CHOICES}
