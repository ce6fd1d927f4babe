"""Two changes to how BokehJS paints, made once per page.

At every paint Bokeh writes the style sheet of every axis, grid and glyph anew, in the same words: each makes the
browser resolve styles again in the middle of the painting. Here a sheet is written only when its words change.

On its overlay canvas, which it repaints without the rest of a figure, Bokeh cuts nothing off at the frame; the
marks of our figures end there.
"""

from __future__ import annotations

from bokeh.models import CustomJS

OURS = "anisoscope"
"""Tag of the figures whose marks end at the frame."""

PREPARE_JS = """
    if (window.__anisoscope_painting) return
    window.__anisoscope_painting = true
    const {InlineStyleSheet} = Bokeh.require("core/dom")
    InlineStyleSheet.prototype._update = function (css) { if (this.css !== css) this.el.textContent = css }
    const painter = Bokeh.Models.GlyphRenderer.prototype.default_view.prototype
    Object.defineProperty(painter, "needs_clip", {get() { return this.plot_view.model.tags.includes(ours) }})
"""


def prepare() -> CustomJS:
    """A callback that makes the changes; running it again does nothing."""
    return CustomJS(args={"ours": OURS}, code=PREPARE_JS)
