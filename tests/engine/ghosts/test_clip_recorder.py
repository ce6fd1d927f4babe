"""The record of a clipped training: what it holds, what it must not change, and what is left of it after a crash."""

import copy
import csv
import json
import math
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recorded import RadiusWriting, radius_rows
from torch import Tensor, nn

from anisoscope.engine.ghosts import (
    ClipStep,
    InvalidClipSetting,
    RadiusClip,
    RadiusFollower,
    RadiusRecorder,
    export_radius_csv,
    export_radius_npz,
    radius_run,
)
from anisoscope.engine.records import ForeignRecord, Phase, RecordError, RecordWriter, content_of, read_record


def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return nn.Sequential(nn.Linear(6, 9), nn.BatchNorm1d(9), nn.GELU(), nn.Dropout(0.2), nn.Linear(9, 4))


def train(
    steps: int, path: Path | None = None, begin: int = 0, file: str = "x", **settings: Any
) -> tuple[nn.Module, list[ClipStep], list[float]]:
    """Some steps of a clipped training, recorded where there is a path; the model, every step, every loss."""
    model, found, losses = network(), [], []
    optimizer = torch.optim.Adam(model.parameters(), lr=0.3)
    clip = RadiusClip(model, optimizer, **settings)
    recorder = None if path is None else RadiusRecorder(path, clip, mode=file)
    if recorder is not None:
        recorder.attach()
    with torch.random.fork_rng():
        for step in range(begin, begin + steps):
            torch.manual_seed(step)
            x, y = torch.randn(12, 6), torch.randint(4, (12,))
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            if recorder is not None:
                recorder.loss(loss)
            losses.append(loss.item())
            found.append(clip.step(x))
    if recorder is not None:
        recorder.detach()
    return model, found, losses


@pytest.mark.parametrize(
    "settings", [{"mode": "monitor"}, {"mode": "cap", "target": 0.4}, {"mode": "set"}], ids=str
)
def test_the_record_holds_every_step_and_changes_no_bit(tmp_path: Path, settings: dict[str, Any]) -> None:
    path = tmp_path / "run.radius"
    plain, steps, losses = train(12, **settings)
    recorded, _, _ = train(12, path, **settings)
    for name, value in plain.state_dict().items():
        assert torch.equal(value, recorded.state_dict()[name]), name
    run = radius_run(path)
    assert content_of(path) == "ghosts" and run.kind == "bound"
    assert run.steps.tolist() == list(range(12)) and run.modes() == [settings["mode"]] * 12
    for name in (
        "step_norm",
        "radius",
        "normalized_step",
        "normalized_step_taken",
        "scale",
        "clipped",
        "refused",
    ):
        assert getattr(run, name).tolist() == [getattr(step, name) for step in steps], name
    assert run.bottleneck.tolist() == [step.bottleneck_index for step in steps]
    assert run.loss.tolist() == losses
    assert run.target.unique().tolist() == [settings.get("target", 1.0)]
    torch.testing.assert_close(run.step_taken / run.radius, run.normalized_step_taken)
    assert (run.seconds.diff() > 0).all()


def test_the_bottleneck_is_told_by_its_index_in_the_data_set_where_the_batch_is(tmp_path: Path) -> None:
    model, x = nn.Linear(3, 2, bias=False), torch.ones(4, 3)
    x[2] *= 5
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1))
    with RadiusRecorder(tmp_path / "run.radius", clip) as recorder:
        for indices in (torch.tensor([70, 71, 72, 73]), [9, 8, 7, 6], None):
            if indices is not None:
                recorder.batch(indices)
            nn.functional.cross_entropy(model(x), torch.tensor([0, 1, 0, 1])).backward()
            clip.step(x)
        for wrong in (torch.ones(3), torch.ones(3, dtype=torch.bool), [[1], [2]], None, "abc"):
            with pytest.raises(InvalidClipSetting, match="indices must be a list of whole numbers"):
                recorder.batch(wrong)  # pyright: ignore[reportArgumentType]
    run = radius_run(tmp_path / "run.radius")
    assert run.bottleneck.tolist() == [72, 7, 2] and run.named.tolist() == [True, True, False]


def test_only_measured_steps_are_recorded(tmp_path: Path) -> None:
    train(21, tmp_path / "run.radius", mode="monitor", every=10)
    assert radius_run(tmp_path / "run.radius").steps.tolist() == [0, 10, 20]


