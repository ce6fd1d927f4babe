"""Tables of the ghost plane: the coloured field, the ghosts, the discs and what is known to be free of ghosts."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
import torch

from anisoscope.engine.ghosts import corridors, mirror_index, partition_phase, partition_zeros, phase_index

from ...frame import Columns
from .state import Subject

HEIGHT_SHARE = 0.55
"""Half height of the field over its half width: a little more than any layout of the page shows."""

CIRCLE = np.linspace(0.0, 2 * np.pi, 129)


def plane_tables(subject: Subject, kind: str, window: float, columns: int) -> dict[str, Columns]:
    """Everything drawn in the plane that does not follow the hand."""
    zeros = _zeros(subject, window)
    tables = {
        "field": field(subject, window, columns),
        "ghosts": zeros,
        "bound_disc": _disc(subject.radius("bound"), window),
        "margin_disc": _disc(subject.margin, window),
        "exact_disc": _disc(subject.exact, window),
        "strip": {"y": np.array([-1.0, 1.0]) * (0.0 if subject.flat else subject.temperature)},
        "corridors": _corridors(subject, window),
        "veil": _veil(subject.radius(kind), window),
        "axis": {"y": np.array([0.0])},
        "plane_names": _names(subject, window),
    }
    return tables


class Lines(Protocol):
    """Logits on straight lines: z and slopes a per unit of the picture."""

    @property
    def z(self) -> torch.Tensor: ...

    @property
    def a(self) -> torch.Tensor: ...


def field(subject: Lines, window: float, columns: int) -> Columns:
    """Colour indices, upper half computed and mirrored; row 0 is the lowest."""
    height = HEIGHT_SHARE * window
    rows = columns // 4
    dtype, device = torch.float32, subject.z.device
    re_axis = (torch.arange(columns, dtype=dtype, device=device) + 0.5) * (2 * window / columns) - window
    im_axis = (torch.arange(rows, dtype=dtype, device=device) + 0.5) * (height / rows)
    plane = partition_phase(subject.z.float(), subject.a.float(), re_axis, im_axis)
    upper = phase_index(plane.real, plane.imag)
    image = torch.cat([mirror_index(upper).flip(0), upper]).cpu().numpy()
    edges = {"x0": [-window], "x1": [window], "y0": [-height], "y1": [height]}
    return {**{name: np.array(value) for name, value in edges.items()}, "image": image}


def _zeros(subject: Subject, window: float) -> Columns:
    empty = np.array([])
    if subject.flat:
        return {"x": empty, "y": empty, "distance": empty, "multiplicity": empty}
    height = HEIGHT_SHARE * window
    found = partition_zeros(subject.z, subject.a, (-window, window, 0.0, height))
    zeros = found.zeros.cpu().numpy()
    order = found.multiplicity.cpu().numpy()
    both = np.concatenate([zeros, zeros.conj()])
    return {
        "x": np.real(both),
        "y": np.imag(both),
        "distance": np.abs(both),
        "multiplicity": np.concatenate([order, order]),
    }


def _disc(radius: float, window: float) -> Columns:
    """A circle as a closed curve; out of sight, and empty, where it cannot reach the window."""
    if not radius < 4 * window:
        return {"x": np.array([0.0]), "y": np.array([10.0 * window])}
    return {"x": radius * np.cos(CIRCLE), "y": radius * np.sin(CIRCLE)}


def _corridors(subject: Subject, window: float) -> Columns:
    if subject.flat:
        ends = np.zeros((0, 2))
    else:
        ends = corridors(subject.z, subject.a, -window, window).cpu().numpy()
    nothing = np.zeros(len(ends))
    return {"x0": ends[:, 0], "y0": nothing, "x1": ends[:, 1], "y1": nothing}


def _veil(radius: float, window: float) -> Columns:
    """The window without the disc inside which the series converges."""
    edge = 1.05 * window
    box_x, box_y = np.array([-edge, edge, edge, -edge]), np.array([-edge, -edge, edge, edge])
    if radius >= 2 * window:
        return {"xs": [box_x * 0 + 9 * window], "ys": [box_y * 0 + 9 * window], "holes": [[]]}
    # The other way round than the box: Matplotlib fills by winding number.
    turn = CIRCLE[:0:-1]
    hole = np.column_stack([radius * np.cos(turn), radius * np.sin(turn)])
    return {"xs": [box_x], "ys": [box_y], "holes": [[hole]]}


def _names(subject: Subject, window: float) -> Columns:
    """Direct labels, at places that the discs themselves give."""
    if subject.flat:
        return {"x": np.array([-0.95 * window]), "y": np.array([0.2 * window]), "text": ["no ghosts"]}
    names = [(subject.temperature * math.cos(2.2), subject.temperature * math.sin(2.2), "bound ρₐ")]
    if subject.exact > 1.15 * subject.temperature:
        names.append((subject.exact * math.cos(3.9), subject.exact * math.sin(3.9), "exact ρ*"))
    names.append((subject.ghost.real + 0.02 * window, subject.ghost.imag + 0.035 * window, "nearest ghost"))
    seen = [name for name in names if abs(name[0]) < 0.95 * window and abs(name[1]) < 0.42 * window]
    x, y, text = zip(*seen, strict=True) if seen else ((), (), ())
    return {"x": np.array(x), "y": np.array(y), "text": list(text)}
