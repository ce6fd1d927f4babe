"""Records of radii: followed while they grow, dropped on the page, or the example that the lens ships."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import resources
from pathlib import PurePath
from typing import NamedTuple

from anisoscope.engine.ghosts import RadiusFollower, RadiusRun, radius_run
from anisoscope.engine.records import Phase

from ...errors import RequestError
from ...following import Followed, Following, Look, read_dropped
from ...request import Request
from ...uploads import LARGEST_FILE, content_of, keep, name_of

FOLLOWING: Following[RadiusRun] = Following(RadiusFollower)

WRITER = "RadiusRecorder"


class Watched(NamedTuple):
    """One record as it is now. run: None while it is waited for. look: what was seen of a file that is followed."""

    title: str
    run: RadiusRun | None
    status: str
    look: Look[RadiusRun] | None = None


def followed(request: Request) -> Followed[RadiusRun] | None:
    """The file that is followed, None where none is.

    Raises:
        RequestError: a name that is not followed, or several.
    """
    files = FOLLOWING.followed(request["watch"])
    if len(files) > 1:
        raise RequestError("watch", request["watch"], "one record of radii is shown at a time", files[0].name)
    return files[0] if files else None


def watched(request: Request) -> Watched:
    """The record that a request asks for.

    Raises:
        RequestError: it is none, or not here.
    """
    file = followed(request)
    if file is not None:
        look = file.look()
        if look.run is None:
            return Watched(file.path.stem, None, f"waiting for {file.path.name}", look)
        status = "finished" if look.phase is Phase.FINISHED else "recording"
        return Watched(file.path.stem, look.run, status, look)
    if request["watch_record"]:
        run = _dropped(request["watch_record"])
        ended = any(entry.kind == "end" for entry in run.record.entries[-1:])
        title = PurePath(name_of(request["watch_record"])).stem
        return Watched(title, run, "finished" if ended else "broken off")
    return Watched("example", example(), "finished")


def opened(name: str, content: bytes) -> dict[str, object]:
    """Parameter values after a record was dropped.

    Raises:
        RequestError: it is too large or no record of radii.
    """
    if len(content) > LARGEST_FILE:
        most = f"must have at most {LARGEST_FILE // 1_000_000} MB; “anisoscope watch FILE” shows larger ones"
        raise RequestError("file", name, most)
    read_dropped(name, content, radius_run, WRITER)
    return {"view": "watch", "watch": "", "watch_record": keep(name, content)}


@lru_cache(maxsize=2)
def _dropped(token: str) -> RadiusRun:
    return read_dropped(name_of(token), content_of("watch_record", token), radius_run, WRITER)


@cache
def example() -> RadiusRun:
    """The record that `watch_example.py` writes."""
    with resources.as_file(resources.files("anisoscope.assets") / "ghosts" / "example.radius") as path:
        return radius_run(path)
