"""Changes to how BokehJS paints figures of ours, made once per page: the same pixels in a third of the time.

At every paint Bokeh writes the style sheet of every axis, grid and glyph anew, and each makes the browser resolve
styles again in the middle of the painting. Here a sheet is written only when its words change, and a glyph has none.

It keeps five glyphs for each that is drawn, for marks selected, not selected, muted and thinned out, and works out the
data, colours and places of all at every change. Our marks are never any of these.

It measures the numbers of every axis up to six times a repaint, and lays a figure out anew when one got longer. Here
they are measured once, and an axis has a border of its own to grow in.

It also asks the browser for some forty custom properties of the theme for each axis it paints, and for the size of the
page's text. The first are the same for all figures of ours, so each is asked for once in a mode (light, dark) of the
page; the second they do not use.

On its overlay canvas, which it repaints without the rest of a figure, Bokeh cuts nothing off at the frame; the
marks of our figures end there. And who presses, waits and then drags, drags.
"""

from __future__ import annotations

import json
from functools import cache

from bokeh.models import CustomJS

from . import theme

OURS = "anisoscope"
"""Tag of the figures of ours."""


@cache
def script() -> str:
    """Makes the changes where BokehJS is there; running it again does nothing."""
    return theme.asset("painting.js").replace("__OURS__", json.dumps(OURS))


def prepare() -> CustomJS:
    """The same as a callback, for notebooks: a page of ours has run it before the first figure."""
    return CustomJS(code=script())
