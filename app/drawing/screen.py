"""A figure on the page: drawn once by HoloViews through Bokeh, when it is first shown, and written in place."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, cast

import holoviews as hv
from bokeh.core.properties import value
from bokeh.document import Document
from bokeh.models import (
    ColumnDataSource,
    CustomJS,
    DataRange1d,
    FixedTicker,
    HoverTool,
    Range1d,
    Selection,
    Toolbar,
    UnionRenderers,
)
from bokeh.plotting import figure as BokehFigure
from holoviews.plotting.bokeh import BokehRenderer

from ..figure import Axis, Figure, Layer
from ..frame import Frame
from ..painting import OURS
from ..theme import LIGHT, PALETTES, SANS
from .columns import SourceData, source_data
from .elements import element
from .style import options

# Importing holoviews.plotting.bokeh registers the backend; without it every option is unknown.
hv.Store.set_current_backend("bokeh")

HEIGHTS = {"hero": 330, "second": 214, "thin": 130, "pair": 190, "square": 330}
HERO_ASPECT = 2.28
BORDER_LEFT, BORDER_RIGHT, BORDER_BOTTOM, BORDER_BARE, BORDER_TOP = 46, 10, 38, 6, 4


DRAWING = threading.RLock()
"""Held by whoever draws through HoloViews, on the page or on paper: it is not made for two threads."""


class Unselected:
    """Data sources in which nothing is ever selected: one empty selection for all, where Bokeh makes one each."""

    def __init__(self) -> None:
        self._policy = UnionRenderers()
        self._selection = Selection()

    def source(self, data: SourceData) -> ColumnDataSource:
        """A source that holds these columns."""
        return ColumnDataSource(data, selected=self._selection, selection_policy=self._policy)


class Screen:
    """One figure: the data source of each of its layers at once, its Bokeh model once it is drawn.

    Args:
        figure: of `frame`. ranges: the shared ranges of its page by name; gains those met first here.
        unselected: makes the sources of its page.
    """

    def __init__(
        self,
        figure: Figure,
        frame: Frame,
        ranges: dict[str, Range1d],
        unselected: Unselected | None = None,
    ) -> None:
        self.figure = figure
        unselected = unselected or Unselected()
        self.sources = tuple(
            (layer, unselected.source(source_data(layer, frame.tables[layer.table])))
            for layer in figure.layers
        )
        self._ranges = ranges
        self._model: BokehFigure | None = None
        self._callbacks: list[tuple[str, CustomJS]] = []

    @property
    def model(self) -> BokehFigure:
        """Raises RuntimeError before the figure is drawn."""
        if self._model is None:
            raise RuntimeError(f"figure {self.figure.name} is not drawn yet")
        return self._model

    @property
    def height(self) -> int | None:
        """Pixels of its place on the page; None where it follows the width."""
        wide = self.figure.equal_aspect and not _fits(self.figure)
        return None if wide else HEIGHTS[self.figure.size]

    def draw(self, frame: Frame) -> BokehFigure:
        """The model, drawn from a frame where it is not there yet."""
        with DRAWING:
            if self._model is None:
                self._model = _drawn(self.figure, frame, self._ranges, [source for _, source in self.sources])
                for event, callback in self._callbacks:
                    self._model.js_on_event(event, callback)
            return self._model

    def on_event(self, event: str, callback: CustomJS) -> None:
        """Call back in the browser when something happens to the figure, be it drawn or not yet."""
        self._callbacks.append((event, callback))
        if self._model is not None:
            self._model.js_on_event(event, callback)

    def changes(self, frame: Frame) -> list[tuple[ColumnDataSource, SourceData]]:
        """What to write for a frame: tables it has, of this figure."""
        return [
            (source, source_data(layer, frame.tables[layer.table]))
            for layer, source in self.sources
            if layer.table in frame.tables
        ]

    def follow(self, figure: Figure) -> None:
        """Take over the axes of a newer frame's figure: ranges, ticks and labels that changed."""
        if figure is self.figure:
            return
        if self._model is None:
            self.figure = figure
            return
        if _fits(figure) and _spans(figure) != _spans(self.figure):
            self.model.tags = [OURS, _spans(figure)]
        pairs = ((self.figure.x, figure.x, self.model.x_range), (self.figure.y, figure.y, self.model.y_range))
        for (old, new, current), axis in zip(pairs, (self.model.xaxis[0], self.model.yaxis[0]), strict=True):
            if old.range != new.range and new.range is not None and not _fits(figure):
                current.update(start=new.range[0], end=new.range[1])
            if old.ticks != new.ticks or old.label != new.label:
                _name_axis(new, axis)
        self.figure = figure


