"""Encoding and table gradient compiled by numba: the same sums as `encode`, one level in the cache at a time.

Kernels hold no lock and know no threads: the caller shares out the levels, so that every row has one owner and its
sum one order. Of each block of points first the corners are found, in loops without branches that fill a processor's
vectors, then the table is read or written. Only here and in `compiled_map` is numba imported, and only where it is
installed.
"""

from typing import NamedTuple

import numba  # pyright: ignore[reportMissingImports]
import numpy as np

_compiled = numba.njit(cache=True, nogil=True, error_model="numpy")

# Rows and weights of a block's eight corners are 16 kB in float32: they stay in the nearest cache
_BLOCK = 256


class Plan(NamedTuple):
    """A lattice as numbers, one row a level.

    Attributes:
        rows: (L, 9) int64: first row, number of rows, dense; the origin along each of three axes; the step of each
            axis, which is the stride of a dense level and the multiplier of a hash.
        reals: (L, 9) in the dtype of the points: one, offset, scale; the least and greatest cell of each axis.
        turns: (L, 3, 3) likewise, rotations about the centre.
        masks: (L,) weights of the levels, in the dtype of the table.
        options: turned, smoothstep, nothing outside [0, 1].
    """

    rows: np.ndarray
    reals: np.ndarray
    turns: np.ndarray
    masks: np.ndarray
    options: np.ndarray


class Block(NamedTuple):
    """Room for one block of points.

    Attributes:
        rows: (2^dim, _BLOCK) uint32 rows within the level of the corners, axis 0 fastest; sums and products wrap as
            those of the peers do.
        weights: (2^dim, _BLOCK) in the dtype of the table.
        cells: (_BLOCK,) uint32, what the lower vertex along one axis gives to a row.
        fractions: (_BLOCK,) in the dtype of the points, the weight of the upper vertex along that axis.
    """

    rows: np.ndarray
    weights: np.ndarray
    cells: np.ndarray
    fractions: np.ndarray


@_compiled
def _room(points, table):
    corners = 1 << points.shape[1]
    rows, weights = np.empty((corners, _BLOCK), np.uint32), np.empty((corners, _BLOCK), table.dtype)
    return Block(rows, weights, np.empty(_BLOCK, np.uint32), np.empty(_BLOCK, points.dtype))


@_compiled
def _positions(points, plan, level, axis, positions):
    """Lattice positions of the points along one axis."""
    one, offset, scale = plan.reals[level, 0], plan.reals[level, 1], plan.reals[level, 2]
    half = one / (one + one)
    if not plan.options[0]:
        for k in range(len(points)):
            positions[k] = points[k, axis] * scale + offset
        return
    for k in range(len(points)):
        positions[k] = 0
    for other in range(points.shape[1]):
        turn = plan.turns[level, axis, other]
        for k in range(len(points)):
            positions[k] += turn * (points[k, other] - half)
    for k in range(len(points)):
        positions[k] = (positions[k] + half) * scale + offset


@_compiled
def _axis(points, plan, level, axis, cells, fractions):
    """Row contributions of the lower vertices along one axis, and the weights of the upper ones."""
    _positions(points, plan, level, axis, fractions)
    one, low, high = plan.reals[level, 0], plan.reals[level, 3 + 2 * axis], plan.reals[level, 4 + 2 * axis]
    origin, step = plan.rows[level, 3 + axis], np.uint32(plan.rows[level, 6 + axis])
    for k in range(len(points)):
        cell = max(min(np.floor(fractions[k]), high), low)
        fractions[k] = min(max(fractions[k] - cell, one - one), one)
        cells[k] = np.uint32(np.int64(cell) - origin) * step
    if plan.options[1]:
        for k in range(len(points)):
            fraction = fractions[k]
            fractions[k] = fraction * fraction * (one + one + one - (one + one) * fraction)


@_compiled
def _start(points, plan, level, rows, weights):
    """One corner of weight 1, times the mask of the level."""
    for k in range(len(points)):
        rows[k], weights[k] = 0, plan.masks[level]
    if plan.options[2]:
        for axis in range(points.shape[1]):
            for k in range(len(points)):
                if not 0 <= points[k, axis] <= 1:
                    weights[k] = 0


