"""Following a recording of spectra while it is written, by another process or this one."""

import os

from ..records import RecordFollower
from .run import SpectraRun
from .tables import SpectraTables


class RunFollower(RecordFollower[SpectraRun]):
    """Reads what a growing recording gained since the last look, see `RecordFollower`.

        follower = RunFollower("run.spec")
        while watching:
            if (run := follower.poll()) is not None:
                show(run)

    Args:
        path: of the file; none need be there.
    """

    def __init__(self, path: str | os.PathLike[str]):
        super().__init__(path, SpectraTables)

    def remark(self, run: SpectraRun) -> str:
        return f", {run.dropped} dropped" if run.dropped else ""
