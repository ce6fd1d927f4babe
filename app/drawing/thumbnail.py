"""A lens's opening figure, small and without axes, for its card in the gallery."""

from __future__ import annotations

import logging
from dataclasses import replace

import panel as pn

from .. import first_frame
from ..figure import Figure
from ..registry import lens_class
from .screen import Screen

logger = logging.getLogger("anisoscope")

HEIGHT = 190


def thumbnail(slug: str) -> pn.viewable.Viewable | None:
    """The stored opening frame's first figure; None for a lens that ships no first frame, or none that can be drawn."""
    try:
        return _drawn(slug)
    except Exception:
        # The card of one lens must not take the gallery down; its own page says what is wrong.
        logger.exception("the opening figure of %s cannot be drawn", slug)
        return None


def _drawn(slug: str) -> pn.viewable.Viewable | None:
    frame = first_frame.load(slug)
    if frame is None:
        return None
    lens = lens_class(slug)()
    frame = frame.merged(lens.hand(lens.request(), frame))
    figure = _bare(lens.figures(frame)[0])
    model = Screen(figure, frame, {}).draw(frame)
    model.update(sizing_mode="stretch_width", aspect_ratio=None, height=HEIGHT)
    model.update(min_border=0, min_border_left=0, min_border_right=0, min_border_bottom=0, min_border_top=0)
    return pn.pane.Bokeh(model, height=HEIGHT, sizing_mode="stretch_width", margin=0)


def _bare(figure: Figure) -> Figure:
    """Marks only: at a card's size words would collide."""
    layers = [layer for layer in figure.layers if layer.kind != "labels"]
    hidden = {"label": "", "visible": False}
    return replace(figure, layers=layers, x=replace(figure.x, **hidden), y=replace(figure.y, **hidden))
