"""What the command does with recorded runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from .errors import CommandError

FORMATS = ("npz", "csv")


def export_recording(path: Path, out: Path, format: str) -> list[Path]:
    """Write a recorded run, finished or growing, as tables; the files that were written.

    Args:
        path: of the record.
        out: the file to write; CSV of spectra has a second one beside it, with "-metrics" in its name.
        format: of `FORMATS`.

    Raises:
        CommandError: naming the argument, when the record cannot be read or the file not be written.
    """
    if format not in FORMATS:
        raise CommandError(f"format = {format!r}: must be one of {', '.join(FORMATS)}")
    if out.is_dir():
        raise CommandError(
            f"output = {str(out)!r}: is a folder; name a file, such as {path.stem}.{format} in it"
        )
    if not out.resolve().parent.is_dir():
        raise CommandError(f"output = {str(out)!r}: its folder does not exist")
    if out.exists() and path.exists() and out.samefile(path):
        raise CommandError(f"output = {str(out)!r}: is the record itself; name another file")

    from anisoscope.engine.records import RecordError

    try:
        found = content(path)
        if found is not None and found not in _WRITERS:
            known = ", ".join(_WRITERS)
            raise CommandError(f"record = {str(path)!r}: records {found!r}; exported are {known}")
        write = _WRITERS[found or "spectra"](path, format)
    except RecordError as error:
        raise CommandError(f"record = {error}") from error
    except OSError as error:
        raise CommandError(f"record = {str(path)!r}: cannot be read ({error.strerror})") from error
    try:
        return write(out)
    except OSError as error:
        raise CommandError(f"output = {str(out)!r}: cannot be written ({error.strerror})") from error


def content(path: Path) -> str | None:
    """What a file records; None where it is not there, or holds no whole header yet.

    Raises:
        CommandError: it is no record, or cannot be read.
    """
    from anisoscope.engine.records import RecordError, content_of

    try:
        return content_of(path)
    except RecordError as error:
        raise CommandError(f"file = {error}; must be a recording") from error
    except OSError as error:
        raise CommandError(f"file = {str(path)!r}: cannot be read ({error.strerror})") from error


def _spectra(path: Path, format: str) -> Callable[[Path], list[Path]]:
    from anisoscope.engine.spectra import export_csv, export_npz, spectra_run

    run = spectra_run(path)
    _tell_damage(path, run.record.damaged)
    return lambda out: [export_npz(run, out)] if format == "npz" else list(export_csv(run, out))


def _ghosts(path: Path, format: str) -> Callable[[Path], list[Path]]:
    from anisoscope.engine.ghosts import export_radius_csv, export_radius_npz, radius_run

    run = radius_run(path)
    _tell_damage(path, run.record.damaged)
    return lambda out: [(export_radius_npz if format == "npz" else export_radius_csv)(run, out)]


def _tell_damage(path: Path, damaged: int) -> None:
    """The tables have no place for it."""
    if damaged:
        print(f"record = {str(path)!r}: {damaged} bytes are damaged and left out", file=sys.stderr)


_WRITERS = {"spectra": _spectra, "ghosts": _ghosts}
