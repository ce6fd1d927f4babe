"""Of the pictures of an export the values, which the figures draw as colours."""

from __future__ import annotations

import math

from ...control import Attachment
from ...export.tables import npz
from ...frame import Frame
from ...request import Request
from . import kernel_view
from .encoding import encoding_of

KERNEL = "values (y, x) of the point-spread function, 1 at its peak, at places x and y in mean cells"
MAPS = (
    "(y, x) over one mean cell, from its lower left corner: mean width, largest over smallest width, and width along the "
    "axes over that along the diagonals"
)


def attachments(request: Request, frame: Frame) -> dict[str, Attachment]:
    """One NPZ in the views of the kernel and of its maps."""
    if request["view"] == "kernel":
        places, values = kernel_view.values(request, encoding_of(request), kernel_view.FINE)
        arrays = {"x": places.numpy(), "y": places.numpy(), "values": values.numpy()}
        return {"psf/point_spread.npz": Attachment(KERNEL, npz(arrays))}
    widths = frame.tables.get("place_widths", {})
    if request["view"] == "maps" and len(widths.get("beta", ())):
        side = math.isqrt(len(widths["beta"]))
        maps = {name: values.reshape(side, side) for name, values in widths.items()}
        return {"psf/places.npz": Attachment(MAPS, npz(maps))}
    return {}
