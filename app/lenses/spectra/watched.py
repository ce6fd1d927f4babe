"""Recordings that this process follows, by short names.

The command registers files; links and parameters hold names alone, so that nobody reads another file of the machine.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path

from anisoscope.engine.records import Phase, RecordError
from anisoscope.engine.spectra import RunFollower, SpectraRun

from ...errors import RequestError
from .recorded_lane import matrices_of

LONGEST = 40
SEPARATOR = ","


@dataclass(frozen=True)
class Look:
    """A followed file as it is now; the same object as long as nothing changes.

    run: None before there is one. restarts: how often another run took the file's place.
    """

    run: SpectraRun | None
    phase: Phase
    restarts: int


class Followed:
    """One file, read once for all pages that show it. Threads may share it: pages compute on one, exports on others."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self._follower = RunFollower(path)
        self._lock = threading.Lock()
        self._look = Look(None, Phase.WAITING, 0)

    def look(self) -> Look:
        """What the file holds now.

        Raises:
            RequestError: naming the file, when it is no recording or cannot be read.
        """
        with self._lock:
            follower = self._follower
            try:
                news = follower.poll()
                if news is not None:
                    matrices_of(news)
            except RecordError as error:
                raise RequestError("watch", self.path.name, why(error)) from error
            except OSError as error:
                raise RequestError("watch", self.path.name, f"cannot be read ({error.strerror})") from error
            if news is not None or follower.phase is not self._look.phase:
                self._look = Look(follower.run, follower.phase, follower.restarts)
            return self._look


_followed: dict[str, Followed] = {}
_registering = threading.Lock()


def register(path: Path) -> str:
    """Follow a file from now on; the name by which pages ask for it. The same file keeps its name."""
    path = path.absolute()
    plain = re.sub(r"[^\w.-]+", "-", path.stem).strip("-.")[:LONGEST] or "run"
    with _registering:
        for name, known in _followed.items():
            if known.path == path:
                return name
        name, count = plain, 1
        while name in _followed:
            count += 1
            name = f"{plain}-{count}"
        _followed[name] = Followed(name, path)
    return name


def followed(names: str) -> list[Followed]:
    """The files behind the value of the parameter `watch`, each once.

    Raises:
        RequestError: a name is not of a file that this process follows.
    """
    asked = dict.fromkeys(name for name in names.split(SEPARATOR) if name)
    for name in asked:
        if name not in _followed:
            known = f"followed are {', '.join(_followed)}" if _followed else "this server follows none"
            allowed = f"must be names of recordings that “anisoscope watch FILE” follows; {known}"
            raise RequestError("watch", name, allowed)
    return [_followed[name] for name in asked]


def why(error: RecordError) -> str:
    """What is wrong with a file, without its path, which is the server's."""
    return str(error).removeprefix(f"{error.path}: ")
