"""`anisoscope watch`: what it follows and serves, what it writes, and that a refusal is one line with status 2."""

from __future__ import annotations

import csv
import socket
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from recorded import radius_rows, written
from served import free_port

import anisoscope.app as app
from anisoscope.app.command import main
from anisoscope.app.lenses.ghosts import GhostsLens
from anisoscope.app.lenses.spectra import SpectraLens
from anisoscope.engine.records import RecordWriter


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, dict[str, Any]]]:
    calls: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setitem(app.__dict__, "serve", lambda slugs, **options: calls.append((slugs, options)))
    return calls


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line with which the command refuses these arguments."""
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1 and "Traceback" not in shown.err
    return shown.err


def test_it_serves_the_lens_with_the_files_by_name_at_their_newest_step(
    tmp_path: Path, served: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    one, late = tmp_path / "one.spec", tmp_path / "late.spec"
    written(one, [10, 20])
    port = free_port()
    assert main(["watch", str(one), str(late), "--port", str(port), "--no-browser"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "one.spec: 2 records, the last at step 20; the recording has ended",
        "waiting for late.spec",
    ]
    (slugs, options), *more = served
    assert slugs == ["spectra"] and not more
    assert (options["host"], options["port"], options["open_browser"]) == ("127.0.0.1", port, False)
    assert str(tmp_path) not in options["page"]
    link = urlsplit(options["page"])
    asked = {name: values[0] for name, values in parse_qs(link.query).items()}
    lens = SpectraLens()
    assert link.path == "spectra" and lens.restore(asked) == []
    frame = lens.compute()
    assert frame.facts["lanes"] == ["one", "late"] and frame.facts["step"] == 20


@pytest.mark.parametrize("there", [True, False], ids=["there", "awaited"])
def test_a_record_of_radii_opens_the_lens_of_ghosts(tmp_path: Path, served: list[Any], there: bool) -> None:
    path = tmp_path / ("anything.rec" if there else "late.radius")
    if there:
        radius_rows(path, range(3))
    assert main(["watch", str(path), "--port", str(free_port()), "--no-browser"]) == 0
    ((slugs, options),) = served
    link = urlsplit(options["page"])
    lens = GhostsLens()
    assert slugs == ["ghosts"] and link.path == "ghosts"
    assert lens.restore({name: values[0] for name, values in parse_qs(link.query).items()}) == []
    assert lens.view == "watch"
    frame = lens.compute()
    assert frame.facts["watch_head"] == (2 if there else 0)


def test_records_of_two_kinds_and_of_unknown_ones_are_refused(
    tmp_path: Path, served: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, odd = tmp_path / "one.spec", tmp_path / "two.radius", tmp_path / "odd.rec"
    written(one, [10])
    radius_rows(two, range(3))
    RecordWriter(odd, {"content": "weather", "content_version": 1}).close()
    port = ("--port", str(free_port()), "--no-browser")
    message = refused(capsys, "watch", str(one), str(two), *port)
    assert "one.spec is of spectra, two.radius is of ghosts" in message
    assert "records 'weather'; shown are ghosts, spectra" in refused(capsys, "watch", str(odd), *port)
    assert "at most 1" in refused(capsys, "watch", str(two), str(tmp_path / "other.radius"), *port)
    assert not served


def test_what_cannot_be_a_recording_is_refused(
    tmp_path: Path, served: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    text, cut = tmp_path / "notes.txt", tmp_path / "cut.spec"
    text.write_text("the learning rate was too high")
    cut.write_bytes(written(tmp_path / "x.spec", [10])[:-4])
    port = ("--port", str(free_port()), "--no-browser")
    assert "is a folder" in refused(capsys, "watch", str(tmp_path), *port)
    assert "notes.txt: is not a run record" in refused(capsys, "watch", str(text), *port)
    assert "at most 4" in refused(capsys, "watch", *[f"{k}.spec" for k in range(5)], *port)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        message = refused(capsys, "watch", str(cut), "--port", str(taken.getsockname()[1]))
    assert "in use" in message
    assert not served
    assert main(["watch", str(cut), *port]) == 0, "a recording cut off is shown as far as it goes"


def test_export_as_npz_and_csv(tmp_path: Path, served: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    record = tmp_path / "run.spec"
    written(record, [10, 20, 30])
    assert main(["watch", str(record), "--export", str(tmp_path / "run.npz")]) == 0
    with np.load(tmp_path / "run.npz") as arrays:
        assert arrays["steps"].tolist() == [10, 20, 30]
        wanted = 1.02 * 40 * 0.7 ** np.arange(5)
        np.testing.assert_allclose(arrays["sigma/layer1.weight/U"][1], wanted, rtol=1e-6)
    assert main(["watch", str(record), "--export", str(tmp_path / "run.CSV")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed == [str(tmp_path / name) for name in ("run.npz", "run.CSV", "run-metrics.CSV")]
    with open(tmp_path / "run.CSV", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 4 * (4 + 5)
    assert not served


def test_export_of_a_record_of_radii(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = tmp_path / "run.radius"
    radius_rows(record, range(4))
    for name in ("run.npz", "run.csv"):
        assert main(["watch", str(record), "--export", str(tmp_path / name)]) == 0
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / name) for name in ("run.npz", "run.csv")]
    with np.load(tmp_path / "run.npz") as arrays:
        assert arrays["normalized_step"].tolist() == [2.0, 0.5, 0.5, 2.0] and arrays["clipped"].tolist()[0]
    with open(tmp_path / "run.csv", newline="") as file:
        assert [row["normalized_step_taken"] for row in csv.DictReader(file)] == ["1.0", "0.5", "0.5", "1.0"]


def test_an_export_that_cannot_be_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = tmp_path / "run.spec"
    written(record, [10])
    out = str(tmp_path / "out.npz")
    assert "must end in .npz or .csv" in refused(capsys, "watch", str(record), "--export", "out.parquet")
    assert "one recording" in refused(capsys, "watch", str(record), str(record), "--export", out)
    assert "missing.spec" in refused(capsys, "watch", str(tmp_path / "missing.spec"), "--export", out)
    assert not Path(out).exists()
