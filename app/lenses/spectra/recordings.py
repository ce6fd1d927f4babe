"""A reader's own trainings as lanes: recordings dropped on the page, and files that are followed while they grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from anisoscope.engine.records import Phase
from anisoscope.engine.spectra import SpectraRun, spectra_run

from ...errors import RequestError
from ...following import PAUSE, Followed, Look, read_dropped
from ...frame import Columns, Frame, Idle
from ...request import Request
from ...uploads import LARGEST_FILE, content_of, keep, name_of
from . import layers, nothing
from .choices import LANES
from .lanes import RECORDS
from .product import nothing_of
from .product_words import RECORDED
from .recorded_lane import AwaitedLane, Lane, RecordedLane, matrices_of, notes_of
from .timeline import Timeline
from .watched import followed

FURTHEST = 1_000_000
"""Largest step the dial can stand at."""


def opened(name: str, content: bytes, state: Mapping[str, Any]) -> dict[str, Any]:
    """All parameter values after a recording was dropped: it takes the first free lane, or the last one.

    Raises:
        RequestError: it is too large, no recording, or cut off before its header was whole.
    """
    if len(content) > LARGEST_FILE:
        most = f"must have at most {LARGEST_FILE // 1_000_000} MB; “anisoscope watch FILE” shows larger ones"
        raise RequestError("file", name, most)
    run, room = _read(name, content), LANES - len(followed(state["watch"]))
    if not room:
        raise RequestError("file", name, f"cannot join: {LANES} files are watched already, one in each lane")
    token = keep(name, content)
    taken = [place for place in RECORDS if state[place] == token]
    free = [place for place in RECORDS[:room] if not state[place]]
    place = (taken or free or [RECORDS[room - 1]])[0]
    last = int(run.steps.max()) if len(run.steps) else 0
    return {**state, place: token, "view": "training", "layer": 1, "step": min(last, FURTHEST), "exact": -1}


def frames(request: Request) -> Iterator[Frame | Idle]:
    """One picture of all recordings that are asked for, and a new one whenever a followed file has grown.

    Raises:
        RequestError: more recordings than lanes, a name that is not followed, or a file that is no recording.
    """
    files = followed(request["watch"])
    looks = [file.look() for file in files]
    lanes = _lanes(request, files, looks)
    if request["exact"] >= 0:
        # moving on along a long recording, the hand meets the rows the browser has; the exact one comes at rest
        yield _frame(Timeline(lanes, request.replace(exact=-1), None), request, (1, 2))
    timeline = Timeline(lanes, request, None)
    yield _frame(timeline, request)
    while files:
        yield Idle(PAUSE, outside=True)
        before, looks = looks, [file.look() for file in files]
        if all(one is other for one, other in zip(before, looks, strict=True)):
            continue
        lanes = _lanes(request, files, looks)
        if [lane.key for lane in lanes] == [lane.key for lane in timeline.lanes]:
            timeline.follow(lanes)
        else:
            timeline = Timeline(lanes, request, None)
        yield _frame(timeline, request)


def left_out(request: Request) -> bool:
    """Whether what was recorded at the step is not among the rows that the browser gets of a long recording."""
    try:
        lanes = lanes_of_recordings(request)
    except RequestError:
        # the frames that are asked for say what is wrong
        return False
    timeline = Timeline(lanes, request.replace(exact=-1), None)
    for k, lane in enumerate(lanes):
        row = max(0, int(np.searchsorted(lane.steps, request["step"], side="right")) - 1)
        if len(lane.steps) and row not in timeline.shown(k):
            return True
    return False


def lanes_of_recordings(request: Request) -> list[Lane]:
    """The recordings that are asked for, as they are now.

    Raises:
        RequestError: as `frames`.
    """
    files = followed(request["watch"])
    return _lanes(request, files, [file.look() for file in files])


def _lanes(
    request: Request, files: Sequence[Followed[SpectraRun]], looks: Sequence[Look[SpectraRun]]
) -> list[Lane]:
    """Followed files first, then dropped ones; lanes of one name are numbered."""
    lanes: list[Lane] = []
    for file, look in zip(files, looks, strict=True):
        key, title = (str(file.path), look.restarts), file.path.stem
        if look.run is None:
            lanes.append(AwaitedLane(key, title, f"waiting for {file.path.name}"))
        else:
            ended = look.phase is Phase.FINISHED
            lanes.append(RecordedLane(key, title, look.run, "done" if ended else "recording"))
    for place in RECORDS:
        if request[place]:
            run = _run_of(place, request[place])
            ended = any(entry.kind == "end" for entry in run.record.entries[-1:])
            title = PurePath(name_of(request[place])).stem
            lanes.append(RecordedLane(request[place], title, run, "done" if ended else "broken off"))
    if len(lanes) > LANES:
        raise RequestError("watch", request["watch"], f"at most {LANES} recordings, dropped ones included")
    titles = [lane.title for lane in lanes]
    for k, lane in enumerate(lanes):
        if titles.index(lane.title) < k:
            lane.title = f"{lane.title} {titles[: k + 1].count(lane.title)}"
    return lanes


def _frame(timeline: Timeline, request: Request, stage: tuple[int, int] = (1, 1)) -> Frame:
    lanes: Any = timeline.lanes
    tables: dict[str, Columns] = {**nothing.tables(), **timeline.tables()}
    tables |= layers.traces(timeline, request) | layers.rotation(timeline, request)
    facts = {**timeline.facts(), **timeline.end_facts()}
    facts |= {
        "reports": [],
        "ended": True,
        "device": "cpu",
        "dtype": "as recorded: singular values in float32, taken in float64",
        "problem_title": "recorded elsewhere",
        "loss_unit": "recorded as “loss”, mean of 9 records",
        "seconds_unit": "seconds since the recording began",
        **nothing_of(RECORDED).facts,
    }
    return Frame(tables, facts, stage, notes_of(lanes, timeline.matrix))


@lru_cache(maxsize=2 * LANES)
def _run_of(parameter: str, token: str) -> SpectraRun:
    return _read(name_of(token), content_of(parameter, token))


def _read(name: str, content: bytes) -> SpectraRun:
    return read_dropped(name, content, _checked, "SpectraRecorder")


def _checked(path: Path) -> SpectraRun:
    run = spectra_run(path)
    matrices_of(run)
    return run