def lay_out(figures: Iterable[Figure], frame: Frame) -> list[Screen]:
    """The figures of a frame with their shared ranges, none of them drawn."""
    ranges: dict[str, Range1d] = {}
    unselected = Unselected()
    return [Screen(figure, frame, ranges, unselected) for figure in figures]


def _drawn(
    figure: Figure, frame: Frame, ranges: dict[str, Range1d], sources: list[ColumnDataSource]
) -> BokehFigure:
    """The model of a figure whose layers draw these sources."""
    overlay = hv.Overlay([_styled(layer, frame) for layer in figure.layers])
    overlay = overlay.opts(show_legend=False, responsive=True, backend="bokeh")
    plot = BokehRenderer.instance(webgl=False).get_plot(overlay)
    # HoloViews enters a plot in the current document until its session ends. Where a page is made ahead that is one
    # which never ends, and would keep it.
    plot.document = Document()
    model = cast(BokehFigure, plot.state)
    subplots = list(plot.subplots.values())
    if len(subplots) != len(figure.layers):
        raise RuntimeError(f"figure {figure.name}: {len(figure.layers)} layers, {len(subplots)} drawn")
    for layer, subplot, source in zip(figure.layers, subplots, sources, strict=True):
        subplot.handles["glyph_renderer"].data_source = source
        _finish_layer(layer, subplot)
    _finish_axes(figure, model, ranges)
    _finish_frame(figure, model)
    return model


def _styled(layer: Layer, frame: Frame) -> hv.Element:
    drawn = element(layer, frame.tables[layer.table])
    return cast(hv.Element, drawn.opts(**options(layer, "bokeh"), backend="bokeh"))


def _finish_layer(layer: Layer, subplot: Any) -> None:
    glyph = subplot.handles["glyph"]
    if layer.kind == "labels":
        glyph.update(
            background_fill_color=LIGHT["plot"],
            background_fill_alpha=0.78,
            border_radius=3,
            padding=2,
            text_baseline="middle",
            x_offset=layer.offset[0],
            y_offset=layer.offset[1],
            text_font=value(SANS),
        )
    if layer.palette is not None:
        light, dark = PALETTES[layer.palette]
        mapper = "color_mapper" if layer.kind == "image" else "color_color_mapper"
        subplot.handles[mapper].tags = [{"light": light, "dark": dark}]
    if layer.hover:
        tips = [(name, f"@{{{name}}}") for name in layer.hover]
        hover = HoverTool(renderers=[subplot.handles["glyph_renderer"]], tooltips=tips)
        subplot.handles["plot"].add_tools(hover)
    if layer.above:
        subplot.handles["glyph_renderer"].level = "overlay"
    # Glyphs for states that never occur here: without them a figure has half as many models to send, and the
    # browser none to make (painting.js).
    others = ("nonselection_glyph", "selection_glyph", "muted_glyph")
    subplot.handles["glyph_renderer"].update(hover_glyph=None, **dict.fromkeys(others, glyph))


def _range(axis: Axis, ranges: dict[str, Range1d]) -> Range1d | DataRange1d:
    # HoloViews freezes its ranges; one without limits of its own must follow the data.
    if axis.range is None:
        return DataRange1d()
    if not axis.share:
        return Range1d(start=axis.range[0], end=axis.range[1])
    return ranges.setdefault(axis.share, Range1d(start=axis.range[0], end=axis.range[1]))


def _finish_axes(figure: Figure, model: BokehFigure, ranges: dict[str, Range1d]) -> None:
    model.x_range = _range(figure.x, ranges)
    model.y_range = _range(figure.y, ranges)
    for spec, axis in ((figure.x, model.xaxis[0]), (figure.y, model.yaxis[0])):
        _name_axis(spec, axis)
        axis.visible = spec.visible
        axis.update(minor_tick_line_color=None, major_tick_in=0, major_tick_out=4, axis_line_width=1)
        axis.update(
            axis_label_standoff=6, axis_label_text_font_style="normal", axis_label_text_font_size="12px"
        )
        axis.update(major_label_text_font_size="11px", major_label_text_font=SANS)
        axis.update(axis_line_color=LIGHT["axis"], major_tick_line_color=LIGHT["axis"])
        axis.update(major_label_text_color=LIGHT["ink2"], axis_label_text_color=LIGHT["ink2"])
        axis.axis_label_text_font = SANS
    # Not by colour: the page's style sheet gives every grid that is there one.
    images = any(layer.kind == "image" for layer in figure.layers)
    for grid, shown in ((model.xgrid, False), (model.ygrid, figure.y.visible and not images)):
        grid.visible = shown
        grid.grid_line_color = LIGHT["grid"]


