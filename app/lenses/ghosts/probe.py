"""What a network, a direction and a sample give before any picture: logits, slopes, losses along the step.

Three bounded caches in the order of what depends on what: direction, sample, radii of all samples. Moving a
slider that comes later never recomputes what comes earlier.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from anisoscope.engine.digits import step_direction
from anisoscope.engine.ghosts import (
    ExactRadius,
    apply_temperature,
    convergence_radius,
    exact_radius,
    logit_jvp,
    step_sweep,
    top_two_radius,
)
from anisoscope.engine.ghosts.probe import untouched

from ...device import chosen_device
from ...uploads import content_of
from .checkpoints import digits, load, load_file
from .table_files import Table

LADDER = (0.3, 0.99, 1.0, 3.2, 10.0)
"""Steps, in units of the training set's bound, at which the claims compare loss and accuracy."""

PART = 240
"""Samples whose exact radius is found between two places to cancel."""


@dataclass(frozen=True, eq=False)
class Probe:
    """A trained network probed along one unit direction; all tensors float64 but those of a reader's own network.

    Attributes:
        kept_model: the network in evaluation mode, to look at alone: what runs it takes `model()`.
        direction: parameter name to tangent, of norm 1 over all parameters.
        images, labels: the training samples; of a reader's own network its inputs, whatever they are.
        z, a: (samples, classes) logits and their slopes along the direction.
        backend: how the slopes were found, "jvp" or "finite_difference".
        test_accuracy: of the checkpoint, as stored; NaN for a reader's own network.
    """

    kept_model: torch.nn.Module
    direction: dict[str, Tensor]
    images: Tensor
    labels: Tensor
    z: Tensor
    a: Tensor
    backend: str
    test_accuracy: float
    step: int

    def model(self) -> torch.nn.Module:
        """The network to run: a module of the caller's own that shares the parameters."""
        return twin(self.kept_model)


def twin(model: torch.nn.Module) -> torch.nn.Module:
    """A copy of all but the parameters.

    A network that is evaluated at other weights holds them meanwhile (`torch.func.functional_call`), and some write to
    their buffers: pages, exports and notebooks that compute on threads of their own would see one another's.
    """
    # the copies of buffers are tensors that can be written to, whatever the caller's mode
    with torch.inference_mode(False):
        return copy.deepcopy(model, {id(parameter): parameter for parameter in model.parameters()})


@lru_cache(maxsize=8)
def probe(network: str, stage: str, kind: str, seed: int, weights: str) -> Probe:
    """Load a checkpoint and differentiate its logits along a direction."""
    device = chosen_device()
    checkpoint = load_file(content_of("weights", weights), network) if weights else load(network, stage)
    model = checkpoint.model.double().to(device).eval()
    images, labels = digits().train
    images, labels = images.double().to(device), labels.to(device)
    generator = torch.Generator().manual_seed(seed)
    state = checkpoint.optimizer_state
    direction = step_direction(model, images, labels, kind, optimizer_state=state, generator=generator)
    z, a, backend = logit_jvp(model, images, direction)
    return Probe(
        model, direction, images, labels, z, a, backend, checkpoint.test_accuracy, checkpoint.step
    )  # fmt: skip


@lru_cache(maxsize=32)
def logits_along(source: Probe, sample: int, steps: tuple[float, ...]) -> Tensor:
    """(steps, classes) logits of one sample at the weights theta + tau v, through the true network."""
    inputs, model = source.images[sample : sample + 1], source.model()
    evaluate = _along(model, source.direction)
    taus = torch.tensor(steps, dtype=source.z.dtype, device=source.z.device)
    # Whatever a reader's network does or keeps in its pass, it does with tensors that autograd can take.
    with torch.inference_mode(False), torch.no_grad(), untouched(model):
        try:
            return torch.func.vmap(lambda tau: evaluate(tau, inputs)[0], chunk_size=64)(taus).to(source.z)
        except RuntimeError:
            # A reader's network may do what cannot be batched over weights.
            return torch.stack([evaluate(tau, inputs)[0] for tau in taus]).to(source.z)


