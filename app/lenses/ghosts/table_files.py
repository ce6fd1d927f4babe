"""Logits and slopes that a reader brings in a file: radii need no network, only z, a and, for the loss, labels.

`.npz` or `.safetensors` with `z` and `a`, (samples, classes) each, and `y` or `labels`, (samples,), where they are known.
Nothing is unpickled; what a file declares is checked before it is read.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ...errors import RequestError
from ...uploads import content_of, name_of
from .checkpoints import LARGEST_SAMPLES, CheckpointError, members, opened_archive, read_array

MOST_VALUES = 4_000_000
LABELS = ("y", "labels")
_HEADER_BYTES = 8
_DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I8": "i1", "I16": "<i2", "I32": "<i4", "I64": "<i8",
           "U8": "u1", "U16": "<u2", "U32": "<u4"}  # fmt: skip
"""Of safetensors: what NumPy can hold."""


@dataclass(frozen=True, eq=False)
class Table:
    """Samples known by their logits and slopes alone; all float64.

    z, a: (n, classes). labels: (n,), the likeliest class where the file has none. labelled: whether it has.
    """

    title: str
    z: Tensor
    a: Tensor
    labels: Tensor
    labelled: bool


def holds_table(name: str, content: bytes) -> bool:
    """Whether a file is to be read as logits and slopes, not as weights."""
    if name.lower().endswith(".safetensors"):
        return True
    with opened_archive(content) as archive:
        return {"z", "a"} & set(members(archive)) != set()


def read_table(name: str, content: bytes) -> Table:
    """The logits and slopes of a file.

    Raises:
        CheckpointError: an array is missing, has another shape or dtype, holds what is no number, or a label out of range.
    """
    arrays = _safetensors(content) if name.lower().endswith(".safetensors") else _npz(content)
    z, a = (_checked(entry, arrays) for entry in ("z", "a"))
    if z.shape != a.shape:
        raise CheckpointError("a.shape", a.shape, f"{z.shape}, that of z")
    if z.shape[1] < 2:
        raise CheckpointError("z.shape", z.shape, "(n, k) with k ≥ 2: one class alone has no radius")
    _check_finite("z", z)
    _check_finite("a", a)
    labels = next((arrays[entry] for entry in LABELS if entry in arrays), None)
    known = torch.from_numpy(z).argmax(1) if labels is None else torch.from_numpy(_labels(labels, z))
    return Table(name, torch.from_numpy(z), torch.from_numpy(a), known, labels is not None)


@lru_cache(maxsize=4)
def table_of(token: str) -> Table:
    """The table of a kept file.

    Raises:
        RequestError: it is not here.
    """
    return read_table(name_of(token), content_of("brought", token))


def _checked(entry: str, arrays: dict[str, np.ndarray]) -> np.ndarray:
    if entry not in arrays:
        raise CheckpointError(entry, "missing", "an array of shape (n, k), samples and classes")
    array = arrays[entry]
    if array.ndim != 2 or not 0 < len(array) <= LARGEST_SAMPLES or array.size > MOST_VALUES:
        allowed = f"(n, k), samples and classes, at most {LARGEST_SAMPLES} samples and {MOST_VALUES} values"
        raise CheckpointError(f"{entry}.shape", array.shape, allowed)
    if array.dtype.kind != "f":
        raise CheckpointError(f"{entry}.dtype", str(array.dtype), "floating-point numbers")
    return array.astype(np.float64)


def _check_finite(entry: str, values: np.ndarray) -> None:
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = (int(i) for i in bad[0])
        raise CheckpointError(f"{entry}[{row}, {column}]", float(values[row, column]), "finite numbers")


def _labels(labels: np.ndarray, z: np.ndarray) -> np.ndarray:
    if labels.shape != z.shape[:1]:
        raise CheckpointError("labels.shape", labels.shape, f"({len(z)},), one for each sample")
    if labels.dtype.kind not in "ui":
        raise CheckpointError("labels.dtype", str(labels.dtype), "whole numbers")
    outside = np.flatnonzero((labels < 0) | (labels >= z.shape[1]))
    if len(outside):
        place = int(outside[0])
        raise CheckpointError(f"labels[{place}]", int(labels[place]), f"0 to {z.shape[1] - 1}")
    return labels.astype(np.int64)


def _npz(content: bytes) -> dict[str, np.ndarray]:
    with opened_archive(content) as archive:
        names = members(archive)
        found = {name: read_array(archive, name, (None, None), "f") for name in ("z", "a") if name in names}
        label = next((name for name in LABELS if name in names), None)
        return found if label is None else {**found, label: read_array(archive, label, (None,), "ui")}


def _safetensors(content: bytes) -> dict[str, np.ndarray]:
    """The arrays we know the names of: eight bytes of length, a JSON object, then the numbers, row by row."""
    length = int.from_bytes(content[:_HEADER_BYTES], "little")
    begin = _HEADER_BYTES + length
    if len(content) < _HEADER_BYTES or begin > len(content):
        raise CheckpointError("file", f"{len(content)} bytes", "a whole .safetensors file")
    try:
        described = json.loads(content[_HEADER_BYTES:begin])
        entries = {name: described[name] for name in ("z", "a", *LABELS) if name in described}
    except (ValueError, TypeError, RecursionError) as error:
        raise CheckpointError("header", "unreadable", "a JSON object, as safetensors writes it") from error
    return {name: _tensor(name, entry, content[begin:]) for name, entry in entries.items()}


def _tensor(name: str, entry: object, data: bytes) -> np.ndarray:
    if not isinstance(entry, dict) or not {"dtype", "shape", "data_offsets"} <= entry.keys():
        raise CheckpointError(name, entry, "an object with dtype, shape and data_offsets")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in _DTYPES:
        raise CheckpointError(f"{name}.dtype", kind, ", ".join(_DTYPES))
    whole = isinstance(shape, list) and all(type(size) is int and 0 <= size < 2**40 for size in shape)
    if not whole:
        raise CheckpointError(f"{name}.shape", shape, "a list of whole numbers")
    size = math.prod(shape) * np.dtype(_DTYPES[kind]).itemsize
    fits = isinstance(offsets, list) and len(offsets) == 2 and all(type(at) is int for at in offsets)
    if not fits or not 0 <= offsets[0] <= offsets[1] <= len(data) or offsets[1] - offsets[0] != size:
        raise CheckpointError(
            f"{name}.data_offsets", offsets, f"{size} bytes among the {len(data)} of the file"
        )
    values = np.frombuffer(data, _DTYPES[kind], math.prod(shape), offsets[0]) if size else np.empty(0)
    return values.reshape(shape)


def opened(name: str, content: bytes) -> Table:
    """A dropped file as a table.

    Raises:
        RequestError: naming the file, the array, its value and what is allowed.
    """
    try:
        return read_table(name, content)
    except CheckpointError as error:
        raise RequestError(f"{name}, {error.entry}", error.value, f"allowed: {error.allowed}") from error