def _name_axis(spec: Axis, axis: Any) -> None:
    axis.axis_label = spec.label or None
    if not spec.ticks:
        return
    places = [value for value, _ in spec.ticks]
    # A new ticker would make Bokeh walk the whole document to find out what it refers to.
    if isinstance(axis.ticker, FixedTicker):
        axis.ticker.ticks = places
    else:
        axis.ticker = FixedTicker(ticks=places)
    axis.major_label_overrides = dict(spec.ticks)


def _finish_frame(figure: Figure, model: BokehFigure) -> None:
    model.update(
        name=f"figure-{figure.name}",
        tags=[OURS],
        title=None,
        output_backend="canvas",
        background_fill_color=LIGHT["plot"],
        border_fill_alpha=0.0,
        outline_line_color=None,
        min_border_left=BORDER_LEFT,
        min_border_right=BORDER_RIGHT,
        min_border_bottom=BORDER_BOTTOM if figure.x.visible else BORDER_BARE,
        min_border_top=BORDER_TOP,
        min_width=200,
        toolbar_location=None,
        toolbar=Toolbar(logo=None, tools=[t for t in model.toolbar.tools if isinstance(t, HoverTool)]),
    )
    model.toolbar.update(active_drag=None, active_scroll=None, active_tap=None)
    if figure.equal_aspect and not _fits(figure):
        model.update(sizing_mode="stretch_width", aspect_ratio=HERO_ASPECT, height=None)
    else:
        model.update(sizing_mode="stretch_width", height=HEIGHTS[figure.size], aspect_ratio=None)
    if _fits(figure):
        model.tags = [OURS, _spans(figure)]
        _fit_equal_aspect(model)
    elif figure.equal_aspect:
        _keep_equal_aspect(model)


def _keep_equal_aspect(model: BokehFigure) -> None:
    """One unit is as long upward as sideways at every width; Bokeh's own match_aspect fights fixed ranges."""
    code = """
        if (!(plot.inner_width > 0)) return
        const half = (x.end - x.start) / 2 * plot.inner_height / plot.inner_width
        if (Math.abs(y.end - half) > 1e-9 * half) y.setv({start: -half, end: half}, {sync: false})
    """
    callback = CustomJS(args={"plot": model, "x": model.x_range, "y": model.y_range}, code=code)
    for name in ("inner_width", "inner_height"):
        model.js_on_change(name, callback)
    model.x_range.js_on_change("end", callback)


def _fits(figure: Figure) -> bool:
    """Whether both ranges are to be seen whole at equal scales."""
    return figure.equal_aspect and figure.size == "square"


def _spans(figure: Figure) -> list[float]:
    """The ranges of a figure as its tag says them to the browser."""
    assert figure.x.range is not None and figure.y.range is not None
    return [*figure.x.range, *figure.y.range]


def _fit_equal_aspect(model: BokehFigure) -> None:
    """Equal scales with both ranges of the tag in sight: the longer side of the frame shows more around."""
    code = """
        if (!(plot.inner_width > 0 && plot.inner_height > 0)) return
        const [left, right, low, high] = plot.tags[1]
        const unit = Math.max((right - left) / plot.inner_width, (high - low) / plot.inner_height) / 2
        for (const [range, a, b, size] of [[x, left, right, plot.inner_width], [y, low, high, plot.inner_height]]) {
            const start = (a + b) / 2 - unit * size, end = (a + b) / 2 + unit * size
            if (Math.abs(range.end - end) > 1e-9 * Math.abs(end - start)) range.setv({start, end}, {sync: false})
        }
    """
    callback = CustomJS(args={"plot": model, "x": model.x_range, "y": model.y_range}, code=code)
    for name in ("inner_width", "inner_height", "tags"):
        model.js_on_change(name, callback)
