"""Logits and slopes that a reader drops: what is read, what is shown, what is refused by name and value."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest

from anisoscope.app.errors import RequestError
from anisoscope.app.lenses.ghosts import GhostsLens
from anisoscope.app.lenses.ghosts.compute import NO_WEIGHTS


def arrays(count: int = 9, classes: int = 4) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(5)
    z, a = generator.normal(size=(2, count, classes))
    return {"z": 3 * z, "a": a, "y": generator.integers(0, classes, count)}


def npz(**given: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **given)  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


NAMES = {"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "uint8": "U8", "int32": "I32"}


def safetensors(given: dict[str, np.ndarray], **changed: Any) -> bytes:
    """As the format's description says: length, JSON, numbers; entries of `changed` replace fields of z."""
    header: dict[str, Any] = {"__metadata__": {"made": "by a test"}}
    data = b""
    for name, values in given.items():
        end = len(data) + values.nbytes
        shape, dtype = list(values.shape), NAMES[values.dtype.name]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), end]}
        data += values.tobytes()
    header["z"] |= changed
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def opened(name: str, content: bytes) -> GhostsLens:
    lens = GhostsLens()
    lens.restore(lens.open_file(name, content))
    return lens


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_every_sample_of_a_file_is_there_with_its_radius(ending: str) -> None:
    given = arrays()
    content = npz(**given) if ending == "npz" else safetensors(given)
    lens = opened(f"mine.{ending}", content)
    bounds = np.pi / np.ptp(given["a"], axis=1)
    frame = lens.compute()
    assert frame.facts["sample"] == bounds.argmin()
    assert (frame.facts["last_sample"], frame.facts["samples"]) == (8, 9)
    assert frame.facts["batch_bound"] == pytest.approx(bounds.min(), rel=1e-12)
    assert frame.facts["certified_share"] == 1 and frame.facts["batch_exact"] >= frame.facts["batch_margin"]
    for index in (0, 8):
        frame = lens.compute({**lens.request().as_dict(), "sample": index})
        assert frame.facts["bound_radius"] == pytest.approx(bounds[index], rel=1e-12)
        z = given["z"][index]
        wanted = np.log(np.exp(z).sum()) - z[given["y"][index]]
        middle = len(frame.tables["true_loss"]["y"]) // 2
        assert frame.tables["true_loss"]["y"][middle] == pytest.approx(wanted, rel=1e-12)
    assert frame.tables["histogram_bound"]["y"].sum() == 9
    figures = {figure.name: figure for figure in lens.figures(frame)}
    assert figures["histogram"].title == "Radius of 9 samples"
    shown, hidden = figures["histogram"].when, figures["thumbnails"].when
    assert shown is not None and shown.holds(lens) and hidden is not None and not hidden.holds(lens)
    with pytest.raises(RequestError, match="sample = 9"):
        lens.compute({**lens.request().as_dict(), "sample": 9})


def test_without_labels_the_likeliest_class_stands_in_and_is_said_to() -> None:
    given = arrays()
    lens = opened("mine.npz", npz(z=given["z"], a=given["a"]))
    frame = lens.compute()
    assert frame.facts["label"] == given["z"][frame.facts["sample"]].argmax()
    assert any("no labels" in note for note in frame.notes)


def test_a_view_that_moves_weights_says_that_there_are_none() -> None:
    lens = opened("mine.npz", npz(**arrays()))
    lens.restore({**lens.request().as_dict(), "view": "sweep"})
    assert lens.source == "table" and lens.compute().notes == (NO_WEIGHTS,)


def test_without_a_file_the_source_says_what_to_drop() -> None:
    with pytest.raises(RequestError, match=r"brought.*drop a \.npz or \.safetensors"):
        GhostsLens().compute({"source": "table"})


def wrong(**changed: np.ndarray) -> bytes:
    return npz(**{**arrays(), **changed})


def poisoned(value: float) -> np.ndarray:
    z = arrays()["z"]
    z[3, 1] = value
    return z


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.npz", wrong(a=np.zeros((9, 3))), r"m\.npz, a\.shape = \(9, 3\): allowed: \(9, 4\), that of z"),
        ("m.npz", wrong(z=np.zeros(9)), r"z\.shape = \(9,\)"),
        ("m.npz", wrong(z=np.zeros((9, 1)), a=np.zeros((9, 1))), r"z\.shape = \(9, 1\).*k ≥ 2"),
        ("m.npz", wrong(z=poisoned(np.nan)), r"z\[3, 1\] = nan: allowed: finite numbers"),
        ("m.npz", wrong(a=poisoned(np.inf)), r"a\[3, 1\] = inf"),
        ("m.npz", wrong(y=np.full(9, 4)), r"labels\[0\] = 4: allowed: 0 to 3"),
        ("m.npz", wrong(y=np.zeros(8, int)), r"labels\.shape = \(8,\).*\(9,\)"),
        ("m.npz", wrong(y=np.zeros(9)), "y.dtype = 'float64'"),
        ("m.npz", wrong(z=np.zeros((9, 4), int)), "z.dtype = 'int64'"),
        ("m.npz", npz(z=arrays()["z"]), "a = 'missing'"),
        ("m.npz", npz(z=np.zeros((0, 4)), a=np.zeros((0, 4))), r"z\.shape = \(0, 4\)"),
        ("m.safetensors", b"", "file = '0 bytes'"),
        ("m.safetensors", (10**18).to_bytes(8, "little") + b"{}", "file = '10 bytes'"),
        ("m.safetensors", (2).to_bytes(8, "little") + b"[[", "header = 'unreadable'"),
        ("m.safetensors", safetensors(arrays(), dtype="BF16"), r"z\.dtype = 'BF16'"),
        ("m.safetensors", safetensors(arrays(), shape=[9, -4]), r"z\.shape = \[9, -4\]"),
        ("m.safetensors", safetensors(arrays(), shape=[9, 5]), r"z\.data_offsets.*360 bytes"),
        ("m.safetensors", safetensors(arrays(), data_offsets=[0, 10**9]), r"z\.data_offsets"),
        ("m.safetensors", safetensors(arrays())[:-400], r"data_offsets"),
        ("m.safetensors", safetensors({"z": arrays()["z"]}), "a = 'missing'"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_by_array_and_value(
    name: str, content: bytes, message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        GhostsLens().open_file(name, content)