def test_a_refused_step_is_recorded_with_its_reason(tmp_path: Path) -> None:
    model = network().eval()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    clip = RadiusClip(model, optimizer)
    with RadiusRecorder(tmp_path / "run.radius", clip) as recorder:
        recorder.note("a phase begins")
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, math.nan)
        clip.step(torch.randn(3, 6))
    run = radius_run(tmp_path / "run.radius")
    assert run.refused.tolist() == [True] and run.normalized_step.tolist() == [math.inf]
    assert run.normalized_step_taken.tolist() == [0.0] and run.bottleneck.tolist() == [-1]
    assert run.loss.isnan().all(), "an unknown loss is not a number, never 0"
    assert run.notes == [(0, "a phase begins"), (0, "refused: the optimizer's step is not finite")]


def test_the_loss_of_a_closure_is_recorded(tmp_path: Path) -> None:
    model, x = nn.Linear(3, 2), torch.randn(4, 3)
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1))

    def closure() -> Tensor:
        model.zero_grad()
        loss = nn.functional.cross_entropy(model(x), torch.tensor([0, 1, 0, 1]))
        loss.backward()
        return loss

    with RadiusRecorder(tmp_path / "run.radius", clip) as recorder:
        last = clip.step(x, closure)
        with pytest.raises(InvalidClipSetting, match="loss must be one number, not 'low'"):
            recorder.loss("low")
        for wrong in (torch.ones(2), np.ones(2), np.array(["a"]), [1.0], None):
            with pytest.raises(InvalidClipSetting, match="loss must be one number"):
                recorder.loss(wrong)
        for one in (np.array([0.5]), np.float32(0.25), torch.tensor([0.125]), 2):
            recorder.loss(one)
            clip.step(x, closure)
    assert radius_run(tmp_path / "run.radius").loss.tolist() == [last.loss.item(), 0.5, 0.25, 0.125, 2]


