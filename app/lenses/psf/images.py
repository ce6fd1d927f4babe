"""Images to be fitted: three photographs, three drawn patterns, and the reader's own, brought to a size that fits live."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from anisoscope.engine.hashgrid import InvalidGrid, as_image, grating, siemens_star, zone_plate
from anisoscope.engine.hashgrid.images import PIXELS_MAX

from ...errors import RequestError
from ...uploads import content_of, keep, name_of

SIDE = 128
"""Pixels of the longer side at most: what four fits at once bear at some ten milliseconds a step."""

PHOTOGRAPHS = ("cat", "camera", "grass")
ENDINGS = (".png", ".jpg", ".jpeg", ".npy")
ALLOWED = (
    "an image as .png, .jpg or .npy, (H, W) or (H, W, C) with 1 to 4 channels of 8 or 16 bit or from 0 to 1"
)
_LUMINANCE = (0.2126, 0.7152, 0.0722)
_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I")


@dataclass(frozen=True, eq=False)
class Target:
    """What is fitted.

    Attributes:
        values: (H, W, C) float32 in [0, 1], shared: not to be written to.
        note: how it differs from what was given, in words; empty where it does not.
    """

    values: Tensor
    note: str = ""


def open_file(name: str, content: bytes, state: dict[str, Any]) -> dict[str, Any] | None:
    """All parameter values after an image was dropped, None where the file is none; what cannot be read changes nothing.

    Raises:
        RequestError: it is an image by its ending and cannot be used, by name.
    """
    if PurePath(name).suffix.lower() not in ENDINGS:
        return None
    read(name, content)
    return {**state, "view": "fit", "picture": "own", "image": keep(name, content)}


@lru_cache(maxsize=12)
def target(picture: str, token: str) -> Target:
    """The chosen picture; `token` is that of the reader's own image, which only `picture` "own" needs.

    Raises:
        RequestError: the reader's own image is not here or cannot be used.
    """
    if picture == "own":
        if not token:
            raise RequestError("picture", "own", f"drop {ALLOWED} on the page", "cat")
        return read(name_of(token), content_of("image", token))
    if picture in PHOTOGRAPHS:
        source = resources.files("anisoscope.assets").joinpath("psf", "images", f"{picture}.png")
        return Target(as_image(_decoded(source.name, source.read_bytes())))
    if picture == "grating":
        return Target(grating(SIDE, cycles=20, degrees=30))
    return Target(zone_plate(SIDE) if picture == "zone plate" else siemens_star(SIDE))


def read(name: str, content: bytes) -> Target:
    """A file as an image of at most `SIDE` pixels a side, by averaging.

    Raises:
        RequestError: it cannot be read, or the engine does not take what it holds.
    """
    numbers = _array if PurePath(name).suffix.lower() == ".npy" else _decoded
    try:
        values = as_image(numbers(name, content))
    except InvalidGrid as error:
        raise RequestError("image", name, str(error)) from error
    except (OSError, ValueError, EOFError, SyntaxError, MemoryError, UnidentifiedImageError) as error:
        # SyntaxError: NumPy parses the header of an .npy as Python, and Pillow says broken PNG so
        if isinstance(error, RequestError):
            raise
        raise RequestError("image", name, f"cannot be read ({error}); must be {ALLOWED}") from error
    height, width = values.shape[:2]
    if max(height, width) <= SIDE:
        return Target(values)
    rows, columns = (max(2, round(side * SIDE / max(height, width))) for side in (height, width))
    smaller = torch.nn.functional.interpolate(values.permute(2, 0, 1)[None], (rows, columns), mode="area")
    note = f"{name}: {height} × {width} pixels averaged to {rows} × {columns}"
    return Target(smaller[0].permute(1, 2, 0).contiguous(), note)


def luminance(values: Tensor) -> np.ndarray:
    """(H, W) of an image (H, W, C) as it is shown: cut to [0, 1], colours by their luminance (Rec. 709)."""
    grey = values @ values.new_tensor(_LUMINANCE) if values.shape[2] == 3 else values.mean(2)
    return grey.clamp(0, 1).numpy()


def _decoded(name: str, content: bytes) -> np.ndarray:
    """Pixels of a PNG or JPEG, upright, with its alpha; its size is looked at before it is unpacked."""
    with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
        _checked_size(name, image.height, image.width)
        upright = ImageOps.exif_transpose(image)
        if upright.mode in _SIXTEEN_BIT:
            return np.asarray(upright).astype(np.uint16)
        if "transparency" in upright.info:
            upright = upright.convert("RGBA")
        elif upright.mode not in ("1", "L", "LA", "RGB", "RGBA"):
            upright = upright.convert("RGB")
        return np.asarray(upright)


def _array(name: str, content: bytes) -> np.ndarray:
    """The array of an .npy, once what its header declares is small enough."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise RequestError("image", name, f"is an .npy of version {version}; must be (1, 0) or (2, 0)")
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(stream)
    if len(shape) not in (2, 3) or dtype.hasobject:
        raise RequestError("image", name, f"has shape {shape} of {dtype}; must be {ALLOWED}")
    _checked_size(name, *shape[:2])
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


def _checked_size(name: str, height: int, width: int) -> None:
    if height * width > PIXELS_MAX:
        raise RequestError(
            "image",
            name,
            f"has {height * width / 1e6:.1f} megapixels ({height} × {width}); at most {PIXELS_MAX / 1e6:.1f} are taken: "
            "make it smaller first",
        )
