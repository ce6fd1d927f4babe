"""`anisoscope watch`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from . import recording
from .errors import CommandError
from .serving import check_address, has_screen

if TYPE_CHECKING:
    from ..lens import Lens

UNTOLD = "spectra"
"""What a file is taken for that is not there yet, and whose ending no lens claims."""


def watch(asked: argparse.Namespace) -> int:
    """Show recordings while they grow until interrupted, or write one as tables."""
    if asked.export is not None:
        return _export(asked.files, asked.export)
    for path in asked.files:
        if path.is_dir():
            raise CommandError(f"file = {str(path)!r}: is a folder; name the recording in it")
    check_address(asked.host, asked.port)
    from .. import serve
    from ..following import SEPARATOR

    lens, files = _lens_for(asked.files), dict.fromkeys(asked.files)
    assert lens.records is not None
    if len(files) > lens.records.most:
        raise CommandError(f"files = {len(files)}: at most {lens.records.most} recordings are shown at once")
    for path in files:
        _look(path, lens)
    names = SEPARATOR.join(dict.fromkeys(map(lens.following().register, files)))
    page = f"{lens.slug}?{urlencode({'watch': names, **lens.records.opening}, safe=SEPARATOR)}"
    open_browser = not asked.no_browser and has_screen()
    serve([lens.slug], host=asked.host, port=asked.port, open_browser=open_browser, page=page)
    return 0


def _lens_for(files: list[Path]) -> Lens:
    """The lens that shows what is in these files, or will be by their names."""
    from ..registry import lens_class, lens_entries

    classes = [lens_class(slug) for slug, entry in lens_entries().items() if entry.error is None]
    lenses = {found.records.content: found for found in classes if found.records is not None}
    endings = {found.records.ending: content for content, found in lenses.items() if found.records}
    contents: dict[str, Path] = {}
    for path in files:
        content = recording.content(path) or endings.get(path.suffix.lower(), UNTOLD)
        if content not in lenses:
            raise CommandError(
                f"file = {str(path)!r}: records {content!r}; shown are {', '.join(sorted(lenses))}"
            )
        contents.setdefault(content, path)
    if len(contents) > 1:
        said = ", ".join(f"{path.name} is of {content}" for content, path in contents.items())
        raise CommandError(f"files: {said}; recordings of one kind are shown at once")
    return lenses[next(iter(contents))]()


def _look(path: Path, lens: Lens) -> None:
    """Say what is waited for; refuse a file that is no recording."""
    from anisoscope.engine.records import RecordError

    follower = lens.following().follower(path)
    assert lens.records is not None
    try:
        follower.poll()
    except RecordError as error:
        writer = lens.records.writer
        raise CommandError(f"file = {error}; must be a recording as {writer} writes it") from error
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
