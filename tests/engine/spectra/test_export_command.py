"""`export_recording`: thin, and every mistake is named."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from anisoscope.app.command.errors import CommandError
from anisoscope.app.command.recording import export_recording
from anisoscope.engine.spectra import SpectraRecorder


@pytest.fixture
def record(tmp_path: Path) -> Path:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with SpectraRecorder(tmp_path / "run.spec", model, optimizer):
        model(torch.ones(1, 3)).sum().backward()
        optimizer.step()
    return tmp_path / "run.spec"


def test_writes_what_was_asked_for(record: Path, tmp_path: Path) -> None:
    assert export_recording(record, tmp_path / "a.npz", "npz") == [tmp_path / "a.npz"]
    with np.load(tmp_path / "a.npz") as kept:
        assert kept["sigma/weight/W"].shape == (1, 2)
    found = export_recording(record, tmp_path / "a.csv", "csv")
    assert found == [tmp_path / "a.csv", tmp_path / "a-metrics.csv"] and all(p.exists() for p in found)


def test_damage_is_told(record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export_recording(record, tmp_path / "a.npz", "npz")
    assert capsys.readouterr().err == ""
    content = bytearray(record.read_bytes())
    whole = len(content)
    place = content.index(b"spectra", whole // 3)
    content[place : place + 3] = b"???"
    record.write_bytes(content)
    export_recording(record, tmp_path / "b.npz", "npz")
    assert re.search(r"run.spec': \d+ bytes are damaged and left out", capsys.readouterr().err)


def test_mistakes_are_named(record: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "mine.txt"
    foreign.write_text("mine")
    short = tmp_path / "short.spec"
    short.write_bytes(record.read_bytes()[:20])
    before = record.read_bytes()
    for path, out, form, why in (
        (record, tmp_path / "a.zip", "zip", "format = 'zip': must be one of npz, csv"),
        (record, tmp_path, "npz", r"is a folder; name a file, such as run\.npz"),
        (record, tmp_path / "no" / "a.npz", "npz", "its folder does not exist"),
        (record, record, "npz", "is the record itself"),
        (foreign, tmp_path / "a.npz", "npz", r"mine\.txt: is not a run record"),
        (short, tmp_path / "a.npz", "npz", r"short\.spec: holds no whole header yet"),
        (tmp_path / "none.spec", tmp_path / "a.npz", "npz", r"none\.spec': cannot be read \(No such file"),
    ):
        with pytest.raises(CommandError, match=why):
            export_recording(path, out, form)
    assert record.read_bytes() == before and not (tmp_path / "a.npz").exists()
