"""Serves one scrubbing view three ways, for bench_scrub: ours, bare Bokeh, and pn.bind.

All three compute the same coarse frame of *Ghosts of softmax* at every temperature and draw the same
four figures; only the way from the number to the pixel differs. `python -m benchmarks.scrub_pages PORT`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import holoviews as hv
import panel as pn
from bokeh.models import ColumnDataSource, Slider
from bokeh.plotting import figure

from anisoscope.app import first_frame
from anisoscope.app.drawing.columns import source_data
from anisoscope.app.drawing.elements import element
from anisoscope.app.drawing.style import options
from anisoscope.app.frame import Frame
from anisoscope.app.lenses.ghosts import GhostsLens
from anisoscope.app.server import prepare
from anisoscope.app.shell.page import lens_page
from anisoscope.app.theme import PALETTES
from anisoscope.app.view import LensView

STORED = first_frame.load("ghosts")
"""Tables that only the finer frame computes: the histograms of margin bound and exact radius."""

NAMES = ("plane", "loss", "histogram", "coefficients")


class FourFigures(GhostsLens):
    """The lens with the four figures the budget names."""

    def figures(self, frame: Frame) -> tuple[Any, ...]:
        return tuple(f for f in super().figures(frame) if f.name in NAMES)

    def frames(self, request: Any) -> Any:
        for frame in super().frames(request):
            if isinstance(frame, Frame):
                yield Frame(frame.tables, frame.facts)
                return


def coarse(lens: FourFigures, temperature: float) -> Frame:
    """The frame under the hand, with the marks of the hand."""
    asked = lens.validated({"temperature": temperature})
    frame = next(iter(lens.frames(asked))).after(STORED)
    return frame.merged(lens.hand(asked, frame))


def ours() -> Any:
    return lens_page("Ghosts", LensView(FourFigures()).layout)


def bare_bokeh() -> Any:
    """Hand-made figures, sources written in place, the same two brakes released."""
    lens = FourFigures()
    frame = coarse(lens, 1.0)
    slider = Slider(start=0.02, end=20, value=1, step=0.001, name="slider")
    plots, sources = [], []
    for shown in lens.figures(frame):
        plot = figure(height=214, width=700, name=f"figure-{shown.name}", toolbar_location=None)
        for layer in shown.layers:
            source = ColumnDataSource(source_data(layer, frame.tables[layer.table]))
            if _glyph(plot, layer, source):
                sources.append((layer, source))
        plots.append(plot)

    def moved(_name: str, _old: Any, new: float) -> None:
        newer = coarse(lens, new)
        for layer, source in sources:
            source.data = source_data(layer, newer.tables[layer.table])

    slider.on_change("value", moved)
    return pn.Column(slider, *plots)


def _glyph(plot: Any, layer: Any, source: ColumnDataSource) -> bool:
    match layer.kind:
        case "image":
            plot.image("image", "x", "y", "dw", "dh", source=source, palette=PALETTES["phase"][0])
        case "curve" | "steps":
            plot.line("x", "y", source=source)
        case "points":
            plot.scatter("x", "y", source=source)
        case "bars":
            plot.quad("left", "right", "top", "bottom", source=source)
        case "segments":
            plot.segment("x0", "y0", "x1", "y1", source=source)
        case _:
            return False
    return True


def bound() -> Any:
    """What the documentation shows first: a function of the widget that returns elements."""
    lens = FourFigures()
    slider = pn.widgets.FloatSlider(start=0.02, end=20, value=1, step=0.001)
    computed = lru_cache(maxsize=1)(partial(coarse, lens))

    def drawn(index: int) -> Callable[[float], Any]:
        def draw(temperature: float) -> Any:
            frame = computed(temperature)
            layers = lens.figures(frame)[index].layers
            parts = [element(la, frame.tables[la.table]).opts(**options(la, "bokeh")) for la in layers]
            return hv.Overlay(parts).opts(width=700, height=214, show_legend=False)

        return draw

    views = [pn.bind(drawn(index), slider) for index in range(len(NAMES))]
    return pn.Column(slider, *(pn.panel(view) for view in views))


def main() -> None:
    import torch

    torch.set_num_threads(1)
    prepare()
    pages = {"ours": ours, "bokeh": bare_bokeh, "bind": bound}
    pn.serve(pages, port=int(sys.argv[1]), address="127.0.0.1", show=False)  # pyright: ignore[reportArgumentType]


if __name__ == "__main__":
    main()
