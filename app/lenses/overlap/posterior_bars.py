"""Posterior of C_l/C_0: linear coefficients behind the wall P ≥ 0, beside squares, which know no wall."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.overlap.compression import Compressed, compress, project
from anisoscope.engine.overlap.posterior import Posterior, linear_posterior, square_root_posterior
from anisoscope.engine.overlap.skies import angular_power

from ...frame import Columns
from .content import content, small
from .recovery import Setup, simulated

SHIFT = 0.14
"""Half the distance between the two posteriors of a degree."""

SEED = 0
LINEAR = {"chains": 32, "draws": 60, "warm_up": 40}
ROOT = {"chains": 16, "draws": 400, "warm_up": 400}


class Intervals(NamedTuple):
    """16 %, 50 % and 84 % of C_l/C_0, (3, l_max) from l = 1, and how far to trust them."""

    levels: np.ndarray
    acceptance: float
    effective_sample_size: float
    scale_reduction: float


@dataclass(frozen=True)
class _Data:
    """Compressed data, equal to others by what they are made of."""

    identity: tuple[bytes, bytes, bytes, float, int, int]
    compressed: Compressed = field(compare=False)
    data: Tensor = field(compare=False)
    l_max: int = field(compare=False)


def posterior(setup: Setup) -> Iterator[tuple[dict[str, Columns], dict[str, Any]] | None]:
    """Both posteriors of the simulated data, one after the other; None between, where the caller may stop.

    A degree of the fit below 2 leaves the squares nothing but an even sky: their table is empty then.

    Yields:
        None or (tables, facts): tables posterior_linear and posterior_root, each with the median (x, y) and
        the central 68 % (x0, y0, x1, y1) of every degree l ≥ 1. Facts end in _linear and _root: acceptance,
        ess (the least effective sample size of any coefficient) and r_hat (the largest split R̂).
    """
    data = _data(setup)
    yield None
    linear = _linear(data)
    tables: dict[str, Columns] = {
        "posterior_linear": _table(linear, -SHIFT),
        "posterior_root": _table(None, SHIFT),
    }
    facts = _facts(linear, "linear")
    yield tables, facts
    if setup.fit_l_max < 2:
        return
    yield None
    root = _root(data)
    yield {**tables, "posterior_root": _table(root, SHIFT)}, {**facts, **_facts(root, "root")}


def _data(setup: Setup) -> _Data:
    pairs = simulated(setup)
    compressed = compress(setup.design, pairs.sigma)
    numbers = float(setup.snr), setup.noise_seed, setup.fit_l_max
    identity = (setup.key, content(setup.weights), content(setup.injected), *numbers)
    return _Data(identity, small(compressed), project(compressed, pairs.rho), setup.fit_l_max)


@lru_cache(maxsize=8)
def _linear(data: _Data) -> Intervals:
    return _intervals(
        linear_posterior(data.compressed, data.data, data.l_max, **LINEAR, generator=_generator())
    )


@lru_cache(maxsize=8)
def _root(data: _Data) -> Intervals:
    return _intervals(
        square_root_posterior(data.compressed, data.data, data.l_max, **ROOT, generator=_generator())
    )


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(SEED)


def _intervals(draws: Posterior) -> Intervals:
    power = angular_power(draws.coefficients).flatten(0, 1)
    ratio = power[:, 1:] / power[:, :1]
    levels = torch.quantile(ratio, torch.tensor([0.16, 0.5, 0.84], dtype=torch.float64), dim=0)
    return Intervals(
        levels.numpy(),
        draws.acceptance,
        float(draws.effective_sample_size.min()),
        float(draws.scale_reduction.max()),
    )


def _table(intervals: Intervals | None, shift: float) -> dict[str, np.ndarray]:
    low, middle, high = intervals.levels if intervals is not None else np.empty((3, 0))
    x = np.arange(1, len(middle) + 1) + shift
    return {"x": x, "y": middle, "x0": x, "y0": low, "x1": x, "y1": high}


def _facts(intervals: Intervals, name: str) -> dict[str, Any]:
    return {
        f"acceptance_{name}": intervals.acceptance,
        f"ess_{name}": intervals.effective_sample_size,
        f"r_hat_{name}": intervals.scale_reduction,
    }
