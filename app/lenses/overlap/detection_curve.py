"""How often this array tells this sky from an even one, against SNR: refined in rounds, kept for every SNR."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.overlap.compression import Compressed, compress, project
from anisoscope.engine.overlap.detection import (
    anisotropy_snr,
    detected_share,
    null_distribution,
    simulate_compressed,
)
from anisoscope.engine.overlap.square_root import isotropic_amplitude

from ...frame import Columns
from .content import content, small
from .recovery import SNR_STARTS, Setup

SNRS = (2.0, 4.0, 6.0, 8.0, 10.0, 14.0, 20.0, 30.0)
"""Hellings–Downs SNRs of the curve."""

ROUNDS = ((80, 20), (240, 60), (480, 100), (600, 120))
"""Null draws and injections at each SNR: a curve soon, then a better one."""

FALSE_ALARM = 0.0027
"""Of one test: "3σ", the complement of 99.73 %."""

NO_SNR = 1e-3
"""What rounding leaves of an SNR of 0, as of an even sky fitted with an even sky, is no detection."""


@dataclass(frozen=True)
class Problem:
    """An array and a sky whose fits are counted; equal when their contents are.

    Attributes:
        identity: what the result depends on.
        compressed: the array at a median σ of 1; without the columns of q, which no draw needs.
        signal: (j,) compressed correlations of the sky at A² = 1.
        unit: A² of a Hellings–Downs SNR of 1.
        l_max: of the fit.
    """

    identity: tuple[bytes, bytes, bytes, int]
    compressed: Compressed = field(compare=False)
    signal: Tensor = field(compare=False)
    unit: float = field(compare=False)
    l_max: int = field(compare=False)


class Draws(NamedTuple):
    """Anisotropic SNRs of even skies, of the injected sky, and how many of all fits did not converge."""

    null: Tensor
    found: Tensor
    unconverged: int


class _Row(NamedTuple):
    """One SNR of the curve."""

    snr: float
    probability: float
    lower: float
    upper: float
    null_median: float
    threshold: float
    unconverged: float


def detection(
    setup: Setup, snrs: Sequence[float] = SNRS, rounds: int = len(ROUNDS)
) -> Iterator[tuple[dict[str, Columns], dict[str, Any]] | None]:
    """Tables and facts after every round, and None in between, where the caller may stop.

    The noise of the data, method and ridge of the setup do not enter; the present SNR is one more point. All
    SNRs share their noise draws, so the curve is smooth where its band is wide. What was drawn is kept: a
    second call, or one at another SNR, draws only what is new.

    Args:
        setup: array, sky, fit_l_max and the present SNR.
        snrs: of the curve, ascending.
        rounds: how many of ROUNDS are drawn.

    Yields:
        None or (tables, facts): tables detection (x, y), detection_band (x, y, y2), detection_now (x, y).
    """
    problem = _problem(setup)
    places = sorted({*map(float, snrs), float(setup.snr)})
    for done in range(1, rounds + 1):
        for snr in places:
            _draws(problem, snr, done - 1)
            yield None
        rows = [_row(problem, snr, done) for snr in places]
        yield _tables(rows, float(setup.snr)), _facts(rows, float(setup.snr), done, rounds, setup.fit_l_max)


def _problem(setup: Setup) -> Problem:
    design = setup.design
    sigma = setup.sigma
    compressed = compress(design, sigma / sigma.median())
    signal = project(compressed, setup.gamma[:, : len(setup.injected)] @ setup.injected)
    _, unit = isotropic_amplitude(compressed, signal)
    identity = (setup.key, content(setup.weights), content(setup.injected), setup.fit_l_max)
    return Problem(identity, small(compressed), signal, unit, setup.fit_l_max)


@lru_cache(maxsize=512)
def _draws(problem: Problem, snr: float, number: int) -> Draws:
    """One round at one SNR."""
    generator = torch.Generator().manual_seed(number)
    amplitude = snr * problem.unit
    null_draws, injections = ROUNDS[number]
    null = null_distribution(problem.compressed, problem.l_max, amplitude, null_draws, generator, SNR_STARTS)
    data = simulate_compressed(problem.compressed, amplitude * problem.signal, injections, generator)
    found = anisotropy_snr(problem.compressed, data, problem.l_max, SNR_STARTS)
    unconverged = int((~null.fit.converged).sum() + (~found.fit.converged).sum())
    return Draws(null.anisotropic, found.anisotropic, unconverged)


def _row(problem: Problem, snr: float, rounds: int) -> _Row:
    draws = [_draws(problem, snr, number) for number in range(rounds)]
    null, found = torch.cat([each.null for each in draws]), torch.cat([each.found for each in draws])
    share = detected_share(null, found, FALSE_ALARM, NO_SNR)
    return _Row(
        snr,
        share.probability,
        share.lower,
        share.upper,
        float(null.median()),
        share.threshold,
        sum(each.unconverged for each in draws) / (len(null) + len(found)),
    )


def _tables(rows: list[_Row], now: float) -> dict[str, Columns]:
    snr, probability, lower, upper = (np.array(column) for column in list(zip(*rows, strict=True))[:4])
    here = snr == now
    return {
        "detection": {"x": snr, "y": probability},
        "detection_band": {"x": snr, "y": upper, "y2": lower},
        "detection_now": {"x": snr[here], "y": probability[here]},
    }


def _facts(rows: list[_Row], now: float, done: int, rounds: int, l_max: int) -> dict[str, Any]:
    here = next(row for row in rows if row.snr == now)
    return {
        "detection_probability": here.probability,
        "detection_lower": here.lower,
        "detection_upper": here.upper,
        "null_median": here.null_median,
        "null_threshold": here.threshold,
        "snr_of_half": _snr_of(rows, 0.5),
        "injections": sum(injections for _, injections in ROUNDS[:done]),
        "null_draws": sum(null_draws for null_draws, _ in ROUNDS[:done]),
        "false_alarm": FALSE_ALARM,
        "unconverged_share": max(row.unconverged for row in rows),
        "detection_round": done,
        "detection_rounds": rounds,
        "root_degree": l_max // 2,
    }


def _snr_of(rows: list[_Row], probability: float) -> float:
    """Where the curve first reaches a probability, between the points by straight lines; +inf where nowhere."""
    for before, after in pairwise(rows):
        if before.probability < probability <= after.probability:
            share = (probability - before.probability) / (after.probability - before.probability)
            return before.snr + share * (after.snr - before.snr)
    return rows[0].snr if rows[0].probability >= probability else math.inf
