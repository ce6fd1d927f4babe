"""A figure on paper: the same layers through HoloViews' Matplotlib backend, in millimetres and light colours."""

from __future__ import annotations

import base64
import io
import re
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
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.textpath import TextPath
from matplotlib.ticker import FixedLocator
from matplotlib.transforms import ScaledTranslation

from ..figure import Axis, Figure, Key, Layer, Style
from ..frame import Columns, Frame
from ..theme import LIGHT
from .elements import element
from .style import PAPER_SCALE, colour, options
from .supply import DRAWING

MM_PER_INCH = 25.4
LEFT_MM, RIGHT_MM, BOTTOM_MM, TICKS_MM = 11.0, 2.5, 10.0, 5.0
HEIGHT_SHARE = {"hero": 0.46, "second": 0.38, "thin": 0.24, "pair": 0.55, "square": 0.9}
TALLEST_MM = 62.0
LABEL_MARGIN_MM = 0.7
PNG_DPI = 300
# Two exports of one state are equal byte for byte.
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
LINE_MM, HANDLE_MM = 3.4, 7.6
POINTS_PER_MM = 72 / 25.4
LEGEND: dict[str, Any] = {
    "frameon": False,
    "fontsize": 6.5,
    "borderpad": 0,
    "borderaxespad": 0,
    "handlelength": 1.6,
    "handletextpad": 0.5,
    "columnspacing": 1.2,
    "labelspacing": 0.3,
}

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
        return _with_font(_in_mm(sink.getvalue(), canvas))
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
            _offset(subplot.handles["artist"], layer, plot.state)
    return plot.state


def _offset(texts: Sequence[Text], layer: Layer, canvas: Canvas) -> None:
    """Labels stand beside their points by the same length at every width."""
    right, down = (pixels * PAPER_SCALE / 72 for pixels in layer.offset)
    shift = ScaledTranslation(right, -down, canvas.dpi_scale_trans)
    for text in texts:
        text.set_transform(text.get_transform() + shift)


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
    head = _Head(figure, inner)
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
    for text in axes.texts:
        _keep_inside(text, axes)
    head.write(canvas, width_mm, height_mm)


def _keep_inside(text: Text, axes: Axes) -> None:
    """Hide a label whose point is out of sight; move one that would stick out sideways back in."""
    at = axes.transData.transform(text.get_position())
    if not axes.bbox.padded(0.5).contains(*at):
        text.set_visible(False)
        return
    text.set_bbox({"facecolor": LIGHT["plot"], "alpha": 0.78, "pad": 0.6, "linewidth": 0})
    box = text.get_window_extent()
    dpi = axes.figure.dpi
    margin = LABEL_MARGIN_MM / MM_PER_INCH * dpi
    left, right = axes.bbox.x0 + margin - box.x0, box.x1 - (axes.bbox.x1 - margin)
    inches = (max(left, 0) - max(right, 0)) / dpi
    text.set_transform(text.get_transform() + ScaledTranslation(inches, 0, axes.figure.dpi_scale_trans))


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


class _Head:
    """Title, unit and legend above the axes, in as many lines as the width needs; on the page these are HTML."""

    def __init__(self, figure: Figure, inner_mm: float) -> None:
        self._figure = figure
        title = _text_mm(figure.title, 7.5)
        self._unit_beside = title + 2.5 + _text_mm(figure.unit, 7.0) <= inner_mm
        entries = [_text_mm(key.text, 6.5) + HANDLE_MM for key in figure.legend]
        self._columns = next(
            (n for n in range(len(entries), 0, -1) if _columns_mm(entries, n) <= inner_mm), 1
        )
        rows = -(-len(entries) // self._columns)
        self._unit = [figure.unit] if self._unit_beside else _lines(figure.unit, 7.0, inner_mm)
        below = 0 if self._unit_beside else len(self._unit)
        self._legend_top = 1.2 + LINE_MM * (1 + below)
        self._title_mm = title
        self.height = self._legend_top + LINE_MM * rows + 2.0

    def write(self, canvas: Canvas, width_mm: float, height_mm: float) -> None:
        figure, left, top = self._figure, LEFT_MM / width_mm, 1 - 1.2 / height_mm
        canvas.text(left, top, figure.title, weight=600, size=7.5, va="top", color=LIGHT["ink"])
        beside = self._unit_beside
        x = (LEFT_MM + self._title_mm + 2.5) / width_mm if beside else left
        for place, line in enumerate(self._unit, start=0 if beside else 1):
            canvas.text(x, top - place * LINE_MM / height_mm, line, size=7, va="top", color=LIGHT["ink2"])
        if figure.legend:
            canvas.legend(
                handles=[_legend_handle(key) for key in figure.legend],
                loc="upper left",
                bbox_to_anchor=(left, 1 - self._legend_top / height_mm),
                ncols=self._columns,
                labelcolor=LIGHT["ink2"],
                **LEGEND,
            )


def _text_mm(text: str, size: float) -> float:
    if not text:
        return 0.0
    path = TextPath((0, 0), text, size=size, prop=font_manager.FontProperties(family="Inter"))
    return float(path.get_extents().width) / POINTS_PER_MM


def _lines(text: str, size: float, most_mm: float) -> list[str]:
    """The text in lines no wider than that, broken between words."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _text_mm(longer, size) <= most_mm:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _columns_mm(entries: Sequence[float], columns: int) -> float:
    """Width of a legend that Matplotlib fills column by column, the first columns one longer."""
    short, longer = divmod(len(entries), columns)
    width, start = 0.0, 0
    for column in range(columns):
        stop = start + short + (column < longer)
        width, start = width + max(entries[start:stop]), stop
    return width


def _legend_handle(key: Key) -> Line2D | Patch:
    own = colour(Style(key.role))
    match key.mark:
        case "line":
            return Line2D([], [], color=own, linewidth=1.2, label=key.text)
        case "fine":
            return Line2D([], [], color=own, linewidth=0.6, label=key.text)
        case "bound":
            return Line2D([], [], color=own, linewidth=1.0, linestyle=(0, (4, 3)), label=key.text)
        case "swatch":
            return Patch(color=own, alpha=0.4, label=key.text)
        case _:
            face = LIGHT["plot"] if key.mark == "ring" else own
            return Line2D([], [], linestyle="", marker="o", markersize=3.6, color=own, markerfacecolor=face,
                          markeredgewidth=0.9, label=key.text)  # fmt: skip


@cache
def _font_face() -> bytes:
    data = (resources.files("anisoscope.assets") / "fonts" / "inter.woff2").read_bytes()
    address = "data:font/woff2;base64," + base64.b64encode(data).decode()
    face = f'@font-face{{font-family:"Inter";font-weight:400 700;src:url({address}) format("woff2")}}'
    return f"<style>{face}</style>".encode()


def _with_font(svg: bytes) -> bytes:
    """The text of the SVG is text; with its font inside it looks the same everywhere."""
    head, tag, rest = svg.partition(b"<defs>")
    return head + tag + _font_face() + rest


def _in_mm(svg: bytes, canvas: Canvas) -> bytes:
    """The size in millimetres as it was asked for; Matplotlib writes rounded points."""
    for name, inches in zip(("width", "height"), canvas.get_size_inches(), strict=True):
        size = f'{name}="{inches * MM_PER_INCH:.6g}mm"'.encode()
        svg = re.sub(rb"(?<=\s)" + name.encode() + rb'="[\d.]+pt"', size, svg, count=1)
    return svg
