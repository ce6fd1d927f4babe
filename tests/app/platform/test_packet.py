"""Packets: what changed, and no more of it than that."""

from __future__ import annotations

import json

import numpy as np
import pytest

from anisoscope.app.packet import Change, pack, same

NAN = float("nan")


def packed(changes: list[Change]) -> tuple[list, np.ndarray]:
    """The layout as the browser reads it, and the buffer."""
    layout, payload = pack(changes)
    return json.loads(layout), payload


def unpacked(spec: dict, payload: np.ndarray, old: np.ndarray | None) -> np.ndarray:
    """What the browser makes of a column: the Python twin of UNPACK_JS."""
    kind, offset, shape = spec["array"]
    dtype = np.dtype(f"<{kind}")
    if "block" not in spec:
        count = int(np.prod(shape))
        return np.frombuffer(payload, dtype, count, offset).reshape(shape)
    assert old is not None
    row, column, rows, columns = spec["block"]
    made = np.atleast_2d(old).copy()
    block = np.frombuffer(payload, dtype, rows * columns, offset).reshape(rows, columns)
    made[row : row + rows, column : column + columns] = block
    return made.reshape(shape)


def changed(shape: tuple[int, ...], dtype: str, where: tuple) -> tuple[np.ndarray, np.ndarray]:
    old = np.full(shape, NAN if dtype.startswith("float") else 7, dtype)
    new = old.copy()
    new[where] = 3
    return old, new


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "uint16"])
@pytest.mark.parametrize(
    ("shape", "where", "sent"),
    [
        ((240, 96), np.s_[30:32], 2 * 96),
        ((96, 240), np.s_[:, 30:32], 2 * 96),
        ((1000,), np.s_[700:710], 10),
        ((40, 40), np.s_[5:9, 6:16], 40),
    ],
)
def test_one_place_that_changed_travels_alone(shape: tuple, where: tuple, sent: int, dtype: str) -> None:
    old, new = changed(shape, dtype, where)
    (change,), payload = packed([(0, {"x": new}, {"x": old})])
    assert np.array_equal(unpacked(change[1]["x"], payload, old), new, equal_nan=dtype.startswith("float"))
    assert payload.nbytes <= sent * new.itemsize + 7


def test_a_column_that_stayed_beside_one_that_changed_sends_nothing() -> None:
    old, new = changed((600,), "float32", np.s_[5:6])
    (change,), payload = packed([(0, {"x": new, "y": old}, {"x": old, "y": old})])
    assert change[1]["y"]["block"] == [0, 0, 0, 0]
    assert payload.nbytes == 8


@pytest.mark.parametrize("old", [None, np.zeros(999, np.float32), np.zeros(1000), np.ones(1000, np.float32)])
def test_everything_travels_where_the_browser_has_something_else(old: np.ndarray | None) -> None:
    new = np.arange(1000, dtype=np.float32)
    (change,), payload = packed([(0, {"x": new}, {} if old is None else {"x": old})])
    assert "block" not in change[1]["x"] and payload.nbytes == 4000


def test_a_list_of_arrays_is_compared_part_by_part() -> None:
    old, new = changed((40, 40), "uint8", np.s_[0, 0])
    (change,), payload = packed([(0, {"image": [new]}, {"image": [old]})])
    assert change[1]["image"]["list"][0]["block"] == [0, 0, 1, 1] and payload.nbytes == 8


def test_a_list_of_numbers_with_nan_travels_as_an_array() -> None:
    (change,), payload = packed([(0, {"x": [1.0, NAN], "text": ["a", "b"]}, {})])
    assert change[1]["text"] == {"plain": ["a", "b"]}
    assert np.array_equal(unpacked(change[1]["x"], payload, None), [1.0, NAN], equal_nan=True)


def test_equal_with_nan_and_different_by_one_bit() -> None:
    x = np.array([1.0, NAN])
    assert same(x, x.copy()) and same([x, "a"], [x.copy(), "a"])
    assert not same(x, np.array([np.nextafter(1.0, 2.0), NAN]))
    assert not same(x, x.astype(np.float32)) and not same(1, 1.0)
