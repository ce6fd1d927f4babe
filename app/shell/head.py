"""The line above a figure: title, unit and legend as HTML, so that it wraps and is read aloud.

A canvas says nothing to those who cannot see it: the figure's words in `aria` follow, for screen readers alone.
"""

from __future__ import annotations

from html import escape

import panel as pn

from ..figure import Figure, Key
from .component import asset

MARKS = {
    "line": '<path d="M0 6H20" stroke="currentColor" stroke-width="2"/>',
    "bound": '<path d="M0 6H20" stroke="currentColor" stroke-width="1.8" stroke-dasharray="5 2.5"/>',
    # On whole pixels: between two it would be paler than what it stands for.
    "fine": '<path d="M0 6.5H20" stroke="currentColor" stroke-width="1.2"/>',
    "dot": '<circle cx="6" cy="6" r="3.2" fill="currentColor"/>',
    "ring": '<circle cx="6" cy="6" r="3.9" fill="none" stroke="currentColor" stroke-width="1.8"/>',
    "handle": '<circle cx="6" cy="6" r="4.2" fill="currentColor" fill-opacity=".3" stroke="currentColor"/>',
    "swatch": '<path d="M0 1H16V11H0Z" fill="currentColor" opacity=".42"/>',
}
WIDTHS = {"line": 20, "bound": 20, "fine": 20, "swatch": 16}


def legend_mark(key: Key) -> str:
    """The mark of a legend entry as inline SVG, in the colour of its role."""
    width = WIDTHS.get(key.mark, 12)
    colour = f"color:var(--an-{key.role}, currentColor)"
    return (
        f'<svg aria-hidden="true" width="{width}" height="12" viewBox="0 0 {width} 12" style="{colour}">'
        f"{MARKS[key.mark]}</svg>"
    )


def head_html(figure: Figure) -> str:
    """Title, unit and legend of a figure as one line of HTML, and what the picture shows; all text escaped."""
    said = [f'<span class="unit">{escape(words)}</span>' for words in (figure.unit, figure.hint) if words]
    entries = "".join(f"<li>{legend_mark(key)}{escape(key.text)}</li>" for key in figure.legend)
    legend = f'<ul aria-label="Legend">{entries}</ul>' if entries else ""
    line = f'<div class="figure-head"><h3>{escape(figure.title)}</h3>{"".join(said)}{legend}</div>'
    return line + (f'<p class="spoken">{escape(figure.aria)}</p>' if figure.aria else "")


def figure_head(figure: Figure) -> pn.pane.HTML:
    """The line as a pane; set its `object` to `head_html(figure)` when the words change."""
    styles = [asset("base.css"), asset("head.css")]
    return pn.pane.HTML(head_html(figure), stylesheets=styles, sizing_mode="stretch_width", margin=0)
