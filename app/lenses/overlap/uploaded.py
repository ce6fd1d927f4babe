"""Files dropped on the lens: lists of pulsars, and maps of the sky."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePath
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.overlap.healpix import nside_of
from anisoscope.engine.overlap.pixel_map import NSIDE_MAX
from anisoscope.engine.overlap.pulsars import PulsarFileError, read_par_folder, to_csv

from ...errors import RequestError
from ...export.restore import DAMAGED
from ...uploads import content_of, keep, name_of
from .arrays import array_of, parsed

MAP = (
    f"a HEALPix map in ring order: 12 NSIDE² real numbers, NSIDE ≤ {NSIDE_MAX}, as .npy or one array in .npz"
)
OPENS = (".csv", ".par", ".zip", ".npy", ".npz")

# read_par_folder takes two pulsars or more; this one keeps a single dropped model company.
_COMPANION = {"companion.par": "PSR companion\nRAJ 00:00:00\nDECJ 00:00:00"}


def open_file(name: str, content: bytes, state: Mapping[str, Any]) -> dict[str, Any] | None:
    """Parameter values a dropped file asks for; what cannot be read changes nothing.

    A table or a zip of .par files becomes the array; one .par file adds its pulsar to the array shown.

    Args:
        name: the file's name; content: its bytes.
        state: the values of array, count and pulsars now.

    Returns:
        The values, or None where the file is a request of a lens and not data.

    Raises:
        RequestError: the file is none of these or cannot be read.
    """
    ending = PurePath(name).suffix.lower()
    if ending == ".json" or (ending == ".zip" and _holds_request(content)):
        return None
    if ending in (".csv", ".zip"):
        parsed(name, content)
        return {"array": "own", "pulsars": keep(name, content)}
    if ending == ".par":
        return _with_one_more(name, content, state)
    if ending in (".npy", ".npz"):
        _checked_map(name, content)
        return {"sky": "own", "map": keep(name, content)}
    raise RequestError("file", name, f"must end in {', '.join(OPENS)}, or be a request.json")


@lru_cache(maxsize=4)
def sky_map(token: str) -> Tensor:
    """The reader's map of power by SOURCE direction, mean 1.

    Returns:
        float64 (12 NSIDE²,), HEALPix ring order, shared: not to be written to.

    Raises:
        RequestError: there is none, it is not here, or naming what its file holds and what is allowed.
    """
    if not token:
        raise RequestError("sky", "own", f"drop a map on the page: {MAP}", "hot_spot")
    return _checked_map(name_of(token), content_of("map", token))


def _holds_request(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "request.json" in archive.namelist()
    except DAMAGED:
        # not ours to judge: whoever reads it as a list says that it is damaged
        return False


def _with_one_more(name: str, content: bytes, state: Mapping[str, Any]) -> dict[str, Any]:
    """The array shown and the pulsar of one timing model, as a new list."""
    try:
        found = read_par_folder({name: content, **_COMPANION})
    except PulsarFileError as error:
        raise RequestError("pulsars", name, str(error)) from error
    shown = array_of(state["array"], state["count"], state["pulsars"])
    if found.names[0] in shown.names:
        raise RequestError("pulsars", name, f"{found.names[0]} is in the array already; each name once")
    # the header stands in the first of the two tables
    text = to_csv(shown) + to_csv(found).splitlines(keepends=True)[1]
    listing, table = f"{len(shown.names) + 1}-pulsars.csv", text.encode()
    parsed(listing, table)
    return {"array": "own", "pulsars": keep(listing, table)}


def _checked_map(name: str, content: bytes) -> Tensor:
    try:
        values = _read(name, content).astype(np.float64)
    except RequestError:
        raise
    except (*DAMAGED, SyntaxError, MemoryError) as error:
        # SyntaxError: NumPy parses the header of an .npy as Python
        raise RequestError("map", name, f"cannot be read ({error}); must be {MAP}") from error
    for what, bad in (("not finite", ~np.isfinite(values)), ("negative", values < 0)):
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            raise RequestError(
                "map",
                name,
                f"pixel {first} is {values[first]:g}, {what} ({int(bad.sum())} of {len(values)} pixels are); "
                "power must be finite and 0 or more in every pixel",
            )
    largest = values.max()
    if not largest > 0:
        raise RequestError("map", name, "has no power in any pixel; one above 0 is needed")
    scaled = values / largest
    return torch.from_numpy(scaled / scaled.mean())


def _read(name: str, content: bytes) -> np.ndarray:
    if PurePath(name).suffix.lower() == ".npy":
        return _read_array(name, io.BytesIO(content))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.namelist()
        if len(entries) != 1 or not entries[0].endswith(".npy"):
            shown = ", ".join(entry.removesuffix(".npy") for entry in entries[:6]) or "nothing"
            raise RequestError("map", name, f"must hold one array; it holds {shown}")
        with archive.open(entries[0]) as stream:
            # one byte more than the largest map and its header can have is enough to see that there are more
            return _read_array(name, io.BytesIO(stream.read(_LARGEST)))


_LARGEST = 16 * 12 * NSIDE_MAX**2 + 20_000


def _read_array(name: str, stream: BinaryIO) -> np.ndarray:
    """The array, once what its header declares is a map's shape and dtype."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        raise RequestError("map", name, f"is an .npy of version {version}; must be (1, 0) or (2, 0)")
    if dtype.kind not in "fiu":
        raise RequestError("map", name, f"holds {dtype}; must be {MAP}")
    if len(shape) != 1:
        raise RequestError("map", name, f"has shape {shape}; must be {MAP}")
    try:
        nside = nside_of(shape[0])
    except ValueError as error:
        raise RequestError("map", name, f"has {shape[0]} pixels; must be {MAP}") from error
    if nside > NSIDE_MAX:
        raise RequestError("map", name, f"has NSIDE {nside}; at most {NSIDE_MAX} is taken: degrade it first")
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)
