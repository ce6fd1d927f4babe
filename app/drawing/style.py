"""One neutral style table, spoken in two dialects: Bokeh options and Matplotlib options.

Roles give the colour, standings the line. Lengths are in screen pixels; on paper they are points
times 0.55, so that an 85 mm figure keeps the page's weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..figure import Layer, Style
from ..theme import LIGHT, PALETTES

Backend = Literal["bokeh", "matplotlib"]

PAPER_SCALE = 0.55
MM_PER_INCH = 25.4
TEXT_SIZE_PX = 12


@dataclass(frozen=True)
class _Pen:
    width: float = 2.4
    dash: tuple[int, ...] = ()
    alpha: float = 1.0
    size: float = 7.0
    fill: Literal["own", "plot", "none"] = "own"


_PENS = {
    "exact": _Pen(2.0),
    "current": _Pen(2.4),
    "bound": _Pen(1.8, (6, 5)),
    "earlier": _Pen(1.2, alpha=0.36),
    "fine": _Pen(1.0),
    "points": _Pen(0.0, size=7),
    "dots": _Pen(1.2, size=8),
    "stems": _Pen(1.2, alpha=0.55),
    "band": _Pen(0.0, alpha=0.3),
    "ring": _Pen(2.2, size=11, fill="plot"),
    "handle": _Pen(2.5, size=15),
}


def colour(style: Style) -> str:
    """The light theme's colour of a role; the page swaps it for the dark one in the browser."""
    return LIGHT[style.role]


def options(layer: Layer, backend: Backend) -> dict[str, Any]:
    """HoloViews options of one layer for one backend."""
    dialect = _bokeh if backend == "bokeh" else _matplotlib
    return dialect(layer, _PENS[layer.style.standing])


def _alpha(layer: Layer, pen: _Pen) -> float:
    return pen.alpha if layer.style.alpha is None else layer.style.alpha


def _size(layer: Layer, pen: _Pen) -> float:
    return pen.size if layer.style.size is None else layer.style.size


def _width(layer: Layer, pen: _Pen) -> float:
    lines = layer.kind not in ("points", "labels", "image")
    return layer.style.size if lines and layer.style.size is not None else pen.width


def _bokeh(layer: Layer, pen: _Pen) -> dict[str, Any]:
    own, alpha, width = colour(layer.style), _alpha(layer, pen), _width(layer, pen)
    line = {
        "color": own,
        "line_width": width,
        "alpha": alpha,
        "line_dash": " ".join(map(str, pen.dash)) or "solid",
    }
    match layer.kind:
        case "image":
            assert layer.palette is not None
            light = PALETTES[layer.palette][0]
            return {"cmap": light, "clim": (-0.5, len(light) - 0.5), "alpha": alpha}
        case "points" if layer.palette is not None:
            mapped = {"color": "color", "cmap": PALETTES[layer.palette][0], "clim": (0, 255)}
            return {**mapped, "size": _size(layer, pen), "alpha": alpha, "line_alpha": 0}
        case "points":
            return {"size": _size(layer, pen), **_bokeh_marker(own, pen, alpha)}
        case "labels":
            return {"text_color": own, "text_font_size": f"{TEXT_SIZE_PX}px", "text_align": layer.align}
        case "area" | "polygons" | "bars" | "vspans":
            edge = {"line_width": pen.width, "line_color": own} if pen.width else {"line_alpha": 0}
            return {"fill_color": own, "fill_alpha": alpha, **edge}
        case "path":
            return dict(line.items())
        case _:
            return line


def _bokeh_marker(own: str, pen: _Pen, alpha: float) -> dict[str, Any]:
    if pen.fill == "plot":
        return {"fill_color": LIGHT["plot"], "line_color": own, "line_width": pen.width, "alpha": alpha}
    edge = LIGHT["plot"] if pen.width else own
    return {"fill_color": own, "line_color": edge, "line_width": pen.width, "alpha": alpha}


def _matplotlib(layer: Layer, pen: _Pen) -> dict[str, Any]:
    own, alpha = colour(layer.style), _alpha(layer, pen)
    width = _width(layer, pen) * PAPER_SCALE
    dash: Any = (0, tuple(d * 0.7 for d in pen.dash)) if pen.dash else "solid"
    line = {"color": own, "linewidth": width, "alpha": alpha, "linestyle": dash}
    match layer.kind:
        case "image":
            assert layer.palette is not None
            light = PALETTES[layer.palette][0]
            # "nearest" resamples at the written resolution; what is left to a viewer ("none") many smooth.
            return {
                "cmap": light,
                "clim": (-0.5, len(light) - 0.5),
                "alpha": alpha,
                "interpolation": "nearest",
            }
        case "points" if layer.palette is not None:
            mapped = {"color": "color", "cmap": PALETTES[layer.palette][0], "clim": (0, 255)}
            return {**mapped, "s": (_size(layer, pen) * PAPER_SCALE) ** 2, "alpha": alpha, "linewidth": 0}
        case "points":
            face, edge = (own, LIGHT["plot"]) if pen.fill == "own" and pen.width else (own, own)
            if pen.fill == "plot":
                face, edge = LIGHT["plot"], own
            size = (_size(layer, pen) * PAPER_SCALE) ** 2
            width = pen.width * PAPER_SCALE
            return {"s": size, "facecolors": face, "edgecolors": edge, "linewidth": width, "alpha": alpha}
        case "labels":
            return {"color": own, "size": 6.5, "horizontalalignment": layer.align}
        case "vspans":
            # Without None, HoloViews' default colour cycle would win over the face colour.
            return {"color": None, "facecolor": own, "edgecolor": "none", "linewidth": 0, "alpha": alpha}
        case "area" | "bars" | "polygons":
            # Both: HoloViews' default colour cycle would win over a face colour alone.
            faces = {"color": own, "facecolor": own, "edgecolor": own}
            return {**faces, "alpha": alpha, "linewidth": pen.width * PAPER_SCALE}
        case _:
            return line
