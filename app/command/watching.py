"""`anisoscope watch`."""

from __future__ import annotations

import argparse
from pathlib import Path
from urllib.parse import urlencode

from . import recording
from .errors import CommandError
from .serving import check_address, has_screen

LANES = 4
"""Recordings that the lens shows at once."""

END = 1_000_000
"""A step behind every record: the page begins at the newest and stays there."""


def watch(asked: argparse.Namespace) -> int:
    """Show recordings while they grow until interrupted, or write one as tables."""
    if asked.export is not None:
        return _export(asked.files, asked.export)
    if len(asked.files) > LANES:
        raise CommandError(f"files = {len(asked.files)}: at most {LANES} recordings are shown at once")
    for path in asked.files:
        if path.is_dir():
            raise CommandError(f"file = {str(path)!r}: is a folder; name the recording in it")
    check_address(asked.host, asked.port)
    from .. import serve
    from ..lenses.spectra.watched import SEPARATOR, register

    for path in asked.files:
        _look(path)
    names = SEPARATOR.join(dict.fromkeys(map(register, asked.files)))
    page = f"spectra?{urlencode({'watch': names, 'step': END}, safe=SEPARATOR)}"
    open_browser = not asked.no_browser and has_screen()
    serve(["spectra"], host=asked.host, port=asked.port, open_browser=open_browser, page=page)
    return 0


def _look(path: Path) -> None:
    """Say what is waited for; refuse a file that is no recording."""
    from anisoscope.engine.records import RecordError
    from anisoscope.engine.spectra import RunFollower

    follower = RunFollower(path)
    try:
        follower.poll()
    except RecordError as error:
        raise CommandError(f"file = {error}; must be a recording as SpectraRecorder writes it") from error
    except OSError as error:
        raise CommandError(f"file = {str(path)!r}: cannot be read ({error.strerror})") from error
    print(follower.status, flush=True)


def _export(files: list[Path], out: Path) -> int:
    """Write a recording as NPZ or CSV, told by the ending; prints what was written."""
    if len(files) > 1:
        raise CommandError(f"files = {len(files)}: one recording is exported at a time")
    format = out.suffix.lower().removeprefix(".")
    if format not in recording.FORMATS:
        endings = " or ".join(f".{ending}" for ending in recording.FORMATS)
        raise CommandError(f"export = {str(out)!r}: must end in {endings}")
    for path in recording.export_recording(files[0], out, format):
        print(path)
    return 0
