"""One step of a training, copied while it runs and measured afterwards, elsewhere."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .layers import Layer
from .spectrum import relative_resolution, spectrum

KINDS = ("W", "G", "M", "U")
LARGEST = torch.finfo(
    torch.float32
).max  # finite matrices of float64 may have a norm that the file cannot hold
WITHOUT_FLOAT64 = frozenset({"mps"})  # devices whose matrices are decomposed on the processor altogether
STACKED_ENTRIES = 1 << 21  # 16 MB in float64: the thread must not need more memory than the copies


class Status(IntEnum):
    """What became of one matrix of one record; only MEASURED ones have singular values, the others NaN."""

    MEASURED = 0
    ABSENT = 1
    NAN = 2
    INFINITE = 3


@dataclass
class Snapshot:
    """Copies of the matrices of one step.

    matrices: by (index of the layer, kind), a kind being one of `KINDS` or "D", the weights' change since the
    start; a missing key is an absent matrix. before: weights before the step, while it runs. learning_rates: by
    layer. weight_scale: root mean square of W by layer, for the rounding errors in U and D. copied: per
    CUDA device, the moment on the training's stream when the copies are made.
    """

    step: int
    seconds: float
    matrices: dict[tuple[int, str], Tensor] = field(default_factory=dict)
    before: dict[int, Tensor] = field(default_factory=dict)
    learning_rates: dict[int, float] = field(default_factory=dict)
    weight_scale: dict[int, Tensor] = field(default_factory=dict)
    scalars: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    copied: dict[torch.device, Any] = field(default_factory=dict)

    def take_update(self, index: int, layer: Layer) -> None:
        """U = (W before − W after)/lr, in float32 at least; the bare difference where lr is zero."""
        before = self.before[index]
        wide = torch.promote_types(before.dtype, torch.float32)
        difference = before.to(wide) - layer.matrix(layer.parameter).to(wide)
        self.matrices[index, "U"] = difference / (self.learning_rates[index] or 1.0)
        norm = torch.linalg.vector_norm(before, dtype=wide)
        self.weight_scale[index] = norm / math.sqrt(before.numel())

    def keep_weights(self, indices: Iterable[int]) -> None:
        """Weights before the step become the W of the record."""
        for index in indices:
            self.matrices[index, "W"] = self.before[index]

    def mark_copied(self) -> None:
        """All copies are on their way: another thread, on another stream, has to await them."""
        for device in {matrix.device for matrix in self.matrices.values() if matrix.is_cuda}:
            self.copied[device] = torch.cuda.current_stream(device).record_event()

    def await_copies(self) -> None:
        """Makes this thread's work on a device begin after the copies are made; does not block."""
        for device, made in self.copied.items():
            torch.cuda.current_stream(device).wait_event(made)


def measured(snapshot: Snapshot, layers: Sequence[Layer], kinds: Sequence[str]) -> dict[str, np.ndarray]:
    """The arrays of a record.

    sigma: float32, singular values of all matrices one behind the other, layers outside, kinds inside,
        `Layer.values` each. floor: float32 (layers, kinds), noise floor of each. status: uint8 (layers,
        kinds), `Status`. alignment: float32 (layers, 2), cosine of update and gradient and ⟨U, G⟩/(‖G‖_*
        σ₁(U)), NaN without both. learning_rate: float32 (layers,), NaN where the optimizer did not step.
    """
    status = np.full((len(layers), len(kinds)), Status.ABSENT, dtype=np.uint8)
    values = _decomposed(snapshot, kinds, status)
    sigma = np.full(sum(layer.values for layer in layers) * len(kinds), np.nan, dtype=np.float32)
    floor, end = np.full(status.shape, np.nan, dtype=np.float32), 0
    for index, layer in enumerate(layers):
        for place, kind in enumerate(kinds):
            begin, end = end, end + layer.values
            one = values.get((index, kind))
            if one is not None:
                sigma[begin:end] = one
                floor[index, place] = _floor(snapshot, index, layer, kind, one)
    rates = [snapshot.learning_rates.get(index, math.nan) for index in range(len(layers))]
    return {
        "sigma": sigma,
        "floor": floor,
        "status": status,
        "alignment": _alignments(snapshot, values, len(layers)),
        "learning_rate": np.array(rates, dtype=np.float32),
    }


