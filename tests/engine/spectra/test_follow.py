"""Following a growing record: what comes in pieces is what is read at once, whatever happens to the file."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anisoscope.engine.records import ForeignRecord, Phase, RecordWriter, RunRecord, read_record
from anisoscope.engine.spectra import RunFollower, SpectraRun, spectra_run

LAYERS = [
    {"name": "a", "rows": 2, "columns": 3, "values": 2},
    {"name": "b", "rows": 4, "columns": 4, "values": 4},
]
HEADER = {"content": "spectra", "content_version": 1, "kinds": ["W", "G"], "layers": LAYERS, "created": 1.0}


def tables(step: int) -> dict[str, np.ndarray]:
    """Arrays of one record, told apart by the step."""
    noise = np.random.default_rng(step)
    shapes = {"sigma": (12,), "floor": (2, 2), "alignment": (2, 2), "learning_rate": (2,)}
    found = {name: noise.random(shape, dtype=np.float32) for name, shape in shapes.items()}
    return {**found, "status": noise.integers(0, 4, (2, 2), dtype=np.uint8)}


def append(writer: RecordWriter, step: int) -> None:
    fields: dict = {"step": step, "seconds": step / 4, "dropped": step // 3}
    arrays = tables(step)
    if step % 2:
        fields |= {"scalars": ["loss", f"rare{step % 3}"], "notes": [f"step {step}"]}
        arrays["scalars"] = np.array([step / 7, math.nan])
    writer.append("spectra", fields, arrays)


def written(path: Path, steps: int, end: bool = True, **header: object) -> bytes:
    with RecordWriter(path, {**HEADER, **header}, mode="w") as writer:
        for step in range(steps):
            append(writer, step)
        if end:
            writer.append("end", {"step": steps, "dropped": steps}, {})
    return path.read_bytes()


def same(found: SpectraRun | None, wanted: SpectraRun) -> None:
    assert found is not None
    for name in ("steps", "seconds", "floor", "status", "alignment", "learning_rate", "_sigma"):
        torch.testing.assert_close(getattr(found, name), getattr(wanted, name), rtol=0, atol=0, msg=name)
    assert (found.dropped, found.notes, found.layers) == (wanted.dropped, wanted.notes, wanted.layers)
    assert found.scalars.keys() == wanted.scalars.keys()
    for name, pair in wanted.scalars.items():
        for ours, theirs in zip(found.scalars[name], pair, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=0, equal_nan=True)
    for name in ("header", "end", "incomplete", "damaged"):
        assert getattr(found.record, name) == getattr(wanted.record, name), name


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 900), min_size=1, max_size=40), st.integers(0, 9))
def test_pieces_of_any_size(tmp_path_factory: pytest.TempPathFactory, sizes: list[int], steps: int) -> None:
    """Growth in random pieces, cut anywhere: at every look what `spectra_run` reads of the same file."""
    folder = tmp_path_factory.mktemp("pieces")
    data, path, at = written(folder / "whole", steps), folder / "run.spec", 0
    follower = RunFollower(path)
    assert follower.poll() is None and follower.phase is Phase.WAITING
    for size in [*sizes, len(data)]:
        with open(path, "ab") as file:
            file.write(data[at : at + size])
        at = min(at + size, len(data))
        before, news = follower.run, follower.poll()
        if follower.phase is Phase.WAITING:
            assert news is None and before is None
            continue
        wanted = spectra_run(path)
        assert (news is None) == (before is not None and before.record.end == wanted.record.end)
        if news is not None:
            same(news, wanted)
        assert follower.poll() is None
    assert follower.phase is Phase.FINISHED and follower.restarts == 0
    same(follower.run, spectra_run(path))


def test_cut_at_every_byte_of_the_last_records(tmp_path: Path) -> None:
    """A follower of a file cut anywhere has the whole records, and the rest once it is there."""
    data, path = written(tmp_path / "whole", 4), tmp_path / "run.spec"
    wanted = spectra_run(tmp_path / "whole")
    written(tmp_path / "two", 2, end=False)
    for length in range((tmp_path / "two").stat().st_size, len(data)):
        path.write_bytes(data[:length])
        follower = RunFollower(path)
        run = follower.poll()
        assert run is not None and follower.phase is Phase.RECORDING
        assert run.steps.tolist() == list(range(len(run.steps))) and 2 <= len(run.steps) <= 4
        with open(path, "ab") as file:
            file.write(data[length:])
        same(follower.poll(), wanted)


def test_old_tables_stay_as_they_were(tmp_path: Path) -> None:
    follower, runs = RunFollower(tmp_path / "run.spec"), []
    with RecordWriter(tmp_path / "run.spec", HEADER) as writer:
        for step in range(20):
            append(writer, step)
            runs.append(follower.poll())
    wanted = spectra_run(tmp_path / "run.spec")
    for count, run in enumerate(runs, 1):
        assert torch.equal(run.steps, wanted.steps[:count]) and torch.equal(run._sigma, wanted._sigma[:count])


def test_another_run_in_the_file(tmp_path: Path) -> None:
    """Replaced, begun anew longer or shorter, vanished and back: never a mixture of two runs."""
    path = tmp_path / "run.spec"
    follower = RunFollower(path)
    written(path, 5)
    follower.poll()
    assert follower.status == "run.spec: 5 records, the last at step 4, 5 dropped; the recording has ended"
    for restarts, (steps, created) in enumerate([(9, 2.0), (3, 3.0), (3, 4.0)], 1):
        written(path, steps, created=created)
        same(follower.poll(), spectra_run(path))
        assert follower.restarts == restarts
    written(tmp_path / "other", 6, created=5.0)
    os.replace(tmp_path / "other", path)
    same(follower.poll(), spectra_run(path))
    # the same header, but fewer bytes than were read
    written(path, 2, end=False, created=5.0)
    same(follower.poll(), spectra_run(path))
    path.rename(tmp_path / "elsewhere")
    assert follower.poll() is None and follower.phase is Phase.WAITING
    assert follower.status == "waiting for run.spec" and follower.run is not None
    (tmp_path / "elsewhere").rename(path)
    assert follower.poll() is None and follower.phase is Phase.RECORDING
    # truncated by a new run whose header is not there yet
    path.write_bytes(path.read_bytes()[:20])
    assert follower.poll() is None and follower.phase is Phase.WAITING
    written(path, 1, created=6.0)
    same(follower.poll(), spectra_run(path))


def test_foreign_files_are_refused_until_they_change(tmp_path: Path) -> None:
    path = tmp_path / "run.spec"
    follower = RunFollower(path)
    path.write_text("step,loss\n")
    for _ in range(2):
        with pytest.raises(ForeignRecord, match=r"run\.spec: is not a run record"):
            follower.poll()
    written(path, 2, content="radii")
    with pytest.raises(ForeignRecord, match="records 'radii'"):
        follower.poll()
    written(path, 2, end=False)
    run = follower.poll()
    with RecordWriter(path, HEADER, mode="a") as writer:
        append(writer, 2)
        writer.append("spectra", {"step": 3, "seconds": 1.0}, {})
    for _ in range(2):
        with pytest.raises(ForeignRecord, match="do not fit its header"):
            follower.poll()
    # what was there before it stays
    assert follower.run is run and run is not None and run.steps.tolist() == [0, 1]


def test_a_file_that_could_not_be_read_once_is_read_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.spec"
    written(path, 2)
    follower = RunFollower(path)
    with monkeypatch.context() as patched:
        patched.setattr("anisoscope.engine.records.follow.read_record", refused)
        for _ in range(2):
            with pytest.raises(PermissionError):
                follower.poll()
    same(follower.poll(), spectra_run(path))


def refused(*_: object) -> None:
    raise PermissionError("not now")


def test_a_damaged_record_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "run.spec"
    data = bytearray(written(path, 4, end=False))
    written(tmp_path / "one", 1, end=False)
    begin = (tmp_path / "one").stat().st_size
    data[begin + 100] ^= 0x55
    path.write_bytes(data[: begin + 10])
    follower = RunFollower(path)
    follower.poll()
    path.write_bytes(data)
    same(follower.poll(), spectra_run(path))
    assert (
        follower.run is not None and follower.run.steps.tolist() == [0, 2, 3] and follower.run.record.damaged
    )


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, RecordWriter]]:
    path = tmp_path_factory.mktemp("long") / "run.spec"
    with RecordWriter(path, HEADER) as writer:
        for step in range(10_000):
            append(writer, step)
        yield path, writer


def test_looking_is_cheap(long: tuple[Path, RecordWriter], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 10 000 records a look at nothing new reads nothing, and at one record more that one; no table is copied."""
    path, writer = long
    follower, read = RunFollower(path), []
    run = follower.poll()

    def reading(*given: Any) -> RunRecord:
        read.append(read_record(*given))
        return read[-1]

    monkeypatch.setattr("anisoscope.engine.records.follow.read_record", reading)
    places = set()
    for step in range(10_000, 10_020):
        before, read[:] = run, []
        assert follower.poll() is None and not read
        append(writer, step)
        run = follower.poll()
        assert run is not None and before is not None and len(run.steps) == step + 1
        assert [(len(one.entries), one.end) for one in read] == [(1, path.stat().st_size)]
        places.add(run._sigma.data_ptr())
    # room for twice as many was made once
    assert len(places) <= 2
