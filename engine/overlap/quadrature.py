"""The overlap functions of one pair by Gauss–Legendre quadrature of the azimuth-averaged kernel.

With the first pulsar at the pole, the second in the x–z plane and x = k·p_a (k the PROPAGATION direction),
the azimuth integral of Y_lm ΣF_aF_b is elementary (residues; derived by us): G_lm = ∫ U_lm over -c < x < 1
plus ∫ D_lm over -1 < x < -c, c = cos ζ. Convention M of Mingarelli et al. (2013), arXiv:1306.5394: complex
harmonics with the Condon–Shortley phase, no prefactor.

Every integrand is written as Y_lm(x, φ=0) times ρ^m or σ^m with ρ, σ ≤ 1 on their own segments, so nothing
overflows or cancels at any l, m or ζ. Called on a few dozen separations when a table is built.
"""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def orders(l_max: int) -> tuple[Array, Array]:
    """l and m of the (l_max + 1)(l_max + 2)/2 functions with m ≥ 0, m slowest: (0,0), (1,0) … (1,1), (2,1) …"""
    pairs = [(l, m) for m in range(l_max + 1) for l in range(m, l_max + 1)]
    l, m = np.array(pairs, dtype=np.float64).T
    return l, m


def whole_functions(zeta: Array, l_max: int) -> Array:
    """G_lm(ζ), logarithm and all: (functions, separations). Meant for ζ away from 0, where a pole comes near."""
    upper, lower = _segments(zeta, l_max + 64)
    return _upper(*upper, zeta, l_max, regular=False) + _lower(*lower, zeta, l_max)


def regular_parts(zeta: Array, l_max: int) -> Array:
    """G_lm(ζ) - b_lm tan^m(ζ/2) y L: what is left without the logarithm, (functions, separations).

    The pole of the integrand at x = -1 is subtracted; its integral is the logarithm. See `log_weights`.
    """
    upper, lower = _segments(zeta, l_max + 16)
    return _upper(*upper, zeta, l_max, regular=True) + _lower(*lower, zeta, l_max)


def log_weights(l_max: int) -> Array:
    """b_lm of G_lm = tan^m(ζ/2) [polynomial in y + b_lm y L], y = 1 - cos ζ, L = ln sin²(ζ/2): (functions,)."""
    return math.pi * _residues(l_max)


def _residues(l_max: int) -> Array:
    """N_lm (1 - x)^m d^m P_l/dx^m at x = -1, twice that for m = 0."""
    values: list[float] = []
    for l, m in zip(*(v.astype(int).tolist() for v in orders(l_max)), strict=True):
        rising = math.prod(range(l - m + 1, l + m + 1))
        size = math.sqrt((2 * l + 1) / (4 * math.pi) * rising) / math.factorial(m)
        values.append((-1) ** (l - m) * size * (2 if m == 0 else 1))
    return np.array(values)


def _segments(zeta: Array, nodes: int) -> tuple[tuple[Array, Array, Array], tuple[Array, Array, Array]]:
    """(1 - x, 1 + x, weight) on -c < x < 1 and on -1 < x < -c, each (separations, nodes), to full precision."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    points, weights = (1 + points) / 2, weights / 2
    y, z = 2 * np.sin(zeta / 2)[:, None] ** 2, 2 * np.cos(zeta / 2)[:, None] ** 2
    return (z * points, 2 - z * points, z * weights), (2 - y * points, y * points, y * weights)


def _upper(minus: Array, plus: Array, weight: Array, zeta: Array, l_max: int, regular: bool) -> Array:
    """∫_{-c}^{1}; `regular` takes the pole's residue at x = -1 out of every integrand."""
    y, _, t = _half_angles(zeta)
    s, c = np.sin(zeta)[:, None], np.cos(zeta)[:, None]
    ratio = t * np.sqrt(minus / plus)
    harmonics = _harmonics((plus - minus) / 2, minus * plus, l_max)
    l, m = orders(l_max)
    found = np.empty((len(l), len(zeta)))
    for row, residue in enumerate(_residues(l_max)):
        order = int(m[row])
        power = ratio**order * harmonics[row]
        pole = power * minus if order == 0 else power
        if regular:
            pole = pole - t**order * residue
        if order == 0:
            values = minus / 2 * (1 - c * (plus - minus) / 2) * power - y * pole / plus
        elif order == 1:
            # t² (1 - x)/(1 + x) · (1 - x)/2 · sin ζ N P' = (t y/2) (1 - x)² N P'/(1 + x)
            values = s / 4 * minus * np.sqrt(minus * plus) * harmonics[row]
            double = power * minus - (2 * t * residue if regular else 0)
            values = values - y / 2 * double / plus
        else:
            values = power - y * pole / plus
        found[row] = math.pi * (weight * values).sum(-1)
    return found


def _lower(minus: Array, plus: Array, weight: Array, zeta: Array, l_max: int) -> Array:
    """∫_{-1}^{-c}: no pole here."""
    _, z, t = _half_angles(zeta)
    s, c = np.sin(zeta)[:, None], np.cos(zeta)[:, None]
    ratio = np.sqrt(plus / minus) / t
    harmonics = _harmonics((plus - minus) / 2, minus * plus, l_max)
    l, m = orders(l_max)
    found = np.empty((len(l), len(zeta)))
    for row in range(len(l)):
        order = int(m[row])
        if order == 0:
            factor = minus / 2 * (1 - c * (plus - minus) / 2) - z
        elif order == 1:
            factor = s / 4 * minus * np.sqrt(minus * plus) - z / 2 * ratio
        else:
            # (c + x)/(1 + x) = 1 - y/(1 + x), and ρ² = (1 + x)/(1 - x)/t² absorbs the pole
            factor = -(ratio**order) + ratio ** (order - 2) * z / minus
        found[row] = math.pi * (weight * factor * harmonics[row]).sum(-1)
    return found


def _half_angles(zeta: Array) -> tuple[Array, Array, Array]:
    """y = 1 - cos ζ, z = 1 + cos ζ, t = tan(ζ/2) as columns."""
    half = zeta[:, None] / 2
    return 2 * np.sin(half) ** 2, 2 * np.cos(half) ** 2, np.tan(half)


def _harmonics(x: Array, sine_squared: Array, l_max: int) -> Array:
    """N_lm (1 - x²)^{m/2} d^m P_l/dx^m, rows as in `orders`: the harmonics without Condon–Shortley phase."""
    rows: list[Array] = []
    diagonal = np.full_like(x, math.sqrt(0.25 / math.pi))
    sine = np.sqrt(sine_squared)
    for m in range(l_max + 1):
        before, current = np.zeros_like(x), diagonal
        rows.append(current)
        for l in range(m + 1, l_max + 1):
            ahead = math.sqrt((4 * l * l - 1) / (l * l - m * m))
            back = math.sqrt((2 * l + 1) * ((l - 1) ** 2 - m * m) / ((2 * l - 3) * (l * l - m * m)))
            before, current = current, ahead * x * current - back * before
            rows.append(current)
        diagonal = diagonal * sine * math.sqrt((2 * m + 3) / (2 * m + 2))
    return np.stack(rows)
