"""A reader's own recordings in the lens: dropped, compared, and followed while they grow."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recorded import Writing, header, written
from torch import nn

from anisoscope.app.errors import RequestError
from anisoscope.app.following import standing
from anisoscope.app.frame import Frame, Idle
from anisoscope.app.lenses.spectra import SpectraLens, watched
from anisoscope.app.lenses.spectra.codes import decoded
from anisoscope.app.lenses.spectra.recordings import left_out
from anisoscope.app.uploads import LARGEST_FILE
from anisoscope.engine.spectra import SpectraRecorder, spectra_run


def dropped(*files: tuple[str, bytes], **more: Any) -> SpectraLens:
    """The lens after these files were dropped on it, one after the other."""
    lens = SpectraLens()
    for name, content in files:
        lens.restore({**lens.open_file(name, content), **more})
    return lens


def shown_sigma(frame: Frame, lane: int = 1, which: str = "lead") -> tuple[np.ndarray, np.ndarray]:
    """Steps and singular values (n, r) of a lane as the browser has them."""
    steps = frame.tables[f"lane_{lane}"]["step"]
    there = np.isfinite(steps)
    return steps[there], 10 ** decoded(frame.tables[f"{which}_{lane}"]["codes"])[there]


def followed_frames(lens: SpectraLens, seconds: float = 10) -> Iterator[Frame]:
    """Frames as a page gets them, sleeping where the lens has nothing; the test fails when none comes."""
    end = time.monotonic() + seconds
    for frame in lens.frames(lens.request()):
        assert time.monotonic() < end, "no frame came in time"
        if isinstance(frame, Idle):
            time.sleep(frame.seconds)
        elif frame is not None:
            yield frame
            end = time.monotonic() + seconds


def training(path: Path, steps: int = 12) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 12), nn.Tanh(), nn.Linear(12, 5))
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    with SpectraRecorder(
        path, model, optimizer, every=1, budget=None, subspace=4, queue_length=99
    ) as recorder:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = model(torch.randn(20, 8)).square().mean()
            recorder.scalar(loss=loss)
            loss.backward()
            optimizer.step()


@pytest.mark.parametrize("kind", "WGMU")
def test_what_a_recorder_wrote_is_what_the_lens_draws(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "mine.spec"
    training(path)
    run, lens = spectra_run(path), dropped(("mine.spec", path.read_bytes()), matrix=kind, layer=2)
    frame = lens.compute()
    steps, sigma = shown_sigma(frame)
    wanted = run.sigma(1, kind).numpy()
    seen = wanted > run.floor[:, 1, run.kinds.index(kind), None].numpy()
    assert steps.tolist() == run.steps.tolist() and seen.any()
    np.testing.assert_allclose(sigma[seen], wanted[seen], rtol=1e-3)
    assert np.isnan(sigma[~seen]).all()
    assert frame.facts["lanes"] == ["mine"] and frame.facts["matrix"] == "2.weight, 5 × 12"
    rows = len(steps)
    np.testing.assert_allclose(
        frame.tables["lane_1"]["loss"][:rows], run.scalars["loss"][1].numpy(), rtol=1e-6
    )
    turned = frame.tables["rotation_1"]
    place = run.kinds.index(kind if kind in "WU" else "W")
    assert run.rotation is not None
    np.testing.assert_allclose(turned["y"], run.rotation[:, 1, place, 1].numpy(), rtol=1e-6)


def test_an_export_of_a_recording_carries_every_singular_value(tmp_path: Path) -> None:
    path = tmp_path / "mine.spec"
    training(path)
    run, lens = spectra_run(path), dropped(("mine.spec", path.read_bytes()))
    (attachment,) = lens.attachments(lens.request(), lens.compute()).values()
    with np.load(io.BytesIO(attachment.content)) as arrays:
        assert arrays["lane_1/steps"].tolist() == run.steps.tolist()
        for layer in run.layers:
            for kind in run.kinds:
                name = f"lane_1/{layer['name']}/{kind}"
                np.testing.assert_array_equal(arrays[name], run.sigma(layer["name"], kind))


def test_a_dropped_recording_opens_at_its_end_and_the_fifth_takes_the_last_place(tmp_path: Path) -> None:
    files = [(f"run{k}.spec", written(tmp_path / "x.spec", range(10, 50 + 10 * k, 10))) for k in range(5)]
    lens = SpectraLens(view="polar", layer=7)
    lens.restore(lens.open_file(*files[0]))
    assert (lens.view, lens.layer, lens.step, lens.exact) == ("training", 1, 40, -1)
    lens = dropped(*files)
    assert lens.compute().facts["lanes"] == ["run0", "run1", "run2", "run4"]
    lens.restore(lens.open_file(*files[1]))
    assert lens.compute().facts["lanes"] == ["run0", "run1", "run2", "run4"], "known already: nothing moves"


def test_equal_names_are_told_apart(tmp_path: Path) -> None:
    one, other = written(tmp_path / "x.spec", [10]), written(tmp_path / "y.spec", [10, 20])
    assert dropped(("run.spec", one), ("run.spec", other)).compute().facts["lanes"] == ["run", "run 2"]


@pytest.mark.parametrize("cut", [0, 5, 8, 60])
def test_a_file_cut_off_before_its_header_is_refused_by_name(tmp_path: Path, cut: int) -> None:
    content = written(tmp_path / "x.spec", [10])
    with pytest.raises(RequestError, match=r"cut\.spec.*no whole header.*cut off behind its header"):
        SpectraLens().open_file("cut.spec", content[:cut])


@pytest.mark.parametrize(
    "content",
    [b"\x93NUMPY\x01\x00 not one of ours", b"PK\x03\x04" + bytes(50), "żółć".encode()],
    ids=["npy", "zip", "text"],
)
def test_foreign_files_are_refused_by_name(content: bytes) -> None:
    with pytest.raises(RequestError, match=r"theirs\.spec.*not a run record.*must be a recording"):
        SpectraLens().open_file("theirs.spec", content)


def test_a_header_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    for name, change in (("kept_columns", 99), ("rows", "six"), ("values", 3)):
        given = header()
        given["layers"][0][name] = change
        with pytest.raises(RequestError, match=r"odd\.spec.*matrix that cannot be"):
            SpectraLens().open_file("odd.spec", written(tmp_path / "odd.spec", [], given))


def test_a_file_larger_than_kept_ones_may_be_is_refused_with_the_way_out() -> None:
    with pytest.raises(RequestError, match=r"large\.spec.*20 MB.*anisoscope watch"):
        SpectraLens().open_file("large.spec", bytes(LARGEST_FILE + 1))


def test_a_recording_cut_off_later_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    content = written(tmp_path / "x.spec", [10, 20, 30])
    frame = dropped(("cut.spec", content[:-200])).compute()
    assert shown_sigma(frame)[0].tolist() == [10, 20]
    assert "the recording was broken off" in frame.notes
    empty = dropped(("empty.spec", written(tmp_path / "x.spec", []))).compute()
    assert "nothing is recorded yet" in empty.notes and not len(shown_sigma(empty)[0])


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    given = header([(64, 4096, 64)])
    content = bytearray(written(tmp_path / "x.spec", [10, 20, 30], given, dropped=7))
    content[len(content) // 2] ^= 1
    notes = dropped(("run.spec", bytes(content))).compute().notes
    assert "7 records were dropped" in notes
    assert "64 of 4096 columns of layer0.weight were looked at" in notes
    assert any("bytes are damaged" in note for note in notes)


def test_matrices_that_were_nan_are_gaps(tmp_path: Path) -> None:
    path = tmp_path / "x.spec"
    writing = Writing(path)
    for step in (10, 20, 30):
        writing.step(step, bad=step == 20, notes=["warm-up ends"] if step == 30 else ())
    writing.end(30)
    frame = dropped(("run.spec", path.read_bytes()), matrix="W").compute()
    steps, sigma = shown_sigma(frame)
    assert steps.tolist() == [10, 20, 30]
    assert np.isnan(sigma[1]).all() and np.isfinite(sigma[[0, 2]]).all()
    assert np.isnan(frame.tables["lane_1"]["number"][1])
    assert not frame.tables["heat"]["image"][:, 1].any() and frame.tables["heat"]["image"][:, 0].all()
    assert frame.notes[0] == "layer0.weight: W NaN from step 20 on"
    assert "step 30: warm-up ends" in frame.notes


def test_what_was_not_recorded_is_empty_and_not_zero(tmp_path: Path) -> None:
    content = written(tmp_path / "x.spec", [10, 20], header(kinds=("W", "G")))
    frame = dropped(("run.spec", content), matrix="D", beside="G").compute()
    assert np.isnan(shown_sigma(frame)[1]).all() and np.isfinite(shown_sigma(frame, 1, "beside")[1]).all()


def test_runs_of_different_networks_and_spacing_share_the_axes(tmp_path: Path) -> None:
    one = written(tmp_path / "x.spec", range(10, 110, 10))
    other = written(tmp_path / "y.spec", [5, 25, 45, 105, 145], header([(3, 8, 8), (20, 9, 9), (7, 7, 7)]))
    lens = dropped(("one.spec", one), ("other.spec", other), matrix="W", layer=3)
    frame = lens.compute()
    assert frame.facts["last_layer"] == 3 and frame.facts["matrix"] == "layer2.weight, 7 × 7"
    assert frame.facts["values"] == 7 and frame.facts["last_step"] == 145
    assert shown_sigma(frame)[1].shape == (10, 5) and shown_sigma(frame, 2)[1].shape == (5, 7)
    heat = frame.tables["heat"]
    columns = np.linspace(heat["x0"][0], heat["x1"][0], heat["image"].shape[1] + 1)
    middle, image = (columns[1:] + columns[:-1]) / 2, heat["image"]
    half = len(image) // 2
    for lane, rows, first, last in ((1, image[half:], 10, 100), (2, image[:half], 5, 145)):
        lit = middle[rows.any(axis=0)]
        assert lit.min() >= first - 5 and lit.max() <= last + 5 and lit.max() > last - 5, lane
    cells = lens.compute({**lens.request().as_dict(), "view": "layers"})
    assert len(cells.tables["cell_names"]["text"]) == 3
    assert [len(x) for x in cells.tables["trace_2"]["xs"]] == [5, 5, 5]
    assert np.isnan(cells.tables["trace_1"]["ys"][2]).all()


def test_a_training_taken_up_again_earlier_replaces_what_it_repeats(tmp_path: Path) -> None:
    assert standing(np.array([1, 2, 3])) is None
    rows = standing(np.array([10, 20, 30, 40, 25, 35, 38]))
    assert rows is not None and rows.tolist() == [0, 1, 4, 5, 6]
    frame = dropped(("run.spec", written(tmp_path / "x.spec", [10, 20, 30, 25, 30, 35]))).compute()
    assert shown_sigma(frame)[0].tolist() == [10, 20, 25, 30, 35]
    np.testing.assert_allclose(
        frame.tables["lane_1"]["loss"][:5], [1 / 10, 1 / 20, 1 / 25, 1 / 30, 1 / 35], rtol=1e-6
    )


def test_a_followed_file_is_waited_for_and_then_grows(tmp_path: Path) -> None:
    path = tmp_path / "growing.spec"
    lens = SpectraLens(watch=watched.register(path), matrix="W", layer=1, step=1_000_000)
    begun = threading.Event()

    def write() -> None:
        assert begun.wait(10)
        writing = Writing(path)
        for step in range(1, 6):
            time.sleep(0.12)
            writing.step(step)
        writing.end(5)

    thread = threading.Thread(target=write)
    thread.start()
    heads, first = [], True
    for frame in followed_frames(lens):
        if first:
            assert frame.notes == ("waiting for growing.spec",) and frame.final
            first = False
            begun.set()
        steps, sigma = shown_sigma(frame)
        heads.append(len(steps))
        for step, row in zip(steps, sigma, strict=True):
            np.testing.assert_allclose(row, (1 + step / 1000) * 10 * 0.7 ** np.arange(4), rtol=1e-3)
        if frame.facts["status"] == ["done"]:
            break
    thread.join()
    assert heads == sorted(heads) and heads[-1] == 5 and len(set(heads)) >= 4


def test_a_file_that_is_begun_anew_is_shown_anew(tmp_path: Path) -> None:
    path = tmp_path / "again.spec"
    written(path, [10, 20, 30])
    lens = SpectraLens(watch=watched.register(path), layer=1)
    frames = followed_frames(lens)
    assert shown_sigma(next(frames))[0].tolist() == [10, 20, 30]
    written(path, [7], header([(2, 3, 3)]))
    frame = next(frames)
    assert shown_sigma(frame)[0].tolist() == [7] and frame.facts["matrix"] == "layer0.weight, 2 × 3"


def test_followed_and_dropped_runs_stand_side_by_side(tmp_path: Path) -> None:
    path, late = tmp_path / "live.spec", tmp_path / "late.spec"
    written(path, [10, 20])
    names = f"{watched.register(path)},{watched.register(late)}"
    lens = SpectraLens(watch=names)
    lens.restore(lens.open_file("old.spec", written(tmp_path / "x.spec", [10, 30])))
    assert lens.watch == names
    frame = lens.compute()
    assert frame.facts["lanes"] == ["live", "late", "old"]
    assert "waiting for late.spec" in frame.notes


def test_only_names_reach_files_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.spec"
    written(path, [10])
    for name in (str(path), "../secret", "secret.spec"):
        with pytest.raises(RequestError, match=r"watch = .*anisoscope watch FILE"):
            SpectraLens(watch=name).compute()
    name = watched.register(path)
    assert watched.register(path) == name and "/" not in name and "," not in name
    other = tmp_path / "other" / "secret.spec"
    assert watched.register(other) == f"{name}-2"
    odd = watched.register(tmp_path / "läuft, gut & lang.spec")
    assert "," not in odd and "&" not in odd and " " not in odd


def test_a_followed_file_that_is_foreign_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.spec"
    path.write_text("these are not singular values")
    with pytest.raises(RequestError, match=r"notes\.spec.*not a run record") as refusal:
        SpectraLens(watch=watched.register(path)).compute()
    assert str(tmp_path) not in str(refusal.value), "a page does not tell the server's folders"


def test_a_long_recording_is_thinned_and_shows_any_record(tmp_path: Path) -> None:
    shapes = [(128, 128, 128)] * 2
    content = written(tmp_path / "x.spec", range(10, 10_010, 10), header(shapes))
    lens = dropped(("long.spec", content))
    frame = lens.compute()
    steps, _ = shown_sigma(frame)
    assert len(steps) == 501 and steps[-1] == 10_000, "every second record, and the last"
    assert not left_out(lens.request())
    for step in (4_370, 9_980, 15):
        lens.step = step
        frame = lens.compute()
        steps, sigma = shown_sigma(frame)
        looked_at = step // 10 * 10
        row = steps.tolist().index(looked_at)
        wanted = (1 + looked_at / 1000) * 40 * 0.7 ** np.arange(128)
        np.testing.assert_allclose(sigma[row, :40], wanted[:40], rtol=1e-3)


def test_moving_along_a_short_recording_asks_for_nothing(tmp_path: Path) -> None:
    lens = dropped(("run.spec", written(tmp_path / "x.spec", range(10, 500, 10))))
    before = lens.request()
    lens.step = 130
    changed = {name for name, value in lens.request().values if value != before[name]}
    assert changed == {"step"} and changed <= lens.client_side


def test_recent_steps_alone(tmp_path: Path) -> None:
    frame = dropped(("run.spec", written(tmp_path / "x.spec", range(10, 500, 10))), last=100).compute()
    steps, _ = shown_sigma(frame)
    assert steps.min() == 390 and steps.max() == 490 and frame.facts["axis_from"] == 390
