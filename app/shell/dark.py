"""Light and dark: one switch in the browser for page, widgets and figures.

The server sends light colours only. `script` is the library every page runs first; `toggle` is the button,
which also brings the library, tokens and fonts along where the page is not ours (a notebook).
"""

from __future__ import annotations

import base64
import json
from functools import cache
from importlib.resources import files
from typing import ClassVar

import panel as pn
import param

from .. import theme
from .component import PlainComponent

FONTS = (
    "inter.woff2",
    "source-serif-4-latin-wght-normal.woff2",
    "source-serif-4-latin-wght-italic.woff2",
    "source-serif-4-greek-wght-normal.woff2",
    "source-serif-4-greek-wght-italic.woff2",
)


@cache
def script() -> str:
    """The library `window.anisoscopeTheme`; running it twice is harmless."""
    text = theme.asset("dark.js")
    return text.replace("__LIGHT__", json.dumps(theme.LIGHT)).replace("__DARK__", json.dumps(theme.DARK))


def font_css(urls: dict[str, str]) -> str:
    """`@font-face` rules with the addresses of `FONTS`."""
    text = theme.asset("fonts.css")
    for name in FONTS:
        text = text.replace("{" + name + "}", urls[name])
    return text


@cache
def inline_css() -> str:
    """Tokens and fonts in one text with no address in it, for notebooks: about 0.3 MB."""
    folder = files("anisoscope.assets") / "fonts"
    data = {name: base64.b64encode((folder / name).read_bytes()).decode() for name in FONTS}
    return theme.document_css() + font_css({n: f"data:font/woff2;base64,{d}" for n, d in data.items()})


class ThemeToggle(PlainComponent):
    """A switch between light and dark that remembers the choice in the browser."""

    css = param.String(default="", doc="Tokens and fonts for a page that has none of ours.")

    _esm = script() + theme.asset("toggle.js")
    _stylesheets: ClassVar[list[str]] = [theme.asset("header.css")]


def toggle() -> ThemeToggle:
    """The theme switch: for the header of a page, or for the lens's own bar in a notebook."""
    document = pn.state.curdoc
    served = document is not None and document.session_context is not None
    return ThemeToggle(css="" if served else inline_css(), margin=0)
