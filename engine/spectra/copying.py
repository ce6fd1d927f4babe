"""Copies of a step's matrices, made in the training's own thread."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .layers import Layer, learning_rates, momentum_of
from .snapshot import Snapshot


class Copier:
    """Fills snapshots with the matrices of one optimizer's layers, before its step and after.

    Args:
        layers, optimizers, kinds: as the recorder has them.
    """

    def __init__(
        self, layers: Sequence[Layer], optimizers: Sequence[torch.optim.Optimizer], kinds: Sequence[str]
    ):
        self._optimizers, self._kinds = optimizers, kinds
        self._layers = [
            [(place, layer) for place, layer in enumerate(layers) if layer.optimizer == index]
            for index in range(len(optimizers))
        ]

    def weights(self, snapshot: Snapshot, index: int) -> None:
        """W before the step."""
        if "W" in self._kinds or "U" in self._kinds:
            for place, layer in self._layers[index]:
                snapshot.before[place] = layer.matrix(layer.parameter)

    def gradients(self, snapshot: Snapshot, index: int) -> None:
        """G as it is now, in float32 at least where the optimizer is to take a scale off it."""
        scale = getattr(self._optimizers[index], "grad_scale", None)
        for place, layer in self._layers[index]:
            self._take(snapshot, place, layer, "G", layer.parameter.grad)
            if isinstance(scale, Tensor) and (place, "G") in snapshot.matrices:
                scaled = snapshot.matrices[place, "G"]
                wide = torch.promote_types(scaled.dtype, torch.float32)
                snapshot.matrices[place, "G"] = scaled.to(wide) / scale.to(scaled.device)

    def after(self, snapshot: Snapshot, index: int) -> None:
        """M, U and learning rates after the step; W before it becomes the record's."""
        optimizer = self._optimizers[index]
        rates = learning_rates(optimizer)
        for place, layer in self._layers[index]:
            snapshot.learning_rates[place] = rates[id(layer.parameter)]
            self._take(snapshot, place, layer, "M", momentum_of(optimizer, layer.parameter))
            if "U" in self._kinds:
                snapshot.take_update(place, layer)
        if "W" in self._kinds:
            snapshot.keep_weights(place for place, _ in self._layers[index])

    def _take(self, snapshot: Snapshot, place: int, layer: Layer, kind: str, tensor: Tensor | None) -> None:
        if kind in self._kinds and tensor is not None and not tensor.is_sparse:
            snapshot.matrices[place, kind] = layer.matrix(tensor)
