"""Records that this process follows while they grow, by short names.

The command registers files; links and parameters hold names alone, so that nobody reads another file of the machine.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

import numpy as np

from anisoscope.engine.records import Phase, RecordError, RecordFollower
from anisoscope.engine.records.follow import Found

from .errors import RequestError

LONGEST = 40
SEPARATOR = ","

PAUSE = 0.05
"""Seconds between two looks at files that are followed."""


@dataclass(frozen=True)
class Look(Generic[Found]):
    """A followed file as it is now; the same object as long as nothing changes.

    run: None before there is one. restarts: how often another run took the file's place.
    """

    run: Found | None
    phase: Phase
    restarts: int


class Followed(Generic[Found]):
    """One file, read once for all pages that show it. Threads may share it: pages compute on one, exports on others."""

    def __init__(self, name: str, follower: RecordFollower[Found], check: Callable[[Found], object]) -> None:
        self.name, self.path = name, follower.path
        self._follower, self._check = follower, check
        self._lock = threading.Lock()
        self._look: Look[Found] = Look(None, Phase.WAITING, 0)

    def look(self) -> Look[Found]:
        """What the file holds now.

        Raises:
            RequestError: naming the file, when it is no record of this kind or cannot be read.
        """
        with self._lock:
            follower = self._follower
            try:
                news = follower.poll()
                # At each look: what was refused once is not handed out at the next.
                if follower.run is not None:
                    self._check(follower.run)
            except RecordError as error:
                raise RequestError("watch", self.path.name, why(error)) from error
            except OSError as error:
                raise RequestError("watch", self.path.name, f"cannot be read ({error.strerror})") from error
            if news is not None or follower.phase is not self._look.phase:
                self._look = Look(follower.run, follower.phase, follower.restarts)
            return self._look


class Following(Generic[Found]):
    """The files of one kind that this process follows.

    Args:
        follower: makes the follower of a path.
        check: raises a ForeignRecord where a run cannot be shown.
    """

    def __init__(
        self,
        follower: Callable[[Path], RecordFollower[Found]],
        check: Callable[[Found], object] = lambda run: None,
    ) -> None:
        self.follower, self._check = follower, check
        self._followed: dict[str, Followed[Found]] = {}
        self._registering = threading.Lock()

    def register(self, path: Path) -> str:
        """Follow a file from now on; the name by which pages ask for it. The same file keeps its name."""
        path = path.absolute()
        plain = re.sub(r"[^\w.-]+", "-", path.stem).strip("-.")[:LONGEST] or "run"
        with self._registering:
            for name, known in self._followed.items():
                if known.path == path:
                    return name
            name, count = plain, 1
            while name in self._followed:
                count += 1
                name = f"{plain}-{count}"
            self._followed[name] = Followed(name, self.follower(path), self._check)
        return name

    def followed(self, names: str) -> list[Followed[Found]]:
        """The files behind the value of the parameter `watch`, each once.

        Raises:
            RequestError: a name is not of a file that this process follows.
        """
        asked = dict.fromkeys(name for name in names.split(SEPARATOR) if name)
        for name in asked:
            if name not in self._followed:
                known = (
                    f"followed are {', '.join(self._followed)}"
                    if self._followed
                    else "this server follows none"
                )
                allowed = f"must be names of recordings that “anisoscope watch FILE” follows; {known}"
                raise RequestError("watch", name, allowed)
        return [self._followed[name] for name in asked]


def read_dropped(name: str, content: bytes, read: Callable[[Path], Found], writer: str) -> Found:
    """The run in the content of a dropped record.

    Args:
        name: of the file.
        content: its bytes.
        read: makes the run of a path, or raises a RecordError.
        writer: what writes such records, for the error.

    Raises:
        RequestError: naming the file and what is wrong with it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dropped"
        path.write_bytes(content)
        try:
            return read(path)
        except RecordError as error:
            allowed = f"must be a recording as {writer} writes it, whole or cut off behind its header"
            raise RequestError("file", name, f"{why(error)}; {allowed}") from error


def why(error: RecordError) -> str:
    """What is wrong with a file, without its path, which is the server's."""
    return str(error).removeprefix(f"{error.path}: ")


def standing(steps: np.ndarray) -> np.ndarray | None:
    """Rows that no later row with an equal or earlier step replaces; None for all of them."""
    if len(steps) < 2 or (np.diff(steps) > 0).all():
        return None
    following = np.minimum.accumulate(steps[::-1])[::-1][1:]
    return np.flatnonzero(np.append(steps[:-1] < following, True))
