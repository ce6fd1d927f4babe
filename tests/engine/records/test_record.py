"""The record file: what is written comes back, from a growing, cut, damaged or foreign file too."""

import gc
import os
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anisoscope.engine.records import (
    ForeignRecord,
    RecordError,
    RecordWriter,
    UnfinishedRecord,
    content_of,
    read_record,
    replacing,
)
from anisoscope.engine.records.record import FRAME, MARKER, SIGNATURE

HEADER = {"content": "radii", "content_version": 3, "names": ["a", "β"]}


def arrays(index: int) -> dict[str, np.ndarray]:
    return {
        "radius": np.linspace(0, index, 5, dtype=np.float32),
        "table": np.arange(6.0).reshape(2, 3).T * index,
        "flags": np.array([0, 255, index], dtype=np.uint8),
        "nothing": np.zeros((0, 4), dtype=np.int64),
        "odd": np.array([np.nan, np.inf, -0.0]),
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A record of four entries."""
    with RecordWriter(tmp_path / "run.spec", HEADER) as writer:
        for index in range(4):
            writer.append("step", {"step": index, "note": "β"}, arrays(index))
    return tmp_path / "run.spec"


def steps(path: Path, start: int | None = None) -> list[int]:
    return [entry.fields["step"] for entry in read_record(path, start).entries]


def test_round_trip(path: Path) -> None:
    record = read_record(path)
    assert record.header == {"format": 1, **HEADER}
    assert (record.end, record.incomplete, record.damaged) == (path.stat().st_size, 0, 0)
    assert len(record.of_kind("step")) == 4 and not record.of_kind("other")
    for index, entry in enumerate(record.entries):
        assert entry.kind == "step" and entry.fields == {"step": index, "note": "β"}
        for name, wanted in arrays(index).items():
            np.testing.assert_array_equal(entry.arrays[name], wanted)
            assert entry.arrays[name].dtype == wanted.dtype and entry.arrays[name].shape == wanted.shape


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=4), st.binary(max_size=12))
def test_any_bytes_even_markers(
    tmp_path_factory: pytest.TempPathFactory, blobs: list[bytes], end: bytes
) -> None:
    """Payloads that look like frames do not confuse the reader, nor does rubbish behind the end."""
    path = tmp_path_factory.mktemp("any") / "run.spec"
    blobs = [*blobs, MARKER + b"\x04\0\0\0" + MARKER]
    with RecordWriter(path, HEADER) as writer:
        for blob in blobs:
            writer.append("blob", {}, {"b": np.frombuffer(blob, np.uint8)})
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + end)
    record = read_record(path)
    assert [entry.arrays["b"].tobytes() for entry in record.entries] == blobs
    assert (record.end, record.incomplete, record.damaged) == (size, len(end), 0)


def test_cut_at_every_byte_loses_the_cut_record_only(path: Path, tmp_path: Path) -> None:
    """Every length of the file: all records that are whole come back; before the header, a typed error."""
    data = path.read_bytes()
    with RecordWriter(tmp_path / "empty", HEADER):
        pass
    first = (tmp_path / "empty").stat().st_size
    ends = [read_record(path).end]
    cut = tmp_path / "cut.spec"
    for length in range(len(data) - 1, -1, -1):
        cut.write_bytes(data[:length])
        if length < first:
            with pytest.raises(UnfinishedRecord, match=r"cut\.spec: holds no whole header"):
                read_record(cut)
            continue
        record = read_record(cut)
        assert record.incomplete == length - record.end
        assert record.damaged == 0
        if record.end != ends[-1]:
            ends.append(record.end)
        assert [entry.fields["step"] for entry in record.entries] == list(range(5 - len(ends)))
    # one record after the other went, each only when its own last byte was missing
    assert ends[-1] == first and len(ends) == 5


def test_one_wrong_byte_costs_one_record(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    # the third frame: header and first step come before it
    begin = data.find(MARKER, data.find(MARKER, data.find(MARKER) + 1) + 1)
    end = data.find(MARKER, begin + 1)
    broken = tmp_path / "broken.spec"
    for at in range(begin, end):
        broken.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        found = read_record(broken)
        # the four bytes of zero are not looked at
        if begin + 12 <= at < begin + 16:
            assert len(found.entries) == 4
        else:
            assert [entry.fields["step"] for entry in found.entries] == [0, 2, 3]
            assert found.damaged == end - begin


def test_reading_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "run.spec"
    with RecordWriter(path, HEADER) as writer:
        end = read_record(path).end
        for index in range(3):
            size = writer.append("step", {"step": index}, arrays(index))
            record = read_record(path, end)
            assert [entry.fields["step"] for entry in record.entries] == [index]
            assert record.end == end + size
            end = record.end
    assert read_record(path, end).entries == ()
    for start in (0, end + 1):
        with pytest.raises(ValueError, match=f"start is {start}"):
            read_record(path, start)


@pytest.mark.parametrize("lost", [0, 1, 50])
def test_going_on_after_a_crash(path: Path, lost: int) -> None:
    os.truncate(path, path.stat().st_size - lost)
    with RecordWriter(path, HEADER, mode="a") as writer:
        writer.append("step", {"step": 9}, {})
    assert steps(path) == [0, 1, 2, *([] if lost else [3]), 9]
    assert read_record(path).damaged == 0


def test_modes(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        RecordWriter(path, HEADER)
    with pytest.raises(ForeignRecord, match="its header differs"):
        RecordWriter(path, {**HEADER, "content_version": 4}, mode="a")
    with pytest.raises(ValueError, match="mode is 'r'"):
        RecordWriter(path, HEADER, mode="r")
    assert path.read_bytes() == before
    os.truncate(path, 11)
    for mode in ("a", "w"):
        with RecordWriter(path, HEADER, mode=mode) as writer:
            writer.append("step", {"step": 5}, {})
        assert steps(path)[-1:] == [5]
    with RecordWriter(tmp_path / "new", HEADER, mode="a"):
        pass
    assert read_record(tmp_path / "new").entries == ()


def test_a_damaged_header_is_not_taken_for_the_beginning_of_one(path: Path) -> None:
    """One wrong bit of its length, and going on with the record would empty the file."""
    data = bytearray(path.read_bytes())
    data[len(SIGNATURE) + 7] ^= 0x40
    path.write_bytes(data)
    for act in (read_record, content_of, lambda file: RecordWriter(file, HEADER, mode="a")):
        with pytest.raises(ForeignRecord, match="its header is damaged"):
            act(path)
    assert path.read_bytes() == data


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.filterwarnings("error")
def test_a_disk_that_is_full_at_once_leaves_nothing_open() -> None:
    with pytest.raises(OSError, match="No space left"):
        RecordWriter("/dev/full", HEADER, mode="w")
    gc.collect()


def test_two_threads_may_replace_one_file(tmp_path: Path) -> None:
    """Each writes its own, at the same time; the target is whole, that of the last."""
    together = threading.Barrier(2, timeout=20)

    def write(letter: bytes) -> None:
        with replacing(tmp_path / "target") as fresh, open(fresh, "wb") as file:
            file.write(letter * 9)
            file.flush()
            together.wait()
            file.write(letter * 9)
            file.flush()
            together.wait()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, (b"a", b"b")))
    assert (tmp_path / "target").read_bytes() in (b"a" * 18, b"b" * 18)
    assert [file.name for file in tmp_path.iterdir()] == ["target"]


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04 a zip",
        b"step,loss\n1,2\n",
        b"\x93NUMPY",
        SIGNATURE.replace(b"\r\n", b"\n") + b"text mode",
    ],
)
def test_foreign_files_are_refused_by_name(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "mine.spec").write_bytes(data)
    with pytest.raises(ForeignRecord, match=r"mine\.spec: is not a run record") as caught:
        read_record(tmp_path / "mine.spec")
    assert caught.value.path == tmp_path / "mine.spec"
    assert isinstance(caught.value, RecordError) and isinstance(caught.value, ValueError)


def framed(payload: bytes) -> bytes:
    checksum = zlib.crc32(payload, zlib.crc32(struct.pack("<I", len(payload))))
    return FRAME.pack(MARKER, len(payload), checksum, 0) + payload


def payload(text: bytes, declared: int | None = None) -> bytes:
    return struct.pack("<I", len(text) if declared is None else declared) + text


GOOD = framed(payload(b'{"kind":"header","format":1,"arrays":[]}'))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (GOOD[:20] + b"?" + GOOD[21:] + GOOD, "its header is damaged"),
        (b"rubbish, and more of it" + GOOD, "its header is damaged"),
        (framed(payload(b'{"kind":"step","arrays":[]}')), "no header in its first frame"),
        (framed(payload(b'{"kind":"header","format":2,"arrays":[]}')), "has format 2"),
        (framed(payload(b"[1, 2]")), "not of this format"),
        (framed(b""), "not of this format"),
        (framed(payload(b"{}", 10**9)), "not of this format"),
        (framed(payload(b"[" * 100_000)), "not of this format"),
        (GOOD + framed(payload(b'{"kind":"a","arrays":[["x","float32",[9]]]}')), "not of this format"),
        (GOOD + framed(payload(b'{"kind":"a","arrays":[["x","float32",[-1]]]}')), "not of this format"),
        (GOOD + framed(payload(b'{"kind":"a","arrays":[["x","object",[1]]]}')), "not of this format"),
        (GOOD + framed(payload(b'{"kind":"a","arrays":[["x",["float32"],[1]]]}')), "not of this format"),
        (
            GOOD + framed(payload(b'{"kind":"a","arrays":[["x","float64",[99999999999]]]}')),
            "not of this format",
        ),
        (
            GOOD + framed(payload(b'{"kind":"a","arrays":[["x","float64",[1099511627776,1099511627776]]]}')),
            "not of this format",
        ),
        (GOOD + framed(payload(b'{"kind":"a"}')), "not of this format"),
    ],
)
def test_wrong_insides_are_refused_by_name(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "odd.spec").write_bytes(SIGNATURE + data)
    with pytest.raises(ForeignRecord, match=rf"odd\.spec: .*{why}"):
        read_record(tmp_path / "odd.spec")


def test_a_length_beyond_the_file_takes_no_memory(tmp_path: Path) -> None:
    (tmp_path / "short.spec").write_bytes(SIGNATURE + FRAME.pack(MARKER, 2**32 - 8, 0, 0) + bytes(100))
    with pytest.raises(UnfinishedRecord):
        read_record(tmp_path / "short.spec")


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with RecordWriter(tmp_path / "run.spec", HEADER) as writer:
        for fields in ({"loss": float("nan")}, {"loss": float("inf")}):
            with pytest.raises(ValueError, match="not JSON compliant"):
                writer.append("step", fields, {})
        with pytest.raises(ValueError, match="array x is complex128"):
            writer.append("step", {}, {"x": np.ones(2, dtype=complex)})
    assert read_record(tmp_path / "run.spec").entries == ()
    with pytest.raises(FileNotFoundError):
        read_record(tmp_path / "none.spec")


def test_the_content_is_read_from_the_header_alone(path: Path, tmp_path: Path) -> None:
    data, cut = path.read_bytes(), tmp_path / "cut"
    assert content_of(path) == "radii"
    assert content_of(tmp_path / "not there") is None
    for length in (0, 5, 40):
        cut.write_bytes(data[:length])
        assert content_of(cut) is None
    cut.write_bytes(data[:-30] + b"damaged")
    assert content_of(cut) == "radii"
    (tmp_path / "text").write_text("step,r\n")
    with pytest.raises(ForeignRecord, match="text: is not a run record"):
        content_of(tmp_path / "text")
    RecordWriter(tmp_path / "nameless", {"content": 3}).close()
    with pytest.raises(ForeignRecord, match="nameless: says of its content 3: a word is needed"):
        content_of(tmp_path / "nameless")
