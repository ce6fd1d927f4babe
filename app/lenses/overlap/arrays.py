"""The pulsar arrays of the lens: the lists it ships, an even one, and the list a reader brings."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from pathlib import PurePath

from anisoscope.engine.overlap.pulsars import (
    PulsarArray,
    PulsarFileError,
    position_warnings,
    read_csv,
    read_par_folder,
    uniform,
)

from ...errors import RequestError
from ...export.restore import DAMAGED
from ...uploads import content_of, name_of

SHIPPED = {
    "ng15": ("pulsars_ng15.csv", "NANOGrav 15-yr"),
    "epta": ("pulsars_epta_dr2.csv", "EPTA DR2"),
    "ppta": ("pulsars_ppta_dr3.csv", "PPTA DR3"),
    "ipta": ("pulsars_ipta_dr2.csv", "IPTA DR2"),
    "ng12p5": ("pulsars_ng12p5.csv", "NANOGrav 12.5-yr"),
}
ARRAYS = (*SHIPPED, "uniform", "own")

MOST_PULSARS = 500
"""124 750 pairs; more would not follow the hand."""

LARGEST_PAR = 1_000_000
"""Bytes of one timing model, unpacked."""

LARGEST_TOTAL = 50_000_000
"""Bytes of all of an archive's."""

MOST_ENTRIES = 2000
"""Files of an archive, or lines of a table."""

SHOWN_NAMES = 6


def array_of(kind: str, count: int, token: str) -> PulsarArray:
    """The array a request names.

    Args:
        kind: one of `ARRAYS`.
        count: pulsars of the even array.
        token: of the reader's list, where kind is "own".

    Raises:
        RequestError: an unknown kind, a count the even array cannot have, no list or one that cannot be read,
            with its file, row and column.
    """
    if kind in SHIPPED:
        return _shipped(kind)
    if kind == "uniform":
        return _uniform(count)
    if kind == "own":
        return own_array(token)
    raise RequestError("array", kind, f"must be one of {', '.join(ARRAYS)}", "ng15")


@lru_cache(maxsize=8)
def own_array(token: str) -> PulsarArray:
    """The pulsars of a kept file: a table, or a zip of .par files.

    Raises:
        RequestError: there is none, it is not here, or it cannot be read.
    """
    if not token:
        raise RequestError(
            "array", "own", "drop a list of pulsars on the page: a .csv, or a .zip of .par files", "ng15"
        )
    return parsed(name_of(token), content_of("pulsars", token))


def parsed(name: str, content: bytes) -> PulsarArray:
    """The pulsars of a file's content.

    Raises:
        RequestError: naming file, row and column.
    """
    archived = PurePath(name).suffix.lower() == ".zip"
    lines = content.count(b"\n")
    if not archived and lines > MOST_ENTRIES:
        raise RequestError("pulsars", name, f"has {lines} lines; at most {MOST_ENTRIES} are read")
    try:
        array = _from_zip(name, content) if archived else read_csv(content, name)
    except PulsarFileError as error:
        raise RequestError("pulsars", name, str(error)) from error
    if len(array.names) > MOST_PULSARS:
        raise RequestError(
            "pulsars", name, f"has {len(array.names)} pulsars; at most {MOST_PULSARS} are drawn live"
        )
    return array


@lru_cache(maxsize=16)
def notes_of(array: PulsarArray) -> tuple[str, ...]:
    """What a reader should know of the array: pulsars at one place, positions that contradict their names.

    The shipped lists were checked once, see assets/overlap/data/README.md.
    """
    shipped = array.source in {title for _, title in SHIPPED.values()}
    return array.notes if shipped else (*array.notes, *position_warnings(array))


@lru_cache(maxsize=len(SHIPPED))
def _shipped(kind: str) -> PulsarArray:
    file, title = SHIPPED[kind]
    source = resources.files("anisoscope.assets").joinpath("overlap", "data", file)
    array = read_csv(source.read_bytes(), file)
    # What the file says of its own columns and of the 68th pulsar is told in its README; a dropped file's
    # name keeps its ending, so none can pass for a shipped list.
    return replace(array, source=title, notes=())


@lru_cache(maxsize=16)
def _uniform(count: int) -> PulsarArray:
    if not 2 <= count <= MOST_PULSARS:
        nearest = min(max(count, 2), MOST_PULSARS)
        raise RequestError("count", count, f"must be from 2 to {MOST_PULSARS}", nearest)
    return uniform(count)


def _from_zip(name: str, content: bytes) -> PulsarArray:
    """The timing models of an archive. Sizes are checked before a byte is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            models = [entry for entry in entries if is_model(entry.filename)]
            _check_sizes(name, entries, models)
            texts = {entry.filename: archive.read(entry) for entry in models}
    except RequestError:
        raise
    except DAMAGED as error:
        raise RequestError("pulsars", name, f"is damaged ({error}); must be a zip of .par files") from error
    array = read_par_folder(texts)
    others = [entry.filename for entry in entries if entry not in models]
    left_out = (f"left out, not .par files: {listed(others)}",) if others else ()
    return replace(array, notes=(*left_out, *array.notes))


def is_model(entry: str) -> bool:
    """Whether an entry of an archive is a timing model; Finder's twins ("__MACOSX/._a.par") are not."""
    path = PurePath(entry)
    return path.suffix.lower() == ".par" and not path.name.startswith("._")


def listed(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    every = list(names)
    rest = len(every) - SHOWN_NAMES
    return ", ".join(every[:SHOWN_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def _check_sizes(name: str, entries: list[zipfile.ZipInfo], models: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_ENTRIES:
        raise RequestError("pulsars", name, f"holds {len(entries)} files; at most {MOST_ENTRIES} are read")
    if not models:
        found = listed(entry.filename for entry in entries) or "nothing"
        raise RequestError("pulsars", name, f"must hold .par files; it holds {found}")
    if len(models) > MOST_PULSARS:
        raise RequestError(
            "pulsars", name, f"holds {len(models)} .par files; at most {MOST_PULSARS} are read"
        )
    for entry in models:
        if entry.file_size > LARGEST_PAR:
            raise RequestError(
                "pulsars",
                name,
                f"{entry.filename} unpacks to {entry.file_size} bytes; a .par file has at most {LARGEST_PAR}",
            )
    total = sum(entry.file_size for entry in models)
    if total > LARGEST_TOTAL:
        raise RequestError("pulsars", name, f"unpacks to {total} bytes; at most {LARGEST_TOTAL} are read")
    names = [entry.filename for entry in models]
    twice = next((entry for entry in names if names.count(entry) > 1), None)
    if twice is not None:
        raise RequestError("pulsars", name, f"{twice} is in it more than once; each file once is needed")
