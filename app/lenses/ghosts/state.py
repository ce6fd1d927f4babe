"""The one sample under study: logits and slopes in the unit of the picture, and its radii."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from anisoscope.engine.ghosts import (
    apply_temperature,
    convergence_radius,
    exact_radius,
    slope_spread,
    top_two_radius,
)

from ...errors import RequestError
from ...request import Request
from .own_network import own_probe
from .probe import Probe, bound_of_all, probe
from .table_files import Table, table_of

TALLEST = 200.0
"""The largest logit or slope of the sandbox: the tallest bar its figure has an axis for."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A sample along a step.

    Attributes:
        z, a: (classes,) logits over temperature, and slopes per picture unit over temperature.
        label: its class.
        index: position in the training set, -1 in the sandbox.
        unit: length of one picture unit as a step: the sample's bound at temperature 1.
        temperature: T; the bound at T is exactly T picture units.
        margin, exact: radii in picture units, +inf where all slopes agree.
        ghost: nearest zero in picture units, in the upper half plane.
        certified: whether `exact` is proven by a winding number.
        top_two: radius the two likeliest classes alone would have, no bound.
        source: the probed network, or a reader's table of logits and slopes; None in the sandbox.
    """

    z: Tensor
    a: Tensor
    label: int
    index: int
    unit: float
    temperature: float
    margin: float
    exact: float
    ghost: complex
    certified: bool
    top_two: float
    source: Probe | Table | None

    @property
    def flat(self) -> bool:
        """All slopes agree: there is no ghost, and every radius is infinite."""
        return math.isinf(self.exact)

    @property
    def top_two_ghost(self) -> complex:
        """(−δ + iπ)/(a_1 − a_2): the ghost of the two likeliest classes alone; infinite where their slopes agree."""
        classes = self.z.topk(2).indices
        (first, second), (rise, other) = self.z[classes].tolist(), self.a[classes].tolist()
        slope = rise - other
        return (
            complex((second - first) / slope, math.pi / abs(slope)) if slope else complex(math.inf, math.inf)
        )

    def radius(self, kind: str) -> float:
        """The radius of this kind in picture units."""
        return {
            "bound": math.inf if self.flat else self.temperature,
            "margin": self.margin,
            "exact": self.exact,
        }[kind]

    @property
    def probabilities(self) -> Tensor:
        return torch.softmax(self.z, 0)


def subject(request: Request) -> Subject:
    """The sample a request asks for.

    Raises:
        RequestError: the sample or label does not exist.
    """
    return _sandbox(request) if request["source"] == "sandbox" else _sample(request)


def source_of(request: Request) -> Probe | None:
    """The probed network a request asks for; None where there is none, in the sandbox or beside a table."""
    if request["source"] in ("sandbox", "table"):
        return None
    if request["source"] == "own":
        return own_probe(request["own"], request["direction"], request["direction_seed"])
    names = ("network", "stage", "direction", "direction_seed", "weights")
    return probe(*(request[name] for name in names))


def probed_samples(request: Request) -> Probe | Table:
    """What a request looks at outside the sandbox: a network along a direction, or a table of its own."""
    source = _table(request) if request["source"] == "table" else source_of(request)
    assert source is not None
    return source


def _sample(request: Request) -> Subject:
    source = probed_samples(request)
    count = len(source.labels)
    index = request["sample"]
    if not -1 <= index < count:
        raise RequestError(
            "sample", index, f"must be from 0 to {count - 1}, or -1 for the tightest", count - 1
        )
    if index == -1:
        index = int(bound_of_all(source, 1.0).argmin())
    label = int(source.labels[index])
    return _subject(source.z[index], source.a[index], label, index, request["temperature"], source)


def _table(request: Request) -> Table:
    if not request["brought"]:
        allowed = "drop a .npz or .safetensors with z and a, (samples, classes) each, on the page"
        raise RequestError("brought", request["brought"], allowed)
    return table_of(request["brought"])


def _sandbox(request: Request) -> Subject:
    classes, label = request["classes"], request["label"]
    if label >= classes:
        raise RequestError("label", label, f"must be below the number of classes, {classes}", classes - 1)
    z, a = _bars(request, "logits", classes), _bars(request, "slopes", classes)
    return _subject(z, a, label, -1, request["temperature"], None)


def _bars(request: Request, name: str, classes: int) -> Tensor:
    heights = request[name]
    if max(abs(height) for height in heights) > TALLEST:
        within = tuple(min(TALLEST, max(-TALLEST, height)) for height in heights)
        raise RequestError(name, heights, f"must be numbers from {-TALLEST:g} to {TALLEST:g}", within)
    return torch.tensor(heights[:classes], dtype=torch.float64)


def _subject(
    z: Tensor, a: Tensor, label: int, index: int, temperature: float, source: Probe | Table | None
) -> Subject:
    spread = slope_spread(z[None], a[None]).item()
    unit = math.pi / spread if spread > 0 else 1.0
    scaled_z, scaled_a = apply_temperature(z, a * unit, temperature)
    with torch.inference_mode():
        exact = exact_radius(scaled_z[None], scaled_a[None])
        margin = convergence_radius(scaled_z[None], scaled_a[None], kind="margin")
        top_two = top_two_radius(scaled_z[None], scaled_a[None])
    return Subject(
        z=scaled_z,
        a=scaled_a,
        label=label,
        index=index,
        unit=unit,
        temperature=temperature,
        margin=margin.item(),
        exact=exact.radius.item(),
        ghost=complex(exact.ghost.item()),
        certified=bool(exact.certified.item()),
        top_two=top_two.item(),
        source=source,
    )
