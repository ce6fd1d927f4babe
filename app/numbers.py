"""Numbers as the page writes them: three digits, true minus, thin exponents. hand.js writes them alike."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_THREE, _TWO = Context(prec=3, rounding=ROUND_HALF_UP), Context(prec=2, rounding=ROUND_HALF_UP)


def shown(value: float) -> str:
    """Three significant digits, an exponent only far from one.

    >>> [shown(v) for v in (2.45, 0.27194, 4912.0, -51234.0, 1.8e-7, math.inf, 0.0)]
    ['2.45', '0.272', '4912', '−5.1 × 10⁴', '1.8 × 10⁻⁷', '∞', '0']
    """
    if math.isnan(value):
        return "not a number"
    sign, size = ("−" if value < 0 else ""), abs(value)
    if math.isinf(size):
        return f"{sign}∞"
    if size == 0:
        return "0"
    if 1000 <= size < 1e4:
        return f"{sign}{int(Decimal(size).to_integral_value(ROUND_HALF_UP))}"
    rounded = Decimal(size).normalize(_THREE)
    if 1e-3 <= size < 1000:
        digits = max(0, 2 - rounded.adjusted())
        return f"{sign}{rounded:.{digits}f}"
    short = Decimal(size).normalize(_TWO)
    exponent = short.adjusted()
    return f"{sign}{short.scaleb(-exponent):.1f} × 10{str(exponent).translate(_SUPERSCRIPT)}"


def power(exponent: int) -> str:
    """A power of ten, as the ticks of a logarithmic axis write it: digits near one, an exponent far from it.

    >>> [power(k) for k in (-3, -2, 0, 2, 4)]
    ['10⁻³', '0.01', '1', '100', '10⁴']
    """
    return f"{10.0**exponent:g}" if -2 <= exponent <= 2 else f"10{str(exponent).translate(_SUPERSCRIPT)}"


def true_minus(text: str) -> str:
    """A number that Python wrote, with a minus sign in place of its hyphen.

    >>> true_minus(f"{-0.25:+.2f}")
    '−0.25'
    """
    return text.replace("-", "−")


def subscript(number: int) -> str:
    """Subscript digits: T₄₈."""
    return str(number).translate(_SUBSCRIPT)
