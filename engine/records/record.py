"""The run record: an append-only file of named arrays, readable while it is written and after a crash.

All integers and arrays are little-endian. A file is eight bytes of signature, then frames:

    marker    4 bytes  "ANIf"
    length    4 bytes  of the payload, a multiple of 8
    checksum  4 bytes  CRC-32 of length and payload
    (zero)    4 bytes  so that payloads lie on multiples of 8
    payload            4 bytes length of a JSON object, the object in UTF-8, zeros up to a multiple of 8,
                       then the arrays one after another, each filled up to a multiple of 8

The JSON object holds "kind", "arrays": [[name, dtype, shape], …] and whatever fields the writer adds. The first
frame has kind "header", no arrays, and the fields "format" (version of this layout), "content" (what the run
recorded) and "content_version". Nothing is ever rewritten: a frame cut off at the end is ignored.
"""

import json
import math
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

SIGNATURE = b"\x89ANI\r\n\x1a\n"  # a byte no text has, and both line ends: copying as text shows
MARKER = b"ANIf"
FRAME = struct.Struct("<4sIII")
FORMAT = 1
DTYPES = frozenset({"float32", "float64", "int32", "int64", "uint8"})


class RecordError(ValueError):
    """A file that cannot be read as a run record; the message names the file and why."""

    def __init__(self, path: str | os.PathLike[str], why: str):
        self.path = Path(path)
        super().__init__(f"{os.fspath(path)}: {why}")


class ForeignRecord(RecordError):
    """Not a run record at all, one of a newer format, or one whose inside is not what the format says."""


class UnfinishedRecord(RecordError):
    """A run record so short that its header is not there yet: nothing was recorded."""


@dataclass(frozen=True)
class Entry:
    """One record: its kind, its fields (JSON values), its arrays by name (read-only)."""

    kind: str
    fields: dict[str, Any]
    arrays: dict[str, np.ndarray]


@dataclass(frozen=True)
class RunRecord:
    """What a file holds.

    header: fields of the first frame. entries: in the order written. end: offset behind the last whole
    frame; pass it as `start` to read on. incomplete: bytes behind it, of a record being written or cut off.
    damaged: bytes skipped between whole frames; not zero only when the disk or a copy went wrong.
    """

    path: Path
    header: dict[str, Any]
    entries: tuple[Entry, ...]
    end: int
    incomplete: int
    damaged: int

    def of_kind(self, kind: str) -> list[Entry]:
        """The entries of one kind."""
        return [entry for entry in self.entries if entry.kind == kind]


