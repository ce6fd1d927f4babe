"""Other scales of a step of the reader's network: divergence, curvature and sharpness, found in parts and kept."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch

from anisoscope.engine.alone import each_alone
from anisoscope.engine.ghosts import (
    LossAlong,
    MeanLoss,
    divergence_step,
    kl_bound,
    linearised_divergence,
    onset,
)

from ...request import Request
from .probe import Probe
from .sweep_live import Sweep, sweep_of

RATIOS = np.logspace(-2, 2, 61)
"""Steps at which the divergence is drawn, in units of the bound of all samples."""

LIMIT = float(kl_bound(1.0))
"""Of the trust region, in nats: what no sample exceeds at r = 1."""

DOUBLED = 2.0
_PART = 6


@dataclass(eq=False)
class Compared:
    """At T = 1; what is not known yet is None, and `largest` grows while it is looked at.

    Attributes:
        divergence: (4, ratios) nats of the linearised logits: KL(p₀‖p) and KL(p‖p₀) of the sample that moves most, then
            their means.
        region: longest step at which no sample's KL(p₀‖p) is beyond `LIMIT`.
        along: loss, gradient and curvature along the direction.
        largest: largest eigenvalue of the Hessian, from below; products: how many were taken for it.
    """

    source: Probe
    sweep: Sweep
    divergence: np.ndarray | None = None
    region: float | None = None
    along: LossAlong | None = None
    largest: float | None = None
    products: int = 0
    settled: bool = False
    _rows: dict[int, torch.Tensor] = field(default_factory=dict)

    @property
    def doubling(self) -> float:
        """Where the loss has doubled, as a step τ; +inf where it has not been seen to, NaN where it starts at 0."""
        steps, loss = self.sweep.curve("loss")
        if np.isnan(loss).any():
            return math.nan
        return onset(torch.as_tensor(steps), torch.as_tensor(-loss), -DOUBLED) if len(steps) else math.inf


def compared(request: Request) -> Compared | None:
    """What is known of the network of a request; None in the sandbox, where there is none."""
    sweep = sweep_of(request.replace(temperature=1.0))
    return None if sweep is None else _compared(sweep)


@lru_cache(maxsize=8)
def _compared(sweep: Sweep) -> Compared:
    return Compared(sweep.source, sweep)


def find_divergence(known: Compared) -> Iterator[None]:
    """Divergences at all steps, a few at a time, and the trust region."""
    z, a = known.source.z, known.source.a
    if known.divergence is None:
        steps = torch.as_tensor(RATIOS * known.sweep.radii["bound"], dtype=z.dtype, device=z.device)
        parts = steps.split(_PART)
        # What another request has found stays: one that was cancelled, or goes on in turn with this one.
        for number, part in enumerate(parts):
            if number not in known._rows:
                both = [linearised_divergence(z, a, part, forward) for forward in (True, False)]
                rows = [*(found.amax(0) for found in both), *(found.mean(0) for found in both)]
                known._rows[number] = torch.stack(rows)
                yield None
        known.divergence = torch.cat([known._rows[number] for number in range(len(parts))], 1).cpu().numpy()
    if known.region is None:
        known.region = divergence_step(z, a, LIMIT)
        yield None


def find_along(known: Compared) -> Iterator[None]:
    """Loss, gradient and curvature along the direction."""
    if known.along is None:
        source = known.source
        mean = MeanLoss(source.model(), source.images, source.labels)
        known.along = yield from each_alone(mean.along_in_parts(source.direction))


def find_largest(known: Compared) -> Iterator[None]:
    """The largest eigenvalue of the Hessian: better with every product, pauses in between."""
    if known.settled:
        return
    source, products = known.source, 0
    mean = MeanLoss(source.model(), source.images, source.labels)
    for value in each_alone(mean.largest_in_parts(source.direction)):
        if value is not None:
            products += 1
            # another request may have come further
            known.products = max(products, known.products)
            known.largest = max(value, known.largest or -math.inf)
        yield None
    known.settled = True