def _decomposed(
    snapshot: Snapshot, kinds: Sequence[str], status: np.ndarray
) -> dict[tuple[int, str], np.ndarray]:
    """Singular values in float64 of what can be measured; what became of each matrix goes into `status`."""
    values: dict[tuple[int, str], np.ndarray] = {}
    for key, matrix in snapshot.matrices.items():
        if matrix.device.type in WITHOUT_FLOAT64:
            snapshot.matrices[key] = matrix.cpu()
    for keys in _alike(snapshot.matrices):
        stack = torch.stack([snapshot.matrices[key] for key in keys])
        states = _states(stack)
        for (index, kind), state in zip(keys, states, strict=True):
            status[index, kinds.index(kind)] = state
        good = [place for place, state in enumerate(states) if state == Status.MEASURED]
        found = spectrum(stack if len(good) == len(keys) else stack[good], "gram").cpu().numpy()
        for place, one in zip(good, found, strict=True):
            if one[0] <= LARGEST:
                values[keys[place]] = one
            else:
                status[keys[place][0], kinds.index(keys[place][1])] = Status.INFINITE
    return values


def _states(stack: Tensor) -> list[Status]:
    """What becomes of each matrix of a stack."""
    finite = torch.isfinite(stack).flatten(1).all(1).tolist()
    if all(finite):
        return [Status.MEASURED] * len(finite)
    nan = torch.isnan(stack).flatten(1).any(1).tolist()
    bad = [Status.NAN if is_nan else Status.INFINITE for is_nan in nan]
    return [Status.MEASURED if is_finite else state for is_finite, state in zip(finite, bad, strict=True)]


def _alike(matrices: dict[tuple[int, str], Tensor]) -> Iterator[list[tuple[int, str]]]:
    """Keys of matrices to be stacked: equal in shape, type and device, and not too many at once."""
    groups: dict[object, list[tuple[int, str]]] = defaultdict(list)
    for key, matrix in matrices.items():
        groups[matrix.shape, matrix.dtype, matrix.device].append(key)
    for keys in groups.values():
        at_once = max(1, STACKED_ENTRIES // matrices[keys[0]].numel())
        yield from (keys[begin : begin + at_once] for begin in range(0, len(keys), at_once))


def _floor(snapshot: Snapshot, index: int, layer: Layer, kind: str, sigma: np.ndarray) -> float:
    """Noise floor of one spectrum.

    U is a difference of weights that were rounded: errors of some ε times the weights' size, independent of
    entry to entry, make a random matrix with the edge (√rows + √columns) of Marchenko and Pastur. D, the change
    since the start, is a sum of such differences, one a step: their errors, of variance ε²/12 each, add up as in
    a random walk.
    """
    dtype = layer.parameter.dtype
    floor = relative_resolution(layer.rows, layer.kept, dtype, "gram") * float(sigma[0])
    rate = snapshot.learning_rates.get(index, 0.0)
    # a record without U has not looked at the weights' size
    if index in snapshot.weight_scale and (kind == "D" or (kind == "U" and rate)):
        rounding = torch.finfo(dtype).eps * float(snapshot.weight_scale[index])
        rounding *= math.sqrt(max(1.0, snapshot.step / 12)) if kind == "D" else 1 / abs(rate)
        floor = max(floor, min(LARGEST, rounding * (math.sqrt(layer.rows) + math.sqrt(layer.kept))))
    return floor


def _alignments(snapshot: Snapshot, values: dict[tuple[int, str], np.ndarray], count: int) -> np.ndarray:
    """(layers, 2) as `alignment` defines them, with norms from the spectra; 0 where U or G is zero."""
    found = np.full((count, 2), np.nan, dtype=np.float32)
    for index in range(count):
        update, gradient = values.get((index, "U")), values.get((index, "G"))
        if update is None or gradient is None:
            continue
        # in units of the largest singular values: squares of float64 stay in range
        tops = float(update[0]) or 1.0, float(gradient[0]) or 1.0
        U, G = (snapshot.matrices[index, kind].double() / top for kind, top in zip("UG", tops, strict=True))
        inner = float((U * G).sum())
        update, gradient = update / tops[0], gradient / tops[1]
        cosine = inner / (float(np.linalg.norm(update) * np.linalg.norm(gradient)) or 1.0)
        found[index] = cosine, inner / (float(gradient.sum()) or 1.0)
    return found
