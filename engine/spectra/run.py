"""A recorded training as tables: one spectrum a step for each matrix and kind."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..records import RunRecord


@dataclass(frozen=True)
class SpectraRun:
    """What a `SpectraRecorder` wrote.

    layers: as in the header (name, rows, columns, kept_columns, …). kinds: of "W", "G", "M", "U". steps:
    (n,) int64. seconds: (n,) float64 since the recorder was attached. floor: (n, layers, kinds). status:
    (n, layers, kinds) uint8, `Status`. alignment: (n, layers, 2), cosine of U and G and ⟨U, G⟩/(‖G‖_* σ₁(U)).
    learning_rate: (n, layers). rotation: (n, layers, kinds, 2), `Rotation`, or None when it was not recorded.
    dropped: records lost because the recorder could not follow. notes: (step, text). scalars: by name
    (steps, values). record: the file's content as read. Tensors are to be read only: a run that grows shares
    their memory.
    """

    layers: list[dict[str, Any]]
    kinds: list[str]
    steps: Tensor
    seconds: Tensor
    floor: Tensor
    status: Tensor
    alignment: Tensor
    learning_rate: Tensor
    rotation: Tensor | None
    dropped: int
    notes: list[tuple[int, str]]
    scalars: dict[str, tuple[Tensor, Tensor]]
    record: RunRecord
    _sigma: Tensor

    def place(self, layer: int | str, kind: str) -> tuple[int, int]:
        """Indices of a layer, by number or name, and a kind.

        Raises:
            KeyError: naming what there is.
        """
        names = [described["name"] for described in self.layers]
        if layer not in names and layer not in range(len(names)):
            raise KeyError(f"layer is {layer!r}: one of {names} is needed")
        if kind not in self.kinds:
            raise KeyError(f"kind is {kind!r}: one of {self.kinds} is needed")
        return names.index(layer) if isinstance(layer, str) else layer, self.kinds.index(kind)

    def sigma(self, layer: int | str, kind: str) -> Tensor:
        """Singular values (n, r) float32 of one matrix; rows of NaN where `status` says it has none.

        Raises:
            KeyError: as `place`.
        """
        index, place = self.place(layer, kind)
        sizes = [described["values"] for described in self.layers]
        begin = len(self.kinds) * sum(sizes[:index]) + place * sizes[index]
        return self._sigma[:, begin : begin + sizes[index]]
