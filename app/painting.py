"""Four changes to how BokehJS paints, made once per page.

At every paint Bokeh writes the style sheet of every axis, grid and glyph anew, in the same words: each makes the
browser resolve styles again in the middle of the painting. Here a sheet is written only when its words change.

It also asks the browser for some forty custom properties of the theme for each axis it paints, and for the size of the
page's text. The first are the same for all figures of ours, so each is asked for once in a mode (light, dark) of the
page; the second they do not use.

On its overlay canvas, which it repaints without the rest of a figure, Bokeh cuts nothing off at the frame; the
marks of our figures end there.
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
