"""What the command does with recorded runs."""

from __future__ import annotations

from pathlib import Path

from .errors import CommandError

FORMATS = ("npz", "csv")


def export_recording(path: Path, out: Path, format: str) -> list[Path]:
    """Write a recorded run, finished or growing, as tables; the files that were written.

    Args:
        path: of the record.
        out: the file to write; CSV has a second one beside it, with "-metrics" in its name.
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
    from anisoscope.engine.spectra import export_csv, export_npz, spectra_run

    try:
        run = spectra_run(path)
    except RecordError as error:
        raise CommandError(f"record = {error}") from error
    except OSError as error:
        raise CommandError(f"record = {str(path)!r}: cannot be read ({error.strerror})") from error
    try:
        return [export_npz(run, out)] if format == "npz" else list(export_csv(run, out))
    except OSError as error:
        raise CommandError(f"output = {str(out)!r}: cannot be written ({error.strerror})") from error