@_compiled
def _split(lower, upper, cells, step, dense):
    """Rows of twice as many corners: of the lower vertex along one more axis, and of the upper one."""
    if dense:
        for k in range(len(cells)):
            row = lower[k] + cells[k]
            lower[k], upper[k] = row, row + step
    else:
        for k in range(len(cells)):
            row = lower[k]
            lower[k], upper[k] = row ^ cells[k], row ^ np.uint32(cells[k] + step)


@_compiled
def _share(lower, upper, fractions):
    """Weights of twice as many corners."""
    for k in range(len(fractions)):
        upper[k] = lower[k] * fractions[k]
        lower[k] -= upper[k]


@_compiled
def _corners(points, plan, level, block):
    """Rows and weights of the corners of a block of points, level by level of doubling."""
    count, size, dense = len(points), np.uint32(plan.rows[level, 1]), plan.rows[level, 2] != 0
    cells, fractions = block.cells[:count], block.fractions[:count]
    _start(points, plan, level, block.rows[0], block.weights[0])
    for axis in range(points.shape[1]):
        _axis(points, plan, level, axis, cells, fractions)
        for corner in range(1 << axis):
            upper = corner + (1 << axis)
            _split(block.rows[corner], block.rows[upper], cells, np.uint32(plan.rows[level, 6 + axis]), dense)
            _share(block.weights[corner], block.weights[upper], fractions)
    for corner in range(len(block.rows)):
        _wrap(block.rows[corner, :count], size, dense)


@_compiled
def _wrap(rows, size, dense):
    """Rows within the table: the low bits of a hash, the remainder past the end of a dense level."""
    if not dense:
        for k in range(len(rows)):
            rows[k] &= size - np.uint32(1)
    else:
        for k in range(len(rows)):
            if rows[k] >= size:
                rows[k] %= size


@_compiled
def forward(points, table, out, plan, level, features, corners):
    """Features of one level; `features` and `corners` are tuples of F and 2^dim zeros, to be known when compiling."""
    block, column, first = _room(points, table), level * len(features), np.uint64(plan.rows[level, 0])
    rows, weights = block.rows, block.weights
    for begin in range(0, len(points), _BLOCK):
        part = points[begin : begin + _BLOCK]
        _corners(part, plan, level, block)
        for k in range(len(part)):
            for f in range(len(features)):
                total = plan.masks[level] * 0
                for corner in range(len(corners)):
                    total += weights[corner, k] * table[first + rows[corner, k], f]
                out[begin + k, column + f] = total


@_compiled
def by_level(gradient, out, start, stop):
    """Writes the gradient (n, L·F) of some points as (L, n, F), so that a level reads its own without a gap."""
    for begin in range(start, stop, _BLOCK):
        for level in range(out.shape[0]):
            for p in range(begin, min(begin + _BLOCK, stop)):
                for f in range(out.shape[2]):
                    out[level, p, f] = gradient[p, level * out.shape[2] + f]


@_compiled
def backward(points, gradient, out, plan, level, features, corners):
    """Adds the gradient (L, n, F) of one level's rows to `out` (rows, F), in the order of the points."""
    block, first = _room(points, gradient), np.uint64(plan.rows[level, 0])
    rows, weights = block.rows, block.weights
    for begin in range(0, len(points), _BLOCK):
        part = points[begin : begin + _BLOCK]
        _corners(part, plan, level, block)
        for k in range(len(part)):
            for f in range(0, len(features) - 1, 2):  # two at a time keep their row and weight in registers
                one, two = gradient[level, begin + k, f], gradient[level, begin + k, f + 1]
                for corner in range(len(corners)):
                    # unsigned, for a signed index is tested for counting from the end
                    row, weight = first + rows[corner, k], weights[corner, k]
                    out[row, f] += weight * one
                    out[row, f + 1] += weight * two
            if len(features) % 2:
                one = gradient[level, begin + k, len(features) - 1]
                for corner in range(len(corners)):
                    out[first + rows[corner, k], len(features) - 1] += weights[corner, k] * one
