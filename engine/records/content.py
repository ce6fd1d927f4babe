"""What kind of run a record holds."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .record import ForeignRecord, UnfinishedRecord, read_header


def content_of(path: str | os.PathLike[str]) -> str | None:
    """The word in a record's header that says what was recorded, such as "spectra"; None before there is one.

    A file that is not there yet, or holds no whole header, has none. Reads the header alone.

    Raises:
        ForeignRecord: naming the file, on anything that is not a run record, or one whose header has no such word.
        OSError: when the file cannot be read.
    """
    try:
        header = read_header(path)
    except (FileNotFoundError, UnfinishedRecord):
        return None
    content = header.get("content")
    if not isinstance(content, str):
        raise ForeignRecord(path, f"says of its content {content!r}: a word is needed")
    return content


def check_content(path: Path, header: Mapping[str, Any], content: str, version: int) -> None:
    """Refuses a record of something else.

    Raises:
        ForeignRecord: naming the file, what it records and what is needed.
    """
    found, its_version = header.get("content"), header.get("content_version")
    if found != content or its_version != version:
        raise ForeignRecord(
            path, f"records {found!r}, version {its_version}: {content!r} {version} is needed"
        )
