"""The view of a reader's own training: what is drawn of a record, how it is followed, and what is refused in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser
from recorded import RadiusWriting, radius_rows, written

from anisoscope.app import hand
from anisoscope.app.errors import RequestError
from anisoscope.app.frame import Frame, Idle
from anisoscope.app.lenses.ghosts import GhostsLens
from anisoscope.app.lenses.ghosts.watch_view import MOST_ROWS
from anisoscope.app.lenses.ghosts.watched import FOLLOWING


def watching(**values: Any) -> GhostsLens:
    lens = GhostsLens()
    lens.restore({"view": "watch", **values})
    return lens


def pictures(lens: GhostsLens) -> Iterator[Frame]:
    """The frames of a view that never ends, as the page gets them; at most so many looks between two."""
    waited = 0
    for found in lens.frames(lens.request()):
        waited = 0 if isinstance(found, Frame) else waited + isinstance(found, Idle)
        assert waited < 50, "no frame came"
        if isinstance(found, Frame):
            yield found


def dropped(tmp_path: Path, steps: range, **values: Any) -> GhostsLens:
    lens = watching()
    lens.restore({**lens.open_file("mine.radius", radius_rows(tmp_path / "x.radius", steps)), **values})
    return lens


def test_a_dropped_record_is_drawn_number_by_number(tmp_path: Path) -> None:
    lens = dropped(tmp_path, range(12))
    frame = lens.compute()
    tables, steps = frame.tables, np.arange(12.0)
    r = np.where(steps % 3 == 0, 2.0, 0.5)
    for name, values in (
        ("asked", r), ("taken", np.minimum(r, 1)), ("target", np.ones(12)), ("radius", np.full(12, 0.1)),
        ("length_asked", 0.1 * r), ("length_taken", 0.1 * np.minimum(r, 1)), ("loss", 1 / (1 + steps)),
    ):  # fmt: skip
        np.testing.assert_array_equal(tables[f"watch_{name}"]["x"], steps)
        np.testing.assert_allclose(tables[f"watch_{name}"]["y"], np.log10(values), atol=1e-12)
    assert tables["watch_cut"]["x"].tolist() == tables["watch_samples_cut"]["x"].tolist() == [0, 3, 6, 9]
    assert tables["watch_samples"]["y"].tolist() == [step % 4 for step in range(12) if step % 3]
    assert tables["watch_often"]["top"].tolist() == [3, 3, 3, 3]
    assert frame.facts["watch_title"] == "mine, finished" and frame.facts["watch_cut_steps"] == 4
    (first, *_), table = lens.claims(lens.request(), frame), lens.table(lens.request(), frame)
    assert first.ours == "r up to 2.00; taken up to 1.00"
    assert table is not None and table.rows[0] == ("0", "3", "25.0 %", "0.100", "8")


def test_the_example_shows_every_figure_and_says_what_it_is() -> None:
    lens = watching()
    frame = lens.compute()
    assert any("example" in note for note in frame.notes)
    assert 70 < frame.facts["watch_cut_steps"] < 120 and frame.facts["watch_most_taken"] <= 1 + 1e-6
    for figure in lens.figures(frame):
        if figure.name.startswith("watch_"):
            assert any(len(next(iter(frame.tables[layer.table].values()))) for layer in figure.layers), (
                figure.name
            )


def test_a_long_record_is_thinned_and_keeps_what_stands_out(tmp_path: Path) -> None:
    path = tmp_path / "long.radius"
    writing = RadiusWriting(path)
    writing.steps(range(1, 3))
    rows = [step for step in range(10, 4000) if step % 3]
    writing.steps(rows)
    writing.steps([4002, 4003])
    writing.end()
    frame = watching(watch=FOLLOWING.register(path)).compute()
    drawn = frame.tables["watch_asked"]["x"]
    assert MOST_ROWS / 2 < len(drawn) <= MOST_ROWS + 1 and drawn[-1] == 4003
    assert frame.tables["watch_cut"]["x"].tolist() == [4002], "the one step that was cut is among those drawn"
    assert any("steps are drawn" in note for note in frame.notes)
    last = watching(watch=FOLLOWING.register(path), watch_last=100).compute()
    assert last.facts["watch_range"] == (3904, 4003)


def test_a_followed_file_is_waited_for_grows_ends_and_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "growing.radius"
    frames = pictures(watching(watch=FOLLOWING.register(path)))
    frame = next(frames)
    assert frame.notes == ("waiting for growing.radius",) and not len(frame.tables["watch_asked"]["x"])
    writing = RadiusWriting(path)
    assert "no step is measured yet" in next(frames).notes[0]
    writing.steps([0, 1])
    frame = next(frames)
    assert frame.tables["watch_taken"]["x"].tolist() == [0, 1] and frame.facts["watch_status"] == "recording"
    writing.steps([2])
    writing.end()
    frame = next(frames)
    assert frame.facts["watch_head"] == 2 and frame.facts["watch_status"] == "finished"
    RadiusWriting(path, kind="margin").steps([7])
    frame = next(frames)
    assert frame.tables["watch_taken"]["x"].tolist() == [7] and "ρₘ" in frame.facts["watch_radius_words"]


def test_steps_taken_up_again_count_once(tmp_path: Path) -> None:
    path = tmp_path / "again.radius"
    writing = RadiusWriting(path)
    writing.steps([0, 1, 2, 3, 2, 3, 4])
    assert watching(watch=FOLLOWING.register(path)).compute().tables["watch_loss"]["x"].tolist() == [
        0,
        1,
        2,
        3,
        4,
    ]


def test_what_is_no_record_of_radii_is_refused_in_words(tmp_path: Path) -> None:
    lens = GhostsLens()
    with pytest.raises(RequestError, match=r"notes\.radius.*is not a run record.*RadiusRecorder"):
        lens.open_file("notes.radius", b"the learning rate was too high")
    with pytest.raises(RequestError, match=r"records 'spectra', version 1: 'ghosts' 1 is needed"):
        lens.open_file("run.radius", written(tmp_path / "run.spec", [10]))
    path = tmp_path / "foreign.radius"
    path.write_text("no record")
    with pytest.raises(RequestError, match=r"foreign\.radius.*not a run record") as refusal:
        watching(watch=FOLLOWING.register(path)).compute()
    assert str(tmp_path) not in str(refusal.value), "a page does not tell the server's folders"
    with pytest.raises(RequestError, match="anisoscope watch FILE"):
        watching(watch="/etc/passwd").compute()
    two = [FOLLOWING.register(tmp_path / f"{name}.radius") for name in ("one", "two")]
    with pytest.raises(RequestError, match="one record of radii is shown at a time"):
        watching(watch=",".join(two)).compute()


@pytest.mark.browser
def test_the_browser_reads_off_what_python_reads_off(browser: Browser, tmp_path: Path) -> None:
    lens = dropped(tmp_path, range(5, 25))
    frame = lens.compute()
    page = browser.new_page()
    page.evaluate(f"() => {{ window.lens = {hand.script('ghosts')} }}")
    tables = {
        name: {k: np.asarray(v).tolist() for k, v in columns.items()}
        for name, columns in frame.tables.items()
        if "image" not in columns and "holes" not in columns
    }
    page.evaluate("(tables) => { window.tables = tables }", tables)
    for step in (0, 5, 9, 24, 10**9):
        asked = lens.validated({**lens.request().as_dict(), "watch_step": step})
        theirs = page.evaluate("(state) => lens.hand(state, tables)", json.loads(json.dumps(asked.as_dict())))
        assert theirs["tables"]["watch_cursor"]["x"] == lens.hand(asked, frame)["watch_cursor"]["x"].tolist()
        rows = [(row.label, row.value, row.beside, row.role) for row in lens.readouts(asked, frame)]
        assert [(r["label"], r["value"], r["beside"], r["role"]) for r in theirs["readouts"]] == rows
        assert rows[0][0] == f"at step {min(max(step, 5), 24)}"
    moved = page.evaluate(
        "(state) => lens.drag('watch_reach', 'move', 11.4, 0, state, tables)", asked.as_dict()
    )
    assert moved == {"watch_step": 11}
    page.close()