KILLED = """
import os, signal, sys, time, torch
sys.path.insert(0, {folder!r})
from anisoscope.engine.ghosts import RadiusClip, RadiusRecorder
model = torch.nn.Linear(4, 3)
clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1))
RadiusRecorder({path!r}, clip).attach()
for step in range(8):
    torch.nn.functional.cross_entropy(model(torch.randn(5, 4)), torch.arange(5) % 3).backward()
    time.sleep(0.06)
    clip.step(torch.randn(5, 4))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_training_leaves_what_it_had_measured(tmp_path: Path) -> None:
    path = tmp_path / "run.radius"
    script = KILLED.format(folder=str(tmp_path), path=str(path))
    done = subprocess.run([sys.executable, "-c", script], timeout=120, check=False)
    assert done.returncode < 0
    run = radius_run(path)
    assert run.steps.tolist() == list(range(8)) and not run.record.of_kind("end")


def test_a_tail_cut_anywhere_loses_the_last_record_alone(tmp_path: Path) -> None:
    path, cut = tmp_path / "run.radius", tmp_path / "cut.radius"
    header = read_record(_written(path, 3)).header
    whole = path.read_bytes()
    lengths = []
    for end in range(len(whole) - 400, len(whole), 7):
        cut.write_bytes(whole[:end])
        lengths.append(len(radius_run(cut).steps))
    assert set(lengths) <= {1, 2, 3} and lengths == sorted(lengths)
    assert header["columns"][0] == "step"


def _written(path: Path, steps: int, end: bool = True) -> Path:
    """A record with known numbers, one entry a step."""
    radius_rows(path, range(steps), end=end)
    return path


def test_the_follower_reads_on_and_notices_the_end_and_another_run(tmp_path: Path) -> None:
    path = tmp_path / "run.radius"
    follower = RadiusFollower(path)
    assert follower.poll() is None and follower.status == "waiting for run.radius"
    writing = RadiusWriting(path)
    writing.steps([0, 1])
    run = follower.poll()
    assert run is not None and run.steps.tolist() == [0, 1] and follower.phase is Phase.RECORDING
    assert follower.poll() is None
    writing.steps([2])
    writing.end()
    run = follower.poll()
    assert run is not None and run.steps.tolist() == [0, 1, 2] and follower.phase is Phase.FINISHED
    RadiusWriting(path, kind="margin").steps([0])
    run = follower.poll()
    assert run is not None and run.kind == "margin" and follower.restarts == 1


def test_a_record_is_gone_on_with_behind_its_last_step(tmp_path: Path) -> None:
    path = tmp_path / "run.radius"
    train(4, path)
    train(3, path, begin=4, file="a")
    run = radius_run(path)
    assert run.steps.tolist() == list(range(7)) and (run.seconds.diff() > 0).all()
    with pytest.raises(RecordError, match="holds another run"):
        train(1, path, file="a", kind="margin")
    with pytest.raises(FileExistsError):
        train(1, path)


def test_foreign_records_are_refused_by_name(tmp_path: Path) -> None:
    other = tmp_path / "run.spec"
    RecordWriter(other, {"content": "spectra", "content_version": 1}).close()
    with pytest.raises(ForeignRecord, match=r"run\.spec: records 'spectra', version 1: 'ghosts' 1 is needed"):
        radius_run(other)
    columns = tmp_path / "columns.radius"
    RecordWriter(
        columns, {"content": "ghosts", "content_version": 1, "columns": ["step"], "radius_kind": "bound"}
    ).close()
    with pytest.raises(ForeignRecord, match="has columns"):
        radius_run(columns)
    kind = tmp_path / "kind.radius"
    RadiusWriting(kind, kind="exact").end()
    with pytest.raises(ForeignRecord, match="says of its radius 'exact'"):
        radius_run(kind)
    path = _written(tmp_path / "shape.radius", 1, end=False)
    with RecordWriter(
        path, {k: v for k, v in read_record(path).header.items() if k != "format"}, "a"
    ) as writer:
        writer.append("steps", {"step": 1, "seconds": 1.0}, {"rows": np.zeros((2, 3))})
    with pytest.raises(ForeignRecord, match=r"rows has shape \(2, 3\)"):
        radius_run(path)


def test_a_full_disk_ends_the_record_and_not_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    model = nn.Linear(4, 3)
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1))
    twin = copy.deepcopy(model)
    with RadiusRecorder(tmp_path / "run.radius", clip) as recorder:
        monkeypatch.setattr(RecordWriter, "append", full)
        model(torch.randn(5, 4)).sum().backward()
        with pytest.warns(RuntimeWarning, match="recording ended"):
            recorder.note("full")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            clip.step(torch.randn(5, 4))
    assert not torch.equal(model.weight, twin.weight) and isinstance(recorder.failure, OSError)


def test_exports_bring_the_numbers_back(tmp_path: Path) -> None:
    train(5, tmp_path / "run.radius", target=0.4)
    run = radius_run(tmp_path / "run.radius")
    with np.load(export_radius_npz(run, tmp_path / "run.npz")) as arrays:
        assert np.array_equal(arrays["radius"], run.radius.numpy()) and arrays["mode"].tolist() == ["cap"] * 5
        assert json.loads(str(arrays["header"]))["content"] == "ghosts"
    with open(export_radius_csv(run, tmp_path / "run.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["normalized_step"]) for row in rows] == run.normalized_step.tolist()
    assert [row["clipped"] for row in rows] == [str(int(flag)) for flag in run.clipped]
    assert not list(tmp_path.glob("*.part")) and os.path.getsize(tmp_path / "run.csv") > 100


def test_a_note_outside_a_recording_is_not_kept(tmp_path: Path) -> None:
    model, x = nn.Linear(3, 2), torch.randn(4, 3)
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1))
    recorder = RadiusRecorder(tmp_path / "run.radius", clip)
    for _ in range(2):
        model(x).square().sum().backward()
        clip.step(x)
        recorder.note("nobody listens")
    with recorder:
        recorder.note("the first that is recorded")
        clip.step(x)
        recorder.note("the second")
    run = radius_run(recorder.path)
    assert run.notes == [(0, "the first that is recorded"), (1, "the second")] and run.steps.tolist() == [0]


def test_given_samples_are_not_named_by_the_batch(tmp_path: Path) -> None:
    model, given = nn.Linear(3, 2, bias=False), torch.ones(4, 3)
    given[2] *= 5
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1), samples=given)
    with RadiusRecorder(tmp_path / "run.radius", clip) as recorder:
        recorder.batch([70, 71, 72, 73])
        nn.functional.cross_entropy(model(torch.ones(4, 3)), torch.tensor([0, 1, 1, 1])).backward()
        clip.step()
    run = radius_run(tmp_path / "run.radius")
    assert run.bottleneck.tolist() == [2] and run.named.tolist() == [False]


def test_a_step_that_is_only_watched_and_not_finite_is_told_too(tmp_path: Path) -> None:
    model = nn.Linear(3, 2)
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=1.0), mode="monitor")
    with RadiusRecorder(tmp_path / "run.radius", clip):
        model.weight.grad = torch.full_like(model.weight, math.nan)
        clip.step(torch.randn(3, 3))
    run = radius_run(tmp_path / "run.radius")
    assert run.notes == [(0, "no radius: the optimizer's step is not finite")]
    assert run.refused.tolist() == [False] and run.normalized_step.tolist() == [math.inf]
