"""What grows while a lane is trained: rows and checkpoints."""

from typing import Any

import numpy as np
import pytest
import torch

from anisoscope.engine.training import InvalidStep, LaneSpec, LiveTraining, Timeline, TrainingSpec
from anisoscope.engine.training.checkpoints import Checkpoints
from anisoscope.engine.training.lane import LaneState


def state(step: int) -> LaneState:
    """1000 bytes of weights and as many of the optimizer."""
    buffer = {"momentum_buffer": torch.zeros(250)}
    return LaneState(step, "sgd", 0.0, {"W": torch.full((250,), float(step))}, [{0: buffer}])


def test_states_are_weighed() -> None:
    assert state(3).bytes == 2000


def test_checkpoints_thin_out_and_keep_the_first() -> None:
    kept = Checkpoints(state(7), every=5, max_bytes=10_000)
    for step in range(8, 101):
        if kept.due(step):
            kept.keep(state(step))
    assert kept.every == 40
    assert kept.nearest(6).step == 7 and kept.nearest(39).step == 7
    assert kept.nearest(45).step == 40 and kept.nearest(1000).step == 80
    assert not kept.due(85) and kept.due(120)


def rows(count: int, blobs: Any) -> Timeline:
    layers = LiveTraining(blobs, TrainingSpec((LaneSpec("sgd", 0.1),), 1)).timelines[0].layers
    timeline = Timeline(layers, 200)
    width = sum(layer.values for layer in layers) * 5
    for row in range(count):
        values = {
            "steps": 3 * row,
            "loss": 0.5 * row,
            "learning_rate": 0.1,
            "seconds": 6.0 * row,
            "floor": 0.0,
        }
        shaped = {"sigma": np.full(width, row), "status": 0, "alignment": (row, -row), "overlap": row}
        timeline.append({**values, **shaped}, {"loss": row} if row % 10 == 0 else None)
    return timeline


def test_rows_survive_growth(blobs: Any) -> None:
    timeline = rows(200, blobs)
    expected = np.arange(200.0)
    assert timeline.steps.tolist() == list(range(0, 600, 3)) and timeline.row_of(594) == 198
    assert (timeline.sigma(2, "D") == expected[:, None]).all() and (timeline.loss == expected / 2).all()
    assert (timeline.cosine == expected[:, None]).all() and (timeline.dual == -expected[:, None]).all()
    assert (timeline.overlap_first == expected[:, None, None]).all()
    assert (timeline.seconds_per_step[1:] == 2.0).all() and np.isnan(timeline.seconds_per_step[0])
    assert np.flatnonzero(np.isfinite(timeline.reports["loss"])).tolist() == list(range(0, 200, 10))
    with pytest.raises(InvalidStep, match="rows is 200: at most 200"):
        timeline.append({})


def test_what_there_is_so_far_stays_while_the_timeline_grows(blobs: Any) -> None:
    timeline = rows(64, blobs)
    before, reports = timeline.so_far(), timeline.so_far().reports
    values = {"steps": 192, "loss": 9.0, "learning_rate": 0.1, "seconds": 70.0, "floor": 0.0}
    timeline.append(
        {**values, "sigma": -1, "status": 0, "alignment": 0, "overlap": 0}, {"accuracy": 1.0, "loss": 4.0}
    )
    assert timeline.rows == 65 and timeline.loss[-1] == 9.0 and timeline.reports["accuracy"][-1] == 1.0
    assert before.rows == len(before.steps) == len(before.sigma(0, "W")) == 64
    assert before.steps[-1] == 189 and before.reports.keys() == reports.keys() == {"loss"}
    assert np.shares_memory(before.so_far().loss, before.loss)
    with pytest.raises(InvalidStep, match="rows is 64: at most 64"):
        before.append({})


def test_copied_rows_are_their_own(blobs: Any) -> None:
    source = rows(30, blobs)
    copy = Timeline(source.layers, 200)
    copy.copy_rows(source, 11)
    assert copy.steps.tolist() == source.steps[:11].tolist()
    values = {"steps": 31, "loss": 9.0, "learning_rate": 0.1, "seconds": 70.0, "floor": 0.0}
    copy.append({**values, "sigma": -1, "status": 0, "alignment": 0, "overlap": 0}, {"loss": 4.0})
    assert copy.rows == 12 and copy.loss[-1] == 9.0 and source.loss[11] == 5.5
    assert copy.reports["loss"][-1] == 4.0 and np.isnan(source.reports["loss"][11])
