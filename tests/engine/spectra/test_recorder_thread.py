"""The recorder beside a training: a slow thread, a full disk, a killed process, a budget, and nothing left behind."""

import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

from anisoscope.engine.records import RecordWriter, read_record
from anisoscope.engine.spectra import SpectraRecorder, spectra_run
from anisoscope.engine.spectra.snapshot import Snapshot
from anisoscope.engine.spectra.worker import RecordingThread

from .recorded_trainings import network, sgd, train


def test_a_slow_thread_drops_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record, trained = RecordingThread._record, threading.Event()

    def slowly(self: RecordingThread, snapshot: Snapshot, dropped: int) -> None:
        assert trained.wait(20), "the training waits for the thread"
        record(self, snapshot, dropped)

    monkeypatch.setattr(RecordingThread, "_record", slowly)
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with SpectraRecorder(tmp_path / "run.spec", model, optimizer, every=1, budget=None) as recorder:
        train(model, [optimizer], 30)
        trained.set()
    run = spectra_run(tmp_path / "run.spec")
    # one was being measured, one waited behind it; or both waited, where the thread had not begun
    assert recorder.failure is None and recorder.dropped in (28, 29)
    assert run.dropped == recorder.dropped == 30 - len(run.steps)


def test_a_full_disk_ends_the_recording_not_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = RecordWriter.append

    def until_full(self: RecordWriter, kind: str, fields: dict, arrays: dict) -> int:
        if fields["step"] > 1:
            raise OSError("no space")
        return append(self, kind, fields, arrays)

    monkeypatch.setattr(RecordWriter, "append", until_full)
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recorder = SpectraRecorder(tmp_path / "run.spec", model, optimizer, every=1, budget=None)
    recorder.attach()
    with pytest.warns(RuntimeWarning, match=r"run\.spec: recording ended .*OSError: no space"):
        train(model, [optimizer], 20, lambda step: time.sleep(0.01))
    recorder.detach()
    assert isinstance(recorder.failure, OSError)
    assert recorder.step == 20
    assert spectra_run(tmp_path / "run.spec").steps.tolist() == [1]


def test_a_killed_training_leaves_its_records(tmp_path: Path) -> None:
    program = f"""
import os, signal, torch
from torch import nn
from anisoscope.engine.spectra import SpectraRecorder
model = nn.Linear(8, 8)
optimizer = torch.optim.SGD(model.parameters(), lr=.1)
recorder = SpectraRecorder({str(tmp_path / "run.spec")!r}, model, optimizer, every=1, budget=None)
recorder.attach()
while True:
    model(torch.ones(2, 8)).sum().backward()
    optimizer.step()
    if recorder._worker.recorded > 20:
        os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert done.returncode == -9
    record = read_record(tmp_path / "run.spec")
    assert len(record.of_kind("spectra")) > 20 and record.damaged == 0 and not record.of_kind("end")


def test_the_thread_computes_alone_and_leaves_others_their_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    record = RecordingThread._record

    def counting(self: RecordingThread, snapshot: Snapshot, dropped: int) -> None:
        seen.append(torch.get_num_threads())
        record(self, snapshot, dropped)

    monkeypatch.setattr(RecordingThread, "_record", counting)
    model, before = network(), torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        optimizers = sgd(model)
        with SpectraRecorder(tmp_path / "run.spec", model, optimizers, budget=None):
            train(model, optimizers, 3)
            later = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
            later.start()
            later.join()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert sorted(seen) == [1, 2]


def test_budget_holds_in_a_training(tmp_path: Path) -> None:
    """Records that would cost more than the training itself become rare."""
    model = nn.Sequential(*(nn.Linear(64, 64) for _ in range(4)))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    x = torch.ones(512, 64)
    with SpectraRecorder(tmp_path / "run.spec", model, optimizer, every=1) as recorder:
        for _ in range(1500):
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()
    budget = recorder.budget
    run = spectra_run(tmp_path / "run.spec")
    assert 2 <= len(run.steps) < 750
    assert recorder.dropped == 0
    # all hooks count, and at most one record is owed
    assert budget.spent <= 0.05 * budget.training + 3 * budget.spent / len(run.steps) + 0.02


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ZeroDivisionError), SpectraRecorder(tmp_path / "run.spec", model, optimizer):
            train(model, [optimizer], 3, lambda step: 1 / (step - 2))
    assert not optimizer._optimizer_step_pre_hooks and not optimizer._optimizer_step_post_hooks
    assert not [thread for thread in threading.enumerate() if thread.name == "spectra-recorder"]
    assert read_record(tmp_path / "run.spec").of_kind("end")
