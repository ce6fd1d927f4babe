"""Reads back what was exported: a request.json, or the zip that holds one."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from pathlib import PurePath
from typing import Any

from ..errors import RequestError
from ..request import read_json
from ..uploads import LARGEST_DROP

# What zipfile and its decompressors raise for a file that is cut, altered or encrypted; ValueError is a
# negative offset or a name that is no text.
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ValueError,
    NotImplementedError,
    RuntimeError,
    OSError,
    EOFError,
)


def read_dropped(name: str, content: bytes) -> tuple[str, dict[str, Any]]:
    """Slug and parameters of a dropped file.

    Raises:
        RequestError: the file is neither, is damaged, or declares a size that no request has.
    """
    if PurePath(name).suffix.lower() == ".zip":
        content = _from_zip(name, content)
    if len(content) > LARGEST_DROP:
        raise RequestError("file", name, f"a request.json has at most {LARGEST_DROP // 1_000_000} MB")
    return read_json(content)


def _from_zip(name: str, content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entry = archive.getinfo("request.json")
            # Checked before a byte is unpacked: a small zip can declare gigabytes.
            if entry.file_size > LARGEST_DROP:
                raise RequestError("file", name, "its request.json is too large to be one")
            return archive.read(entry)
    except KeyError as error:
        raise RequestError(
            "file", name, "must be a zip that Export wrote: it holds no request.json"
        ) from error
    except RequestError:
        raise
    except DAMAGED as error:
        raise RequestError("file", name, f"is damaged ({error}); must be a zip that Export wrote") from error
