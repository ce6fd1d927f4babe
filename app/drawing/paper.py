"""A figure on paper: the same layers through HoloViews' Matplotlib backend, in millimetres and light colours."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, cast

import holoviews as hv
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from holoviews.plotting.mpl import MPLRenderer
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator

from ..figure import Axis, Figure, Layer
from ..frame import Columns, Frame
from ..theme import LIGHT
from .elements import element
from .paper_head import LEFT_MM, Head
from .paper_labels import offset, settle
from .paper_svg import in_mm, with_font
from .screen import DRAWING
from .style import MM_PER_INCH, options

RIGHT_MM, BOTTOM_MM, TICKS_MM = 2.5, 10.0, 5.0
HEIGHT_SHARE = {"hero": 0.46, "second": 0.38, "thin": 0.24, "pair": 0.55, "square": 0.9}
TALLEST_MM = 62.0
PNG_DPI = 300
# Two exports of one state are equal byte for byte.
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
SETTINGS: Any = {
    "font.family": "Inter",
    "font.size": 7.0,
    # A dollar sign in a label is a dollar sign.
    "text.parse_math": False,
    "axes.linewidth": 0.5,
    "axes.edgecolor": LIGHT["axis"],
    "axes.labelcolor": LIGHT["ink2"],
    "axes.labelsize": 7.0,
    "xtick.color": LIGHT["axis"],
    "ytick.color": LIGHT["axis"],
    "xtick.labelcolor": LIGHT["ink2"],
    "ytick.labelcolor": LIGHT["ink2"],
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.size": 2.0,
    "ytick.major.size": 2.0,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    # TrueType in PDF and text as text in SVG: editable, searchable, and accepted by journals.
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "anisoscope",
}


def figure_files(figure: Figure, frame: Frame, formats: Sequence[str], width_mm: float) -> dict[str, bytes]:
    """Draw one figure of a frame once and write it in several formats.

    Args:
        figure: its layers, axes, legend.
        frame: the tables it is drawn from.
        formats: "svg", "pdf", "png" (300 dpi).
        width_mm: exact width of the canvas.

    Returns:
        Format to file content.
    """
    # Neither Matplotlib nor HoloViews is made for two threads.
    with DRAWING, mpl.rc_context({**SETTINGS}):
        _fonts()
        canvas = _drawn(figure, frame)
        _lay_out(canvas, figure, width_mm)
        written = {format_: _written(canvas, format_) for format_ in formats}
        plt.close(canvas)
    return written


def _written(canvas: Canvas, format_: str) -> bytes:
    sink = io.BytesIO()
    canvas.savefig(sink, format=format_, dpi=PNG_DPI, metadata=UNDATED.get(format_))
    if format_ == "svg":
        return with_font(in_mm(sink.getvalue(), canvas))
    return sink.getvalue()


@cache
def _fonts() -> None:
    folder = resources.files("anisoscope.assets") / "fonts" / "paper"
    for name in ("Inter-Regular.ttf", "Inter-SemiBold.ttf"):
        with resources.as_file(folder / name) as path:
            font_manager.fontManager.addfont(str(path))


def _drawn(figure: Figure, frame: Frame) -> Canvas:
    layers = [layer for layer in figure.layers if not _empty(layer, frame)]
    if not layers:
        bare = plt.figure()
        bare.add_subplot()
        return bare
    overlay = hv.Overlay([_styled(layer, frame) for layer in layers])
    overlay = overlay.opts(show_legend=False, show_frame=False, backend="matplotlib")
    plot = MPLRenderer.instance().get_plot(overlay)
    for layer, subplot in zip(layers, plot.subplots.values(), strict=True):
        if layer.kind == "labels":
            offset(subplot.handles["artist"], layer, plot.state)
    return plot.state


def _empty(layer: Layer, frame: Frame) -> bool:
    """Matplotlib cannot take limits from a mark without points."""
    columns = frame.tables[layer.table]
    return all(len(values) == 0 for name, values in columns.items() if name != "holes")


def _styled(layer: Layer, frame: Frame) -> hv.Element:
    columns = frame.tables[layer.table]
    drawn = element(layer, _opposed(columns) if "holes" in columns else columns)
    return cast(hv.Element, drawn.opts(**options(layer, "matplotlib"), backend="matplotlib"))


def _opposed(columns: Columns) -> Columns:
    """Holes wound against their outlines: Matplotlib fills by winding number, the page by even and odd."""
    holes = [
        [ring[::-1] if _area(*np.asarray(ring).T) * _area(xs, ys) > 0 else ring for ring in inner]
        for xs, ys, inner in zip(columns["xs"], columns["ys"], columns["holes"], strict=True)
    ]
    return {**columns, "holes": holes}


def _area(xs: Any, ys: Any) -> float:
    """Signed area of a closed outline, positive where it runs anticlockwise."""
    x, y = np.asarray(xs, dtype=float), np.asarray(ys, dtype=float)
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2


def _lay_out(canvas: Canvas, figure: Figure, width_mm: float) -> None:
    axes = canvas.axes[0]
    inner = width_mm - LEFT_MM - RIGHT_MM
    head = Head(figure, inner)
    bottom = BOTTOM_MM if figure.x.label else TICKS_MM
    plot_mm = HEIGHT_SHARE[figure.size] * inner
    if not figure.equal_aspect:
        plot_mm = min(plot_mm, TALLEST_MM)
    height_mm = head.height + bottom + plot_mm
    canvas.set_size_inches(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH)
    axes.set_position((LEFT_MM / width_mm, bottom / height_mm, inner / width_mm, plot_mm / height_mm))
    axes.set_aspect("auto")
    axes.set_title("")
    _axis(axes, "x", figure.x, figure.x.range)
    _axis(axes, "y", figure.y, _y_range(figure, plot_mm / inner))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for which, spec in (("left", figure.y), ("bottom", figure.x)):
        axes.spines[which].set_visible(spec.visible)
    settle(axes)
    head.write(canvas, width_mm, height_mm)


def _y_range(figure: Figure, ratio: float) -> tuple[float, float] | None:
    if not figure.equal_aspect or figure.x.range is None:
        return figure.y.range
    half = (figure.x.range[1] - figure.x.range[0]) / 2 * ratio
    return -half, half


def _axis(axes: Axes, which: str, spec: Axis, limits: tuple[float, float] | None) -> None:
    axis = getattr(axes, f"{which}axis")
    axis.set_label_text(spec.label)
    axis.set_visible(True)
    if limits is not None:
        getattr(axes, f"set_{which}lim")(*limits)
        inside = [(v, text) for v, text in spec.ticks if limits[0] <= v <= limits[1]]
        if spec.ticks:
            axis.set_major_locator(FixedLocator([v for v, _ in inside]))
            axis.set_ticklabels([text for _, text in inside])
    if not spec.visible and not spec.ticks:
        axis.set_visible(False)