def _along(model: torch.nn.Module, direction: dict[str, Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    state, buffers = dict(model.named_parameters()), dict(model.named_buffers())

    def evaluate(tau: Tensor, inputs: Tensor) -> Tensor:
        moved = {name: p + tau * direction[name] if name in direction else p for name, p in state.items()}
        return torch.func.functional_call(model, {**moved, **buffers}, (inputs,))

    return evaluate


@dataclass(frozen=True, eq=False)
class Radii:
    """Radii of all samples at one temperature, in units of the step (the direction has norm 1)."""

    bound: Tensor
    margin: Tensor
    exact: Tensor
    certified: Tensor
    top_two: Tensor


@lru_cache(maxsize=16)
def radii(source: Probe | Table, temperature: float) -> Radii:
    """Bound, margin bound and exact radius of all samples."""
    parts = _exact_parts(source, temperature)
    for _ in _completed(parts, source, temperature):
        continue
    z, a = apply_temperature(source.z, source.a, temperature)
    bound = convergence_radius(z, a, kind="bound")
    margin = convergence_radius(z, a, kind="margin")
    exact = torch.cat([parts[index].radius for index in sorted(parts)])
    certified = torch.cat([parts[index].certified for index in sorted(parts)])
    return Radii(bound, margin, exact, certified, top_two_radius(z, a))


def exact_in_parts(source: Probe | Table, temperature: float) -> Iterator[None]:
    """Find the exact radii some samples at a time, pausing after each part.

    Each pause is a place to cancel, and what was found until then is kept for the next request.
    """
    return _completed(_exact_parts(source, temperature), source, temperature)


def _completed(parts: dict[int, ExactRadius], source: Probe | Table, temperature: float) -> Iterator[None]:
    samples = zip(source.z.split(PART), source.a.split(PART), strict=True)
    for index, (z, a) in enumerate(samples):
        # Another session, in a thread of its own, may have found this part meanwhile.
        if index not in parts:
            parts[index] = exact_radius(*apply_temperature(z, a, temperature))
            yield None


@lru_cache(maxsize=16)
def _exact_parts(source: Probe | Table, temperature: float) -> dict[int, ExactRadius]:
    """The parts found so far by their place among the samples; `exact_in_parts` adds to it."""
    return {}


def bound_of_all(source: Probe | Table, temperature: float) -> Tensor:
    """(samples,) bounds alone: what the first frame of a drag can afford."""
    return convergence_radius(source.z, source.a, kind="bound", temperature=temperature)


@dataclass(frozen=True, eq=False)
class Ladder:
    """Mean loss and accuracy of the whole training set at the steps of LADDER, divided by their start.

    Where the start is 0 the ratios are NaN: nothing can be measured by it.
    """

    loss_ratio: tuple[float, ...]
    accuracy_kept: tuple[float, ...]
    start_loss: float
    start_accuracy: float


@lru_cache(maxsize=8)
def ladder(source: Probe) -> Ladder | None:
    """The true network, all samples, a few steps in units of the training set's bound (temperature 1).

    None where the longest of the steps has no finite length, as when all slopes agree.
    """
    radius = float(bound_of_all(source, 1.0).min())
    steps = [0.0, *(r * radius for r in LADDER)]
    if not math.isfinite(steps[-1]):
        return None
    found = step_sweep(source.model(), source.images, source.labels, source.direction, steps, start=source.z)
    (loss, *losses), (accuracy, *accuracies) = found.loss.tolist(), found.accuracy.tolist()
    ratios = tuple(moved / (loss or math.nan) for moved in losses)
    kept = tuple(moved / (accuracy or math.nan) for moved in accuracies)
    return Ladder(ratios, kept, loss, accuracy)
