"""The turned map compiled by numba: each level over the pixels that it reaches, in float32, row after row.

A level reaches one interval of columns in a row, and the intervals of neighbouring rows are near each other. Every
row is summed by one call, level after level, so the image does not depend on how threads share the rows out. The
forms are those of `tiles`, on the line of one row, which stays in the nearest cache.
"""

import numba  # pyright: ignore[reportMissingImports]
import numpy as np

# A product may be added without rounding in between; nothing else of the order of operations is free.
_compiled = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})

FORMS = ("clipped", "cubic", "sign descent", "cell")
"""Names of forms in `tiles`, by the number that stands for each here."""

_CLIPPED, _CUBIC, _SIGN_DESCENT = range(3)
# Numbers without a type of their own would be of 64 bits, and everything they meet
_ZERO, _ONE, _TWO, _FOUR = np.float32(0), np.float32(1), np.float32(2), np.float32(4)


@_compiled
def _clipped(line, base, steps, top):
    for j in range(len(line)):
        line[j] *= min(max(top - abs(base + steps[j]), _ZERO), _ONE)


@_compiled
def _cubic(line, base, steps):
    for j in range(len(line)):
        far = max(_TWO - abs(base + steps[j]), _ZERO)
        near = max(far - _ONE, _ZERO)
        line[j] *= far * far * far - _FOUR * (near * near * near)


@_compiled
def _sign_descent(line, base, steps):
    for j in range(len(line)):
        far = max(_TWO - abs(base + steps[j]), _ZERO)
        near = max(far - _ONE, _ZERO)
        line[j] *= far * far - _TWO * (near * near)


@_compiled
def _cell(line, base, steps, fraction):
    for j in range(len(line)):
        t = base + steps[j]
        lower, upper = max(_ONE - abs(t), _ZERO), max(_ONE - abs(t - _ONE), _ZERO)
        line[j] *= (_ONE - fraction) * lower + fraction * upper


@_compiled
def _multiply(line, base, steps, form, number):
    """Multiplies the line by a form at base + steps."""
    if form == _CLIPPED:
        _clipped(line, base, steps, number)
    elif form == _CUBIC:
        _cubic(line, base, steps)
    elif form == _SIGN_DESCENT:
        _sign_descent(line, base, steps)
    else:
        _cell(line, base, steps, number)


@_compiled
def _reached(base, steps, reach, last):
    """Columns from … up to … at which base + steps is within reach, looked for from those of the row before."""
    left, right = last
    if steps[0] > steps[-1]:  # descending: what is said of u holds of -u
        return _between(-base, steps, -reach[1], -reach[0], left, right, -_ONE)
    return _between(base, steps, reach[0], reach[1], left, right, _ONE)


@_compiled
def _between(base, steps, low, high, left, right, sign):
    while left > 0 and base + sign * steps[left - 1] > low:
        left -= 1
    while left < len(steps) and base + sign * steps[left] <= low:
        left += 1
    while right > 0 and base + sign * steps[right - 1] >= high:
        right -= 1
    while right < len(steps) and base + sign * steps[right] < high:
        right += 1
    return left, right


@_compiled
def add_rows(image, first, second, forms, numbers, reaches, weights, start, stride):
    """Adds all levels to the rows start, start + stride, … of the image.

    Args:
        image: (n, m) float32.
        first, second: (L, D, n) and (L, D, m) float32, what a row and a column add to u + shift; second is monotonic.
        forms: (L, D) int64, places in `FORMS`.
        numbers: (L, D) float32, what the form takes.
        reaches: (L, D, 2) float32, between which the form is not zero.
        weights: (L,) float32.
        start, stride: which rows.
    """
    levels, dim, rows = first.shape
    found = np.zeros((levels, dim, 2), dtype=np.int64)
    buffer = np.empty(image.shape[1], dtype=np.float32)
    for i in range(start, rows, stride):
        for l in range(levels):
            if weights[l] == 0:
                continue
            left, right = 0, image.shape[1]
            for d in range(dim):
                last = (found[l, d, 0], found[l, d, 1])
                begin, end = _reached(first[l, d, i], second[l, d], reaches[l, d], last)
                found[l, d, 0], found[l, d, 1] = begin, end
                left, right = max(left, begin), min(right, end)
            if left >= right:
                continue
            line, pixels = buffer[left:right], image[i, left:right]
            for j in range(len(line)):
                line[j] = weights[l]
            for d in range(dim):
                _multiply(line, first[l, d, i], second[l, d, left:right], forms[l, d], numbers[l, d])
            for j in range(len(line)):
                pixels[j] += line[j]
