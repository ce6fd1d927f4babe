"""From a lane's step to a row of its timeline: copies around the step, singular values, overlaps."""

import math
from collections.abc import Mapping
from itertools import product

import numpy as np
from torch import Tensor

from ..spectra.layers import learning_rates, momentum_of, watched_layers
from ..spectra.snapshot import Snapshot, measured
from .lane import Lane
from .rotation import SubspaceTracker
from .timeline import KINDS, ROTATED, Timeline

LARGEST = 1024


class Recording:
    """Watches one lane, as its camera, and writes its timeline.

    Matrices larger than 1024 on both sides are looked at in some evenly spread columns: `Layer.kept` of
    `timeline.layers` says how many.

    Args:
        lane: at its start.
        rows: the timeline's limit.
        report_every: steps between two reports of the problem.
    """

    def __init__(self, lane: Lane, rows: int, report_every: int):
        self.layers = watched_layers(lane.model, lane.optimizers, LARGEST, None)
        self.timeline = Timeline(self.layers, rows)
        self._start = [layer.matrix(layer.parameter) for layer in self.layers]
        self._report_every = report_every
        self._tracker = SubspaceTracker()
        self._snapshot = Snapshot(0, 0.0)
        for index, weights in enumerate(self._start):
            self._snapshot.matrices[index, "W"] = weights

    def before(self, lane: Lane) -> None:
        """Copies of weights and gradients, as the optimizer finds them."""
        snapshot = self._snapshot = Snapshot(lane.step + 1, 0.0)
        for index, layer in enumerate(self.layers):
            snapshot.before[index] = layer.matrix(layer.parameter)
            if layer.parameter.grad is not None:
                snapshot.matrices[index, "G"] = layer.matrix(layer.parameter.grad)

    def after(self, lane: Lane) -> None:
        """Copies of momenta and weights, update and change since the start."""
        snapshot = self._snapshot
        rates = [learning_rates(opt) for opt in lane.optimizers]
        for index, layer in enumerate(self.layers):
            snapshot.learning_rates[index] = rates[layer.optimizer][id(layer.parameter)]
            momentum = momentum_of(lane.optimizers[layer.optimizer], layer.parameter)
            if momentum is not None:
                snapshot.matrices[index, "M"] = layer.matrix(momentum)
            snapshot.take_update(index, layer)
            weights = snapshot.matrices[index, "W"] = layer.matrix(layer.parameter)
            snapshot.matrices[index, "D"] = weights - self._start[index]

    def write(self, lane: Lane) -> None:
        """The row of the step that was looked at; at first, of the start: weights alone."""
        snapshot, step = self._snapshot, self._snapshot.step
        arrays = measured(snapshot, self.layers, KINDS)
        values = {
            "steps": step,
            "loss": lane.loss,
            "learning_rate": lane.learning_rate,
            "seconds": lane.seconds,
            "overlap": self._overlaps(snapshot, arrays["floor"]),
            **{name: arrays[name] for name in ("sigma", "floor", "status", "alignment")},
        }
        due = step % self._report_every == 0 or step == lane.steps
        self.timeline.append(values, lane.problem.report(lane.model) if due else None)

    def fork(self, parent: "Recording", row: int, before: Mapping[str, Tensor] | None) -> None:
        """Take over the parent's rows up to `row`, whose step this lane stands at.

        Args:
            parent: records of the lane that is left.
            row: its last row to be kept.
            before: weights by name one step earlier; None at the start.
        """
        self.timeline.copy_rows(parent.timeline, row + 1)
        for index, layer in enumerate(self.layers):
            weights = layer.matrix(layer.parameter)
            now = {"W": weights}
            if before is not None:
                now["U"] = layer.matrix(before[layer.name]) - weights
            for kind, matrix in now.items():
                first = parent._tracker.first((index, kind))
                if first is not None:
                    self._tracker.start((index, kind), matrix, first=first)

    def _overlaps(self, snapshot: Snapshot, floor: np.ndarray) -> np.ndarray:
        """(layers, ROTATED, 2): with the last record, with the first."""
        found = np.full((len(self.layers), len(ROTATED), 2), np.nan, dtype=np.float32)
        keys = product(range(len(self.layers)), ROTATED)
        # only what was measured has a floor
        floors = {(i, kind): float(floor[i, KINDS.index(kind)]) for i, kind in keys}
        floors = {key: value for key, value in floors.items() if not math.isnan(value)}
        matrices = {key: snapshot.matrices[key] for key in floors}
        for (index, kind), overlap in self._tracker.look(matrices, floors).items():
            found[index, ROTATED.index(kind)] = overlap
        return found