class RecordWriter:
    """Appends records to a file; each goes to the operating system whole before `append` returns.

    A process that is killed loses at most the record it is writing. Power cuts are the file system's matter.

    Args:
        path: of the file.
        header: JSON fields; "content" (a word) and "content_version" (an integer) belong in it.
        mode: "x" refuses a file that exists, "w" replaces it, "a" goes on with a record: the header must be
            the same, a tail cut off is removed first.

    Raises:
        FileExistsError: in mode "x".
        OSError: when the file cannot be opened, or the disk is full.
        RecordError: in mode "a", on a file that is no record, or whose header is another or damaged.
        ValueError: on an unknown mode, or a header that is not JSON.
    """

    def __init__(self, path: str | os.PathLike[str], header: Mapping[str, Any], mode: str = "x"):
        if mode not in ("x", "w", "a"):
            raise ValueError(f"mode is {mode!r}: 'x', 'w' or 'a' is needed")
        self.path = Path(path)
        first = _frame("header", {"format": FORMAT, **header}, {})
        goes_on = mode == "a" and self.path.exists()
        end = _end_of_same_run(self.path, first) if goes_on else 0
        kind = "r+b" if goes_on else mode.replace("a", "x") + "b"
        self._file = open(self.path, kind, buffering=0)  # noqa: SIM115 - open as long as the writer is
        try:
            if goes_on:
                self._file.truncate(end)
                self._file.seek(end)
            if not end:
                self._write(SIGNATURE + first)
        except OSError:
            self._file.close()
            raise

    def append(self, kind: str, fields: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> int:
        """Writes one record; the number of bytes it took.

        Raises:
            ValueError: on fields that are not JSON (NaN is not; use an array), or a dtype outside DTYPES.
            OSError: when the disk is full or gone; what was written before stays readable.
        """
        frame = _frame(kind, fields, arrays)
        self._write(frame)
        return len(frame)

    def close(self) -> None:
        """Closes the file; a second call does nothing."""
        self._file.close()

    def __enter__(self) -> "RecordWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            # a raw file may take less than it is given
            view = view[self._file.write(view) :]


def read_record(path: str | os.PathLike[str], start: int | None = None) -> RunRecord:
    """Reads a run record, finished, growing, or cut off by a crash.

    Args:
        path: of the file.
        start: `end` of an earlier reading: only what came after is returned.

    Returns:
        RunRecord; a half-written last record is left out and counted in `incomplete`.

    Raises:
        FileNotFoundError: when there is none.
        ForeignRecord: naming the file, on anything that is not a run record, or one of a newer format.
        UnfinishedRecord: naming the file, when not even the header is whole.
        ValueError: on a start outside the file.
    """
    path = Path(path)
    with open(path, "rb") as file:
        _check_signature(path, file)
        header, first = _read_header(path, file)
        size = os.fstat(file.fileno()).st_size
        begin = first if start is None else start
        if not first <= begin <= size:
            raise ValueError(f"start is {start}: an offset from {first} to {size} of {path} is needed")
        file.seek(begin)
        data = file.read(size - begin)
    entries, end, damaged = [], 0, 0
    for at, payload, behind in _frames(data):
        entries.append(_entry(path, payload))
        damaged += at - end
        end = behind
    return RunRecord(path, header, tuple(entries), begin + end, len(data) - end, damaged)


def read_header(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Fields of a record's first frame; nothing behind it is read.

    Raises:
        FileNotFoundError, ForeignRecord, UnfinishedRecord: as `read_record`.
    """
    path = Path(path)
    with open(path, "rb") as file:
        _check_signature(path, file)
        return _read_header(path, file)[0]


def _check_signature(path: Path, file: BinaryIO) -> None:
    if not SIGNATURE.startswith(file.read(len(SIGNATURE))):
        raise ForeignRecord(path, "is not a run record: its first bytes are not the signature")


def _read_header(path: Path, file: BinaryIO) -> tuple[dict[str, Any], int]:
    """Fields of the first frame, and the offset behind it; the file stands behind the signature."""
    top = file.read(FRAME.size)
    if len(top) == FRAME.size:
        length = FRAME.unpack(top)[1]
        rest = os.fstat(file.fileno()).st_size - file.tell()
        # a length beyond the file is not worth its memory
        found = next(_frames(top + file.read(min(length, rest))), None)
        if found and found[0] == 0:
            entry = _entry(path, found[1])
            version = entry.fields.get("format")
            if entry.kind != "header" or not isinstance(version, int):
                raise ForeignRecord(path, "has no header in its first frame")
            if version > FORMAT:
                raise ForeignRecord(path, f"has format {version}; this version reads up to {FORMAT}")
            return entry.fields, len(SIGNATURE) + found[2]
        # what is followed by whole records was whole itself
        if found or top[:4] != MARKER or length <= rest:
            raise ForeignRecord(path, "begins like a run record, but its header is damaged")
    raise UnfinishedRecord(path, "holds no whole header yet: nothing was recorded")


def _frames(data: bytes) -> Iterator[tuple[int, memoryview, int]]:
    """(offset, payload, offset behind) of every whole frame; what lies between damaged ones is passed over."""
    view, at = memoryview(data), data.find(MARKER)
    while at >= 0 and at + FRAME.size <= len(data):
        _, length, checksum, _ = FRAME.unpack_from(data, at)
        payload = view[at + FRAME.size : at + FRAME.size + length]
        whole = len(payload) == length
        if whole and checksum == zlib.crc32(payload, zlib.crc32(data[at + 4 : at + 8])):
            yield at, payload, at + FRAME.size + length
            at = data.find(MARKER, at + FRAME.size + length)
        else:
            at = data.find(MARKER, at + 1)


def _frame(kind: str, fields: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    described, blocks = [], []
    for name, values in arrays.items():
        values = np.asarray(values)
        if values.dtype.name not in DTYPES:
            raise ValueError(f"array {name} is {values.dtype.name}: one of {sorted(DTYPES)} is needed")
        described.append([name, values.dtype.name, list(values.shape)])
        blocks.append(_padded(values.astype(values.dtype.newbyteorder("<"), order="C").tobytes()))
    text = json.dumps(
        {**fields, "kind": kind, "arrays": described}, allow_nan=False, separators=(",", ":")
    ).encode()
    payload = b"".join([_padded(struct.pack("<I", len(text)) + text), *blocks])
    length = struct.pack("<I", len(payload))
    return FRAME.pack(MARKER, len(payload), zlib.crc32(payload, zlib.crc32(length)), 0) + payload


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 8)


def _entry(path: Path, payload: memoryview) -> Entry:
    """A payload taken apart; every declared size is checked against what is there."""
    try:
        (length,) = struct.unpack_from("<I", payload)
        fields = json.loads(bytes(payload[4 : 4 + length]))
        kind, described = fields.pop("kind"), fields.pop("arrays")
        arrays, at = {}, 4 + length + -(4 + length) % 8
        for name, dtype, shape in described:
            if dtype not in DTYPES or not all(isinstance(n, int) and n >= 0 for n in shape):
                raise ValueError(f"array {name!r} is {dtype} {shape}")
            count = math.prod(shape)
            kept = np.dtype(dtype).newbyteorder("<")
            # NumPy refuses to see nothing at the end of a buffer
            values = np.frombuffer(payload, kept, count, at) if count else np.empty(0, kept)
            arrays[str(name)] = values.reshape(shape)
            at += values.nbytes + -values.nbytes % 8
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        struct.error,
        RecursionError,
        OverflowError,
    ) as error:
        raise ForeignRecord(path, f"holds a record that is not of this format: {error}") from error
    return Entry(str(kind), fields, arrays)


def _end_of_same_run(path: Path, first: bytes) -> int:
    """Offset behind the last whole record of a file with the same header; 0 when the header is not whole."""
    try:
        found = read_record(path)
    except UnfinishedRecord:
        return 0
    with open(path, "rb") as file:
        if file.read(len(SIGNATURE) + len(first)) != SIGNATURE + first:
            raise ForeignRecord(path, "holds another run: its header differs")
    return found.end
