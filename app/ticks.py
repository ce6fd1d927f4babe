"""Ticks of an axis: where they stand, and how they are written, alike in all lenses."""

from __future__ import annotations

import math
from collections.abc import Iterable

from .numbers import power, shown, true_minus

Ticks = tuple[tuple[float, str], ...]


class Logarithmic(tuple[tuple[float, str], ...]):
    """Ticks of an axis of log₁₀: what is drawn along it are the logarithms of the values its words name."""


def plain(values: Iterable[float]) -> Ticks:
    """At these numbers, written as they are.

    >>> plain((-0.5, 0, 10))
    ((-0.5, '−0.5'), (0.0, '0'), (10.0, '10'))
    """
    return tuple((float(value), true_minus(f"{value:g}")) for value in values)


def rounded(low: float, high: float, most: int = 5) -> Ticks:
    """At round numbers from `low` to `high`, at most `most` steps of 1, 2 or 5 times a power of ten; at the one number
    that an empty range is.

    >>> rounded(-0.4, 1.1)
    ((0.0, '0'), (0.5, '0.5'), (1.0, '1'))
    """
    span = high - low
    if span <= 0:
        return plain((low,))
    unit = 10.0 ** math.floor(math.log10(span / most))
    step = next(unit * m for m in (1, 2, 5, 10) if span <= most * unit * m * (1 + 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple((step * k, _written(step * k)) for k in range(first, last + 1))


def percents(low: float, high: float) -> Ticks:
    """The same for shares, written as percentages.

    >>> percents(0, 0.34)
    ((0.0, '0 %'), (0.1, '10 %'), (0.2, '20 %'), (0.3, '30 %'))
    """
    return tuple((value / 100, f"{text} %") for value, text in rounded(100 * low, 100 * high))


def powers(exponents: Iterable[int]) -> Ticks:
    """At these powers of ten, on an axis of log₁₀.

    >>> powers((-4, 0, 1))
    ((-4.0, '10⁻⁴'), (0.0, '1'), (1.0, '10'))
    """
    return Logarithmic((float(k), power(k)) for k in exponents)


def decades(low: float, high: float) -> Ticks:
    """At whole powers of ten between two of them, at most six, on an axis of log₁₀."""
    whole = range(math.ceil(low), math.floor(high) + 1)
    every = max(1, math.ceil(len(whole) / 6))
    return powers(k for k in whole if k % every == 0)


def logarithmic(low: float, high: float) -> Ticks:
    """On an axis of log₁₀: at powers of ten; where it spans less than a decade, at round numbers.

    >>> [text for _, text in logarithmic(0.0, 0.6)]
    ['1', '2', '3']
    """
    if high - low >= 1:
        return decades(low, high)
    return Logarithmic((math.log10(value), text) for value, text in rounded(10**low, 10**high) if value > 0)


def quarters(count: int) -> Ticks:
    """Of an index from 1 to `count`: at both ends and at the quarters between them.

    >>> quarters(96)
    ((1.0, '1'), (24.0, '24'), (48.0, '48'), (72.0, '72'), (96.0, '96'))
    """
    return plain(sorted({1, *(round(count * part / 4) for part in (1, 2, 3, 4))} - {0}))


def _written(value: float) -> str:
    return true_minus(f"{value:.10g}") if abs(value) >= 1e-3 or value == 0 else shown(value)
