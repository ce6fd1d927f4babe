"""The network whose true zeros are looked for: the chosen one, or the same with other activations, trained here."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import nn

from anisoscope.engine.alone import each_alone
from anisoscope.engine.digits import AdamState, Snapshot, accuracy, build, step_direction, train
from anisoscope.engine.ghosts import logit_jvp

from ...request import Request
from .checkpoints import digits
from .probe import Probe
from .state import source_of
from .train import MIDDLE_ACCURACY, SCHEDULES, SEED

SMOOTH: dict[str, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
}
"""What may stand in place of a network's own activations."""


@dataclass(eq=False)
class _Trained:
    """A network with other activations; `snapshot` is None until it is trained."""

    network: str
    activation: str
    stage: str
    snapshot: Snapshot | None = None


def source_in_parts(request: Request) -> Generator[None, None, Probe | None]:
    """The probed network a request asks for, with places to cancel; None in the sandbox."""
    own = source_of(request)
    activation = request["beyond_activation"]
    if own is None or activation == "own" or not _replaceable(own.kept_model):
        return own
    trained = _trained(request["network"], activation, request["stage"])
    if trained.snapshot is None:
        snapshot = yield from each_alone(_train(trained))
        # another request may have trained the same meanwhile, and looked along directions of its weights
        trained.snapshot = trained.snapshot or snapshot
    return _probe(trained, request["direction"], request["direction_seed"])


@lru_cache(maxsize=12)
def _trained(network: str, activation: str, stage: str) -> _Trained:
    return _Trained(network, activation, stage)


def _replaceable(model: nn.Module) -> bool:
    return any(isinstance(module, (nn.ReLU, nn.GELU)) for module in model.modules())


def _assembled(network: str, activation: str, generator: torch.Generator) -> nn.Module:
    """The architecture at its starting weights, every ReLU or GELU replaced."""
    model = build(network, generator)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, (nn.ReLU, nn.GELU)):
                setattr(parent, name, SMOOTH[activation]())
    return model


def _train(trained: _Trained) -> Generator[None, None, Snapshot]:
    """By the recipe of the shipped networks: seed, steps, rate, and the same three stages."""
    generator = torch.Generator().manual_seed(SEED)
    model = _assembled(trained.network, trained.activation, generator)
    images, labels = digits().train
    steps, rate = SCHEDULES[trained.network]
    snapshots = train(model, images, labels, generator, steps, rate)
    latest = next(snapshots)
    if trained.stage == "start":
        return latest
    for snapshot in snapshots:
        latest = snapshot
        if trained.stage == "middle" and accuracy(model, images, labels) >= MIDDLE_ACCURACY:
            break
        yield None
    return latest


@lru_cache(maxsize=8)
def _probe(trained: _Trained, kind: str, seed: int) -> Probe:
    assert trained.snapshot is not None
    model = _assembled(trained.network, trained.activation, torch.Generator())
    model.load_state_dict(trained.snapshot.weights)
    test_accuracy = accuracy(model, *digits().test)
    model = model.double().eval()
    images, labels = digits().train
    images = images.double()
    state: AdamState = trained.snapshot.optimizer_state
    generator = torch.Generator().manual_seed(seed)
    direction = step_direction(model, images, labels, kind, optimizer_state=state, generator=generator)
    z, a, backend = logit_jvp(model, images, direction)
    step = trained.snapshot.step
    return Probe(model, direction, images, labels, z, a, backend, test_accuracy, step)
