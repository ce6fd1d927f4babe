"""Levels, growth and table size for a feature of so many pixels in so many bytes, with what to expect of them."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .errors import InvalidGrid, TableTooLarge
from .lattice import make_lattice
from .levels import LEVELS_MAX, Convention, Levels, checked_count, level_table
from .speckle import load_factors, speckle_law
from .utilisation import pixel_centres, table_utilisation
from .widths import fwhm

# FWHM · N_avg along an axis: closed forms, and what arXiv:2602.10495 states for Adam
BETAS = {"least squares": 8 * math.exp(-11 / 6), "adam": 8 * math.exp(-3 / 2), "paper": 3.0}
REGIMES = (*BETAS, "dense")
GROWTH_MAX = 1.6
UTILISATION_MIN = 0.95
# Where none reaches that, a level more must bring more than this
UTILISATION_SLACK = 0.02
TRIES = 5
TABLE_BITS = range(1, 31)
COUNTS_MAX = 2**20
# N_max over the resolution asked for, under dense supervision: best on 128 × 128 images, with and without a row
# of the table for every pixel
DENSE_AMPLE, DENSE_SCARCE = 2.5, 1.0


class Advice(NamedTuple):
    """A configuration and what to expect of it.

    average_resolution: N_avg. finest: N_max. rows, parameters, bytes: of all tables. utilisation: share of rows
    that the samples read, or None where none were given. adequate: growth and utilisation are as wanted.
    hashed_levels: L_h. loads: vertices over rows, by level. snr: peak over speckle. fwhm: along an axis in units
    of length, of points on nodes and mid-cell; between them lies any other under least squares, on average.
    operations: additions and multiplications for one point. reasons: one sentence for each choice.
    """

    levels: int
    growth: float
    log2_table_size: int
    base_resolution: int
    average_resolution: float
    finest: float
    rows: int
    parameters: int
    bytes: int
    utilisation: float | None
    adequate: bool
    hashed_levels: int
    loads: tuple[float, ...]
    snr: float
    fwhm: tuple[float, float]
    operations: int
    reasons: tuple[str, ...]


class Wish(NamedTuple):
    """What does not change while levels are tried; meanings as in `advise`."""

    resolution: float
    max_bytes: int
    dim: int
    regime: str | float
    features: int
    value_bytes: int
    base_resolution: int
    convention: Convention
    samples: Tensor | None


def advise(
    width: float,
    pixels: int,
    max_bytes: int,
    dim: int = 2,
    regime: str | float = "adam",
    features: int = 2,
    value_bytes: int = 4,
    base_resolution: int = 16,
    convention: Convention = "paper",
    samples: Tensor | None = None,
) -> Advice:
    """The fewest levels with a growth of 1.6 at most, their growth, and the largest table within the budget.

    A width wanted of w pixels sets N_avg = β W/w, hence b = (N_avg/N_min)^(2/(L - 1)); under dense supervision
    N_max = κ W/w, κ = 2.5 or, with fewer rows than pixels, 1. Up to five numbers of levels are tried until the
    samples read 95 % of the tables' rows. If none does (N_max a multiple of 2W on pixel centres, say), the fewest
    levels within 2 % of the best are returned and said to be inadequate.

    Args:
        width: of the smallest feature, in pixels, positive.
        pixels: W along each axis.
        max_bytes: for all tables.
        dim: 1, 2 or 3.
        regime: "least squares", "adam" or "paper" for points fitted sparsely, "dense" for every pixel of an image;
            or a measured β.
        features: F of each row.
        value_bytes: of one feature: 4, or 2 in half precision.
        base_resolution: N_min.
        convention: as for `level_table`.
        samples: (n, dim) points of training; None: pixel centres in one and two dimensions, no check in three.

    Raises:
        InvalidGrid: on values outside these ranges, or a width that the coarsest level has already.
        TableTooLarge: where the least table is beyond the budget.

    >>> advice = advise(2.0, 64, 100_000, base_resolution=8)
    >>> advice.levels, round(advice.growth, 3), advice.log2_table_size
    (10, 1.548, 10)
    """
    checked_count("dim", dim, 1, 3)
    for name, count in (("pixels", pixels), ("features", features), ("value_bytes", value_bytes)):
        checked_count(name, count, 1, COUNTS_MAX)
    for name, size in (("width", width), ("max_bytes", max_bytes)):
        if not 0 < size < math.inf:
            raise InvalidGrid(f"{name} is {size!r}: a positive and finite number is needed")
    if samples is None and dim <= 2:
        samples = pixel_centres(*[pixels] * dim)
    resolution = pixels / width
    wish = Wish(
        resolution, max_bytes, dim, regime, features, value_bytes, base_resolution, convention, samples
    )
    best = _best(wish, _ratio(wish, DENSE_AMPLE))
    if regime == "dense" and best.rows < pixels**dim and DENSE_SCARCE * resolution > base_resolution:
        best = _best(wish, _ratio(wish, DENSE_SCARCE))
    return best


def recommended_growth(beta: float, resolution: float, base_resolution: float, levels: int) -> float:
    """b = (β W/N_min)^(2/(L - 1)): the growth whose N_avg is β W, W the widths in a unit length.

    Raises:
        InvalidGrid: unless β W > N_min > 0 and levels is 2 or more.

    >>> round(recommended_growth(3.0, 512, 16, 16), 12)
    1.837819397673
    """
    if not (levels >= 2 and 0 < base_resolution < beta * resolution < math.inf):
        raise InvalidGrid(
            f"beta, resolution, base_resolution, levels are {beta}, {resolution}, {base_resolution}, {levels}: "
            "β W > N_min > 0 and 2 levels or more are needed"
        )
    return (beta * resolution / base_resolution) ** (2 / (levels - 1))


def _ratio(wish: Wish, dense: float) -> float:
    """N_max over N_min.

    Raises:
        InvalidGrid: on another regime, or where the coarsest level is fine enough already.
    """
    if wish.regime == "dense":
        ratio = dense * wish.resolution / wish.base_resolution
    else:
        beta = BETAS.get(wish.regime) if isinstance(wish.regime, str) else wish.regime
        if beta is None or not 0 < beta < math.inf:
            raise InvalidGrid(f"regime is {wish.regime!r}: {', '.join(REGIMES)} or a positive β is needed")
        ratio = (beta * wish.resolution / wish.base_resolution) ** 2
    if not ratio > 1:
        raise InvalidGrid(
            f"base_resolution is {wish.base_resolution}: a width of 1/{wish.resolution:g} needs a coarser one"
        )
    return ratio


def _best(wish: Wish, ratio: float) -> Advice:
    fewest = max(2, math.ceil(1 + math.log(ratio) / math.log(GROWTH_MAX) - 1e-12))
    if fewest > LEVELS_MAX:
        raise InvalidGrid(f"width asks for {fewest} levels: at most {LEVELS_MAX} are allowed")
    tried: list[Advice] = []
    for levels in range(fewest, min(fewest + TRIES, LEVELS_MAX + 1)):
        tried.append(_configured(wish, levels, ratio ** (1 / (levels - 1))))
        if tried[-1].adequate:
            return tried[-1]
    most = max(advice.utilisation or 0.0 for advice in tried)
    return next(advice for advice in tried if (advice.utilisation or 0.0) >= most - UTILISATION_SLACK)


def _configured(wish: Wish, levels: int, growth: float) -> Advice:
    bits, table = _largest_table(wish, levels, growth)
    utilisation = None
    if wish.samples is not None:
        lattice = make_lattice(wish.dim, levels, bits, wish.base_resolution, growth, wish.convention)
        utilisation = table_utilisation(lattice, wish.samples).fraction
    adequate = utilisation is None or utilisation >= UTILISATION_MIN
    axis = torch.eye(wish.dim, dtype=torch.float64)[0]
    widths = tuple(fwhm(table, axis, kernel).item() for kernel in ("node", "mid_cell"))
    noise = speckle_law(table)
    rows = int(table.table_sizes.sum())
    average = table.scales.log().mean().exp().item()
    return Advice(
        levels=levels,
        growth=growth,
        log2_table_size=bits,
        base_resolution=wish.base_resolution,
        average_resolution=average,
        finest=table.resolutions[-1].item(),
        rows=rows,
        parameters=rows * wish.features,
        bytes=rows * wish.features * wish.value_bytes,
        utilisation=utilisation,
        adequate=adequate,
        hashed_levels=noise.hashed_levels,
        loads=tuple(load_factors(table)),
        snr=noise.snr,
        fwhm=(widths[0], widths[1]),
        operations=_operations(levels, wish.dim, wish.features),
        reasons=_reasons(wish, levels, growth, bits, noise.snr, utilisation),
    )


def _largest_table(wish: Wish, levels: int, growth: float) -> tuple[int, Levels]:
    """The largest table within the budget; of equally large ones the least T.

    Raises:
        TableTooLarge: where there is none.
    """
    found: tuple[int, Levels] | None = None
    for bits in TABLE_BITS:
        table = level_table(wish.dim, levels, bits, wish.base_resolution, growth, wish.convention)
        needed = int(table.table_sizes.sum()) * wish.features * wish.value_bytes
        if needed > wish.max_bytes:
            if found is None:
                raise TableTooLarge(needed, wish.max_bytes)
            break
        found = bits, table
        if bool(table.dense.all()):
            break
    assert found is not None
    return found


def _operations(levels: int, dim: int, features: int) -> int:
    """Position and fraction 4 D, weights 2ᴰ (D - 1) + D, weighted sum 2ᴰ 2F, for each level."""
    corners = 2**dim
    return levels * (5 * dim + corners * (dim - 1) + corners * 2 * features)


def _reasons(
    wish: Wish, levels: int, growth: float, bits: int, snr: float, utilisation: float | None
) -> tuple[str, ...]:
    basis = "N_max" if wish.regime == "dense" else "N_avg"
    lines = [
        f"{basis} follows from 1/{wish.resolution:g} wanted ({wish.regime})",
        f"{levels} levels keep the growth, {growth:.4g}, at {GROWTH_MAX} or below",
        f"T = 2^{bits} is the largest within {wish.max_bytes / 1e6:g} MB, or the least without collisions",
        "nothing collides" if snr == math.inf else f"speckle is 1/{float(f'{snr:.3g}'):g} of the peak",
    ]
    if utilisation is not None:
        verdict = (
            "enough"
            if utilisation >= UTILISATION_MIN
            else f"less than the {100 * UTILISATION_MIN:.0f} % wanted"
        )
        lines.append(f"the samples read {100 * utilisation:.1f} % of the rows, {verdict}")
    return tuple(lines)
