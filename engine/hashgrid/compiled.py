"""Encoding and table gradient compiled by numba: the same sums as `encode`, one level in the cache at a time.

Kernels hold no lock and know no threads: the caller shares out the levels, so that every row has one owner and its
sum one order. Only this module imports numba, and only where it is installed.

Points have dim 1, 2 or 3; axes that are not there have step 0 and weight 1 for the lower vertex.
"""

from typing import NamedTuple

import numba  # pyright: ignore[reportMissingImports]
import numpy as np

_compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


class Plan(NamedTuple):
    """A lattice as numbers, one row a level.

    Attributes:
        rows: (L, 9) int64: first row, number of rows, dense; the origin along each of three axes; the step of each
            axis, which is the stride of a dense level and the multiplier of a hash.
        reals: (L, 9) in the dtype of the points: one, offset, scale; the least and greatest cell of each axis.
        turns: (L, 3, 3) likewise, rotations about the centre.
        masks: (L,) weights of the levels, in the dtype of the table.
        options: turned, clamped to the cells there are, smoothstep, nothing outside [0, 1].
    """

    rows: np.ndarray
    reals: np.ndarray
    turns: np.ndarray
    masks: np.ndarray
    options: np.ndarray


@_compiled
def _numbers(plan, level):
    """What the loop over points needs, out of the arrays: as scalars they stay in registers."""
    i, r, t = plan.rows[level], plan.reals[level], plan.turns[level]
    whole = (i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7], i[8])
    real = (r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8])
    turn = (t[0, 0], t[0, 1], t[0, 2], t[1, 0], t[1, 1], t[1, 2], t[2, 0], t[2, 1], t[2, 2])
    return whole, real, turn, (plan.options[0], plan.options[1], plan.options[2], plan.options[3])


@_compiled
def _axis(x, y, z, axis, whole, real, turn, options):
    """Row contribution of the lower vertex along one axis, and the weight of the upper vertex."""
    one, offset, scale = real[0], real[1], real[2]
    half = one / (one + one)
    if options[0]:
        along = (
            turn[3 * axis] * (x - half) + turn[3 * axis + 1] * (y - half) + turn[3 * axis + 2] * (z - half)
        )
        position = (along + half) * scale + offset
    else:
        position = (x if axis == 0 else y if axis == 1 else z) * scale + offset
    cell = np.floor(position)
    if options[1]:
        cell = max(min(cell, real[4 + 2 * axis]), real[3 + 2 * axis])
    fraction = position - cell
    if options[2]:
        fraction = fraction * fraction * (one + one + one - (one + one) * fraction)
    return (np.int64(cell) - whole[3 + axis]) * whole[6 + axis], fraction


@_compiled
def _third_axis(points, x, y, z, whole, real, turn, options):
    """`_axis`, or nothing for the upper plane: with fewer axes the step is 0 and both planes are one."""
    c, w = _axis(x, y, z, 2, whole, real, turn, options)
    if points.shape[1] < 3:
        w = real[0] - real[0]
    return c, w


@_compiled
def _row(a, b, c, whole):
    if whole[2] == 0:
        row = (a ^ b ^ c) & (whole[1] - 1)
    else:
        row = a + b + c
        if row < 0 or row >= whole[1]:
            row = (row & 0xFFFFFFFF) % whole[1]
    # unsigned, for a signed index is tested for counting from the end
    return np.uint64(whole[0] + row)


@_compiled
def _point(points, p, one, outside_is_zero):
    """The coordinates, missing ones at the centre, and the weight of the point."""
    half = one / (one + one)
    x, y, z = points[p, 0], half, half
    if points.shape[1] > 1:
        y = points[p, 1]
    if points.shape[1] > 2:
        z = points[p, 2]
    there = one
    if outside_is_zero and (min(x, y, z) < 0 or max(x, y, z) > 1):
        there = one - one
    return x, y, z, there


@_compiled
def _corners(a, b, c, u, v, weight, whole):
    """Rows and weights of the four corners of a cell in a plane across axis 2."""
    a1, b1 = a + whole[6], b + whole[7]
    rows = (_row(a, b, c, whole), _row(a1, b, c, whole), _row(a, b1, c, whole), _row(a1, b1, c, whole))
    upper = v * weight
    lower = weight - upper
    return rows, (lower - u * lower, u * lower, upper - u * upper, u * upper)


@_compiled
def forward(points, table, out, plan, level, features):
    """Features of one level; `features` is a tuple of F zeros, so that F is known when compiling."""
    whole, real, turn, options = _numbers(plan, level)
    column, mask = level * len(features), plan.masks[level]
    for p in range(len(points)):
        x, y, z, there = _point(points, p, real[0], options[3])
        a, u = _axis(x, y, z, 0, whole, real, turn, options)
        b, v = _axis(x, y, z, 1, whole, real, turn, options)
        c, w = _third_axis(points, x, y, z, whole, real, turn, options)
        there = there * mask
        rows, weights = _corners(a, b, c, u, v, there - there * w, whole)
        for f in range(len(features)):
            total = weights[0] * table[rows[0], f] + weights[1] * table[rows[1], f]
            out[p, column + f] = total + weights[2] * table[rows[2], f] + weights[3] * table[rows[3], f]
        if points.shape[1] == 3:
            rows, weights = _corners(a, b, c + whole[8], u, v, there * w, whole)
            for f in range(len(features)):
                total = weights[0] * table[rows[0], f] + weights[1] * table[rows[1], f]
                out[p, column + f] += total + weights[2] * table[rows[2], f] + weights[3] * table[rows[3], f]


@_compiled
def backward(points, gradient, out, plan, level, features):
    """Adds the gradient of one level's rows to `out` (rows, F), in the order of the points."""
    whole, real, turn, options = _numbers(plan, level)
    column, mask = level * len(features), plan.masks[level]
    for p in range(len(points)):
        x, y, z, there = _point(points, p, real[0], options[3])
        a, u = _axis(x, y, z, 0, whole, real, turn, options)
        b, v = _axis(x, y, z, 1, whole, real, turn, options)
        c, w = _third_axis(points, x, y, z, whole, real, turn, options)
        there = there * mask
        rows, weights = _corners(a, b, c, u, v, there - there * w, whole)
        for f in range(len(features)):
            g = gradient[p, column + f]
            out[rows[0], f] += weights[0] * g
            out[rows[1], f] += weights[1] * g
            out[rows[2], f] += weights[2] * g
            out[rows[3], f] += weights[3] * g
        if points.shape[1] == 3:
            rows, weights = _corners(a, b, c + whole[8], u, v, there * w, whole)
            for f in range(len(features)):
                g = gradient[p, column + f]
                out[rows[0], f] += weights[0] * g
                out[rows[1], f] += weights[1] * g
                out[rows[2], f] += weights[2] * g
                out[rows[3], f] += weights[3] * g
