"""A reader's own network, handed over in Python: `open_lens("ghosts", model=…, inputs=…, targets=…)`.

It stays in this process; the parameter `own` and links hold a name alone. What is probed is a copy in evaluation mode:
the reader's model, its gradients and buffers are never touched.
"""

from __future__ import annotations

import copy
import hashlib
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor, nn

from anisoscope.engine.ghosts import logit_jvp
from anisoscope.engine.ghosts.probe import untouched

from ...errors import RequestError
from .probe import Probe, twin

ARGUMENTS = ("model", "inputs", "targets")
DIRECTIONS = ("-gradient", "+gradient", "random")
KEPT = 8
"""Networks that a process keeps after their lens is gone; the oldest go first."""


@dataclass(frozen=True, eq=False)
class Own:
    """A copy of a reader's network in evaluation mode, its inputs, and the class of each; its name is of what it is."""

    model: nn.Module
    inputs: Tensor
    targets: Tensor


_alive: WeakValueDictionary[str, Own] = WeakValueDictionary()
"""By name; those whose lens is still held in Python, or that are among the newest."""

_newest: deque[Own] = deque(maxlen=KEPT)
"""For pages, which hold a name alone."""


def brought(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], Own]:
    """Parameter values for the arguments model, inputs and targets, and what the lens has to hold.

    Raises:
        RequestError: one is missing or of another kind, by name; or the network cannot be copied or probed.
    """
    missing = [name for name in ARGUMENTS if name not in arguments]
    if missing:
        raise RequestError(missing[0], None, f"must be given: {', '.join(ARGUMENTS)} belong together")
    own = _checked(arguments["model"], arguments["inputs"], arguments["targets"])
    _probed(own, "-gradient", 0)
    name = f"network-{_fingerprint(own)}"
    # of two with one name, equal but for what their code calls, the later one counts
    _alive[name] = own
    _newest.append(own)
    return {"source": "own", "own": name, "sample": -1}, own


def _fingerprint(own: Own) -> str:
    """Of classes, code and tensors: a link or a request.json finds this network again where it is handed over again,
    and none that differs in these."""
    found = hashlib.sha256()
    for name, module in own.model.named_modules():
        kind = type(module)
        code = getattr(getattr(kind, "forward", None), "__code__", None)
        found.update(f"{name} {kind.__module__}.{kind.__qualname__}".encode() + getattr(code, "co_code", b""))
    for name, tensor in (*own.model.state_dict().items(), ("inputs", own.inputs), ("targets", own.targets)):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:12]


def _checked(model: object, inputs: object, targets: object) -> Own:
    if not isinstance(model, nn.Module):
        raise RequestError("model", type(model).__name__, "must be a torch.nn.Module")
    if not isinstance(inputs, Tensor) or inputs.ndim < 1 or not len(inputs):
        raise RequestError("inputs", _kind(inputs), "must be a tensor of samples, (n, …)")
    if not isinstance(targets, Tensor) or targets.shape != inputs.shape[:1] or targets.is_floating_point():
        raise RequestError("targets", _kind(targets), f"must be a tensor of {len(inputs)} class numbers")
    if inputs.is_floating_point() and not bool(inputs.isfinite().all()):
        raise RequestError("inputs", _kind(inputs), "must be finite numbers")
    try:
        twin = copy.deepcopy(model).eval()
    except Exception as error:  # whatever the module's parts raise
        raise RequestError("model", type(model).__name__, f"cannot be copied: {error}") from error
    if not any(p.requires_grad and p.is_floating_point() for p in twin.parameters()):
        raise RequestError("model", type(model).__name__, "must have a parameter that is not frozen")
    device = next(twin.parameters()).device
    return Own(twin, inputs.detach().to(device), targets.detach().long().to(device))


def _kind(value: object) -> str:
    return f"{value.dtype} {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def own_probe(name: str, kind: str, seed: int) -> Probe:
    """The network probed along a unit direction.

    Raises:
        RequestError: it is not in this process, the direction needs an optimiser's state, or its output is no table of
            logits.
    """
    own = _alive.get(name)
    if own is None:
        raise RequestError("own", name, "the network is not here: open it with open_lens in this process", "")
    return _probed(own, kind, seed)


@lru_cache(maxsize=8)
def _probed(own: Own, kind: str, seed: int) -> Probe:
    if kind not in DIRECTIONS:
        raise RequestError(
            "direction", kind, "needs an optimiser’s state, which your network does not bring", "-gradient"
        )
    # Not the kept module itself: what a network keeps of its pass would be in every later copy.
    model = twin(own.model)
    with untouched(model):
        gradient = _gradient(model, own)
    direction = gradient if kind != "random" else _random(gradient, seed)
    norm = math.sqrt(sum(float(part.double().square().sum()) for part in direction.values()))
    if not 0 < norm < math.inf:
        raise RequestError(
            "model", kind, f"the direction has length {norm:g}: a finite one above 0 is needed"
        )
    sign = -1.0 if kind == "-gradient" else 1.0
    direction = {name: sign * part / norm for name, part in direction.items()}
    try:
        z, a, backend = logit_jvp(twin(own.model), own.inputs, direction)
    except ValueError as error:
        raise RequestError("model", type(own.model).__name__, str(error)) from error
    return Probe(
        own.model, direction, own.inputs, own.targets, z.double(), a.double(), backend, math.nan, 0
    )  # fmt: skip


def _gradient(model: nn.Module, own: Own) -> dict[str, Tensor]:
    """Gradient of the mean loss of the given samples, in evaluation mode; frozen parameters have none."""
    moving = {name: p for name, p in model.named_parameters() if p.requires_grad and p.is_floating_point()}
    try:
        logits = model(own.inputs)
    except Exception as error:  # whatever the reader's module raises on these inputs
        raise RequestError("inputs", _kind(own.inputs), f"the network refuses them: {error}") from error
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(own.targets):
        raise RequestError("model", _kind(logits), f"must give logits ({len(own.targets)}, classes)")
    outside = ((own.targets < 0) | (own.targets >= logits.shape[1])).nonzero().flatten().tolist()
    if outside:
        label = int(own.targets[outside[0]])
        raise RequestError(f"targets[{outside[0]}]", label, f"must be from 0 to {logits.shape[1] - 1}")
    loss = nn.functional.cross_entropy(logits, own.targets)
    parts = torch.autograd.grad(loss, list(moving.values()), allow_unused=True)
    return {name: part for name, part in zip(moving, parts, strict=True) if part is not None}


def _random(like: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(p.shape, generator=generator).to(p) for name, p in like.items()}
