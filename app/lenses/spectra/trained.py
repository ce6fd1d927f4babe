"""Trainings of this process: kept while they may be looked at again, and seen as lanes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from anisoscope.engine.alone import alone
from anisoscope.engine.training import KINDS, OPTIMIZERS, ROTATED, LiveTraining, TrainingSpec
from anisoscope.engine.training import Timeline as Rows

from ...errors import RequestError
from ...request import Request
from .choices import SHORT
from .lane_record import Matrix
from .lanes import training_spec
from .problems import problem_of

KEPT = 6
"""Trainings that a process keeps, those not looked at the longest go first; some 10 MB each."""


@dataclass(frozen=True)
class TrainedLane:
    """One lane of a live training."""

    key: object
    title: str
    rows: Rows
    matrices: tuple[Matrix, ...]
    status: str

    @property
    def steps(self) -> np.ndarray:
        return self.rows.steps

    @property
    def seconds(self) -> np.ndarray:
        return self.rows.seconds

    @property
    def loss(self) -> np.ndarray:
        return self.rows.loss

    def sigma(self, matrix: int, kind: str) -> np.ndarray:
        return self.rows.sigma(matrix, kind)

    def floor(self, matrix: int, kind: str) -> np.ndarray:
        return self.rows.floor[:, matrix, KINDS.index(kind)]

    def overlap(self, matrix: int, kind: str, reference: str) -> np.ndarray:
        if kind not in ROTATED:
            return np.full(self.rows.rows, np.nan, np.float32)
        found = self.rows.overlap_last if reference == "last" else self.rows.overlap_first
        return found[:, matrix, ROTATED.index(kind)]


def lanes_of(training: LiveTraining) -> list[TrainedLane]:
    """The lanes of a training as they are now, whoever trains on meanwhile; equal optimisers are told apart by their
    learning rates, and where these are equal too by a number."""
    specs = training.spec.lanes
    found: list[TrainedLane] = []
    # the status first: the rows of a lane that has ended are all of them
    for spec, status, rows in zip(specs, training.status, training.timelines, strict=True):
        title = SHORT.get(spec.optimizer, OPTIMIZERS[spec.optimizer].title.split(",")[0].split(" with ")[0])
        if sum(other.optimizer == spec.optimizer for other in specs) > 1:
            title = f"{title} {spec.learning_rate:g}"
        twins = sum(lane.title == title or lane.title.startswith(f"{title} (") for lane in found)
        title = f"{title} ({twins + 1})" if twins else title
        matrices = tuple(Matrix(m.name, m.rows, m.columns, m.kept, m.values) for m in rows.layers)
        found.append(TrainedLane(id(rows), title, rows.so_far(), matrices, status))
    return found


_kept: OrderedDict[tuple[str, TrainingSpec, int], LiveTraining] = OrderedDict()


def advance(training: LiveTraining, seconds: float) -> None:
    """`LiveTraining.advance`, alone."""
    with alone():
        training.advance(seconds)


def training_of(request: Request) -> LiveTraining:
    """The training that is asked for, as far as it has come; lanes of the one before are taken over.

    Raises:
        RequestError: as `training_spec`.
    """
    key = _key(request)
    with alone():
        if key not in _kept:
            _kept[key] = LiveTraining(
                problem_of(request["problem"]), key[1], reuse=_relative(request, key[1])
            )
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return _kept[key]


def has_ended(request: Request) -> bool:
    """Whether the training that is asked for has been made, to its end; nothing is trained to find out."""
    try:
        training = _kept.get(_key(request))
    except RequestError:
        # the frames that are asked for say what is wrong
        return False
    return training is not None and training.done


def _key(request: Request) -> tuple[str, TrainingSpec, int]:
    return request["problem"], training_spec(request.as_dict()), request["take"]


def _relative(request: Request, spec: TrainingSpec) -> LiveTraining | None:
    """The latest training of the same problem, steps, seed and take."""
    for (problem, other, take), training in reversed(_kept.items()):
        same = (problem, take) == (request["problem"], request["take"])
        if same and (other.steps, other.seed, other.every) == (spec.steps, spec.seed, spec.every):
            return training
    return None
