"""Pulsars and maps: the shipped lists, and every refusal of a dropped file by name."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import numpy as np
import pytest
import torch

from anisoscope.app.errors import RequestError
from anisoscope.app.lenses.overlap import arrays, uploaded
from anisoscope.app.uploads import content_of, keep, name_of
from anisoscope.engine.overlap import PulsarArray, nside_of, position_warnings

NOW: dict[str, Any] = {"array": "ng15", "count": 67, "pulsars": ""}
TABLE = b"name,ra_deg,dec_deg\nJ1909-3744,287.4476,-37.7374\nJ1713+0747,258.4564,7.7938\n"
ONE = b"PSRJ J1909-3744\nRAJ 19:09:47.43\nDECJ -37:44:14.5\n"
TWO = b"PSRJ J1713+0747\nRAJ 17:13:49.53\nDECJ 07:47:37.5\n"


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def npy(values: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, values, **options)
    return out.getvalue()


def npz(**values: Any) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **values)
    return out.getvalue()


def opened(name: str, content: bytes, state: dict[str, Any] = NOW) -> PulsarArray:
    found = uploaded.open_file(name, content, state)
    assert found is not None and set(found) == {"array", "pulsars"}
    return arrays.array_of(found["array"], 0, found["pulsars"])


@pytest.mark.parametrize(
    ("kind", "count"), [("ng15", 67), ("epta", 25), ("ppta", 32), ("ipta", 65), ("ng12p5", 45)]
)
def test_shipped_lists(kind: str, count: int) -> None:
    array = arrays.array_of(kind, 5, "")
    assert len(array.names) == len(set(array.names)) == count
    assert arrays.notes_of(array) == ()
    # the one position that its name contradicts is told in the README of the data
    assert {note.split(":")[0] for note in position_warnings(array)} <= {"J0557+1551"}
    assert arrays.array_of(kind, 9, "x") is array, "the same list whatever the other parameters are"


def test_the_even_array_has_the_count_asked() -> None:
    assert [len(arrays.array_of("uniform", n, "").names) for n in (2, 67, 200)] == [2, 67, 200]
    with pytest.raises(RequestError, match="count = 1") as refused:
        arrays.array_of("uniform", 1, "")
    assert refused.value.repair == 2


def test_unknown_arrays_and_no_list_are_refused() -> None:
    with pytest.raises(RequestError, match="array = 'lofar': must be one of ng15"):
        arrays.array_of("lofar", 5, "")
    with pytest.raises(RequestError, match="drop a list of pulsars"):
        arrays.array_of("own", 5, "")
    with pytest.raises(RequestError, match=r"drop gone.csv on the page again"):
        arrays.array_of("own", 5, "gone.csv#0123456789abcdef")


def test_a_table_becomes_the_array_and_stays_by_hash() -> None:
    assert opened("mine.csv", TABLE).names == ("J1909-3744", "J1713+0747")
    # a file that calls itself like a shipped one is checked all the same
    wrong = opened("pulsars_ng15.csv", TABLE.replace(b"-37.7", b"37.7"))
    assert arrays.notes_of(wrong) == (
        "J1909-3744: 75.5° from the place in its name; the declination probably lacks its sign",
    )


def test_shared_positions_are_told() -> None:
    twins = opened("twins.csv", b"name,ra,dec\na,10,20\nb,10,20\nc,30,40\n")
    assert any("same position; treated as distinct pulsars" in note for note in arrays.notes_of(twins))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", TABLE.replace(b"-37.7374", b"-97.7"), r"a.csv, row 2, column dec_deg: '-97.7'"),
        ("a.csv", TABLE.replace(b"dec_deg", b"delta"), r"a.csv, row 1: .*unknown: delta"),
        ("a.csv", TABLE + b"J1713+0747,1,2\n", r"row 4, column name: 'J1713\+0747'.*each name once"),
        ("a.csv", TABLE[: TABLE.index(b"J1713")], r"a.csv: '1 pulsar'; allowed: two or more"),
        ("a.csv", b"", r"a.csv: 'no line with content'"),
        ("a.csv", b"\xff\xfe\x00", r"text in UTF-8"),
        ("a.zip", b"PK nothing", r"a.zip': is damaged"),
        ("a.zip", zipped({}), r"must hold .par files; it holds nothing"),
        ("a.zip", zipped({"x.txt": b"", "y.md": b""}), r"must hold .par files; it holds x.txt, y.md"),
        ("a.zip", zipped({"a.par": ONE}), r"'1 pulsar'; allowed: two or more"),
        (
            "a.zip",
            zipped({"a.par": ONE, "b.par": b"PSR B\nRAJ 25:00:00\nDECJ 1:0:0"}),
            r"b.par, row 2, column RAJ",
        ),
        ("a.zip", zipped({"a.par": ONE, "b.par": ONE}), r"b.par.*J1909-3744.*each name once"),
        ("a.par", b"PSR B\nF0 1\n", r"a.par"),
        ("a.par", ONE, r"J1909-3744 is in the array already"),
    ],
)
def test_lists_are_refused_with_file_and_place(name: str, content: bytes, said: str) -> None:
    with pytest.raises(RequestError, match=said) as refused:
        uploaded.open_file(name, content, NOW)
    assert refused.value.parameter == "pulsars"


def test_more_pulsars_than_the_hand_can_move_are_refused() -> None:
    rows = "".join(f"P{i},{i / 2},{i / 10}\n" for i in range(arrays.MOST_PULSARS + 1))
    with pytest.raises(RequestError, match=f"at most {arrays.MOST_PULSARS}"):
        uploaded.open_file("many.csv", f"name,ra,dec\n{rows}".encode(), NOW)
    with pytest.raises(RequestError, match="has 5000000 lines; at most 2000 are read"):
        uploaded.open_file("long.csv", b"a,1,2\n" * 5_000_000, NOW)


def test_a_folder_of_models_is_read() -> None:
    folder = {"set/a.par": ONE, "set/b.PAR": TWO, "set/a.tim": b"", "__MACOSX/set/._a.par": b"\x00"}
    array = opened("set.zip", zipped(folder))
    assert array.names == ("J1909-3744", "J1713+0747")
    assert arrays.notes_of(array) == ("left out, not .par files: set/a.tim, __MACOSX/set/._a.par",)


def test_one_model_joins_the_array_shown() -> None:
    array = opened("new.par", ONE.replace(b"J1909-3744", b"J1909-3745"))
    assert array.names[:67] == arrays.array_of("ng15", 0, "").names and array.names[67] == "J1909-3745"
    expected = torch.tensor([287.4476, -37.7374], dtype=torch.float64)
    found = torch.stack([array.right_ascension_degrees[67], array.declination_degrees[67]])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


def test_a_small_zip_of_gigabytes_is_refused_before_it_is_unpacked() -> None:
    bomb = zipped({"a.par": b"\n" * (arrays.LARGEST_PAR + 1), "b.par": TWO})
    assert len(bomb) < 10_000
    with pytest.raises(RequestError, match=r"a.par unpacks to 1000001 bytes"):
        uploaded.open_file("bomb.zip", bomb, NOW)
    swarm = zipped({f"{i}.par": b" " * 999_999 for i in range(60)})
    with pytest.raises(RequestError, match=r"unpacks to 59999940 bytes"):
        uploaded.open_file("swarm.zip", swarm, NOW)
    crowd = zipped({f"{i}.txt": b"" for i in range(arrays.MOST_ENTRIES + 1)}, zipfile.ZIP_STORED)
    with pytest.raises(RequestError, match=r"holds 2001 files"):
        uploaded.open_file("crowd.zip", crowd, NOW)


def test_a_zip_that_lies_about_its_sizes_is_damaged() -> None:
    honest = zipped({"a.par": ONE + b"\n" * 900_000, "b.par": TWO})
    size = len(ONE) + 900_000
    lying = honest.replace(struct.pack("<L", size), struct.pack("<L", 100))
    assert lying != honest
    with pytest.raises(RequestError, match="is damaged"):
        uploaded.open_file("lie.zip", lying, NOW)


def test_requests_of_a_lens_are_left_to_it() -> None:
    assert uploaded.open_file("request.json", b"{}", NOW) is None
    assert uploaded.open_file("bundle.zip", zipped({"request.json": b"{}", "a.par": ONE}), NOW) is None


@pytest.mark.parametrize("name", ["sky.fits", "list.txt", "noending"])
def test_other_files_are_refused(name: str) -> None:
    with pytest.raises(RequestError, match=r"must end in .csv, .par, .zip, .npy, .npz, or be a request"):
        uploaded.open_file(name, b"anything", NOW)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", ">f8"])
def test_maps_are_read_with_mean_one(dtype: str) -> None:
    values = np.arange(1, 12 * 8**2 + 1).astype(dtype)
    for name, content in (("sky.npy", npy(values)), ("sky.npz", npz(anything=values))):
        found = uploaded.open_file(name, content, NOW)
        assert found is not None and found["sky"] == "own"
        sky = uploaded.sky_map(found["map"])
        assert sky.dtype == torch.float64 and nside_of(len(sky)) == 8
        assert sky.mean().item() == pytest.approx(1, abs=1e-14)
        np.testing.assert_allclose(sky.numpy(), values / values.mean(), rtol=1e-6)


def test_a_map_of_huge_numbers_is_scaled_and_not_lost() -> None:
    token = keep("huge.npy", npy(np.full(48, 1.5e308)))
    assert uploaded.sky_map(token).tolist() == [1.0] * 48


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("s.npy", npy(np.ones(767)), r"has 767 pixels; must be a HEALPix map in ring order"),
        ("s.npy", npy(np.ones((8, 96))), r"has shape \(8, 96\)"),
        ("s.npy", npy(np.ones(())), r"has shape \(\)"),
        ("s.npy", npy(np.ones(0)), r"has 0 pixels"),
        ("s.npy", npy(np.ones(12 * 65**2)), r"has NSIDE 65; at most 64"),
        ("s.npy", npy(np.ones(48) + 1j), r"holds complex128"),
        ("s.npy", npy(np.array(["x"] * 48)), r"holds <U1"),
        ("s.npy", npy(np.array([{}] * 48, dtype=object), allow_pickle=True), r"holds object"),
        ("s.npy", npy(np.where(np.arange(48) == 5, np.nan, 1.0)), r"pixel 5 is nan, not finite \(1 of 48"),
        ("s.npy", npy(np.where(np.arange(48) > 45, np.inf, 1.0)), r"pixel 46 is inf, not finite \(2 of 48"),
        ("s.npy", npy(np.where(np.arange(48) == 7, -1.6375e30, 1.0)), r"pixel 7 is -1.6375e\+30, negative"),
        ("s.npy", npy(np.zeros(48)), r"has no power in any pixel"),
        ("s.npy", npy(np.ones(48))[:-1], r"cannot be read"),
        ("s.npy", b"\x93NUMPY\x07\x00", r"version \(7, 0\)|cannot be read"),
        ("s.npy", b"nothing", r"cannot be read"),
        ("s.npz", b"nothing", r"cannot be read"),
        ("s.npz", npz(a=np.ones(48), b=np.ones(48)), r"must hold one array; it holds a, b"),
        ("s.npz", zipped({}), r"it holds nothing"),
        ("s.npz", zipped({"a.txt": b""}), r"it holds a.txt"),
        # 1 GB of zeros declared as a map of 48 pixels' kind, a few kilobytes packed
        ("s.npz", npz(a=np.zeros(12 * 1024**2, dtype=np.uint8)), r"has NSIDE 1024; at most 64"),
    ],
)
def test_maps_are_refused_by_name(name: str, content: bytes, said: str) -> None:
    with pytest.raises(RequestError, match=said) as refused:
        uploaded.open_file(name, content, NOW)
    assert refused.value.parameter == "map" and refused.value.value == name


def test_no_map_and_a_lost_map_are_said() -> None:
    with pytest.raises(RequestError, match="drop a map on the page") as refused:
        uploaded.sky_map("")
    assert refused.value.repair == "hot_spot"
    with pytest.raises(RequestError, match=r"drop gone.npy on the page again"):
        uploaded.sky_map("gone.npy#0123456789abcdef")


def test_what_was_opened_is_what_an_export_will_carry() -> None:
    found = uploaded.open_file("mine.csv", TABLE, NOW)
    assert found is not None
    assert name_of(found["pulsars"]) == "mine.csv" and content_of("pulsars", found["pulsars"]) == TABLE
