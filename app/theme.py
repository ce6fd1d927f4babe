"""Colours, type and layout of the page: tokens by role, palettes as (light, dark) pairs, style sheets.

Styles stop at shadow roots, custom properties do not. So the *document* gets the tokens once (`document_css`:
`--an-ink`, `--an-hand-text`, … on `:root`, dark under `[data-theme=dark]` of `<html>`), and every Panel
object with a class below gets the rules (`stylesheets`), in which each token falls back to its light value.

Nesting of a lens (each a Panel layout or pane with `css_classes=[…]` and `stylesheets=stylesheets(…)`):

    an-lens                    Column  the container whose width decides; all below are inside it
      an-grid                  Column  the grid itself; its children, in reading order:
        an-title               HTML    <h1>…</h1> <p class="meta">field · <a>paper</a></p>
        an-lede                HTML    <p><b class="hand">Drag …</b> outward. …</p>
        an-controls            Column  sticky; exactly two children:
          an-primary           Column  the one orange control (<= 640 px: directly under the hero)
          an-secondary         Column  other controls, readouts
        an-figures             Column  children:
          an-hero              Column  head and canvas of the first figure
          an-figure            Column  head and canvas of each further figure at full width
          an-pair              Column  grid of auto-fit columns; its children are an-figure
        an-story               Column  children:
          an-see               HTML    <h2>What you see</h2><p>…</p>
          an-try               Column or HTML; at middle width the right-hand column
          an-not               HTML    <h2>What we could not reproduce</h2><blockquote>…</blockquote>
        an-table               Column, under the figures
        an-claims              Column or HTML, full width
        an-status              any     full width, sticks to the lower edge

Give all of them `sizing_mode="stretch_width"`, `margin=0`. Widths of the lens: above 1180 px 248/fluid/272,
641 to 1180 px 224/fluid with the story below in two columns, up to 640 px one column. Inside HTML panes:
h1, h2, p, p.meta, p.small, a, b.hand, blockquote (amber bar), table.numbers (right-aligned), kbd, code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from bokeh.palettes import Cividis256

from .palettes import PHASE_HUES, PHASE_LEVELS, diverging, emitting, phase, ramp

LIGHT: dict[str, str] = {
    "page": "#FBFAF8",
    "plot": "#FFFFFF",
    "panel": "#F3F2EE",
    "line": "#E3E1DB",
    "grid": "#ECEAE5",
    "axis": "#A9ACB2",
    "edge": "#878C95",
    "ink": "#16181D",
    "ink2": "#545B66",
    "ink3": "#6B727D",
    "hand": "#D23F08",
    "hand_text": "#C23A06",
    "blue": "#154F8C",
    "amber": "#BF8700",
    "amber_text": "#8A6100",
    "green": "#2C9C84",
    "purple": "#9A5CCB",
    "grey": "#626973",
    "veil": "#E4E4E1",
    "ok": "#1E7A5F",
    "err": "#B3261E",
}
"""Colours by role on the light ground; paper exports always use these."""

DARK: dict[str, str] = {
    "page": "#121418",
    "plot": "#181B21",
    "panel": "#1D2127",
    "line": "#2C313A",
    "grid": "#262B33",
    "axis": "#5B6370",
    "edge": "#727B89",
    "ink": "#E9EBEE",
    "ink2": "#A7AEB9",
    "ink3": "#8C94A0",
    "hand": "#FF6B35",
    "hand_text": "#FF8A5C",
    "blue": "#4C8FE8",
    "amber": "#F2C14E",
    "amber_text": "#F2C14E",
    "green": "#5CC9B0",
    "purple": "#CDAAF2",
    "grey": "#98A0AB",
    "veil": "#393E46",
    "ok": "#5CC9B0",
    "err": "#FF8A80",
}
"""The same roles on the dark ground."""

SANS = "Inter, system-ui, sans-serif"
# Sub- and superscripts are not in the serif; Inter ships them, so that they look the same on every machine.
SERIF = '"Source Serif 4", Inter, Charter, Georgia, serif'

_SKY = ("F4F6F9-D5E2F0-9CC0E3-4F8DC9-154F8C-0B2C55", "1B222C-1E3350-22518A-3C7FCB-86B9F0-E2F0FF")
_SKY_DOTS = ("B4BFCC-7FA9D4-3F7FBF-154F8C-0B2C55", "46566B-3B6CA8-4C8FE8-94C2F7-EAF4FF")
_GREY = [f"#{k:02X}{k:02X}{k:02X}" for k in range(256)]

PALETTES: dict[str, tuple[list[str], list[str]]] = {
    "sky": (ramp(_SKY[0]), ramp(_SKY[1])),
    "sky_dots": (ramp(_SKY_DOTS[0]), ramp(_SKY_DOTS[1])),
    "ink": (ramp("FFFFFF-16181D"), ramp("181B21-E9EBEE")),
    "grey": (_GREY, _GREY),
    "psf": (emitting(), emitting()),
    "cividis": (list(Cividis256), list(Cividis256)),
    "cividis_over_nothing": (
        [LIGHT["plot"], *Cividis256[1:]],
        [DARK["plot"], *Cividis256[1:]],
    ),
    "signed": (diverging(), diverging()),
    "phase": (
        phase(lightness=(0.850, 0.905), chroma=0.078),
        phase(lightness=(0.33, 0.40), chroma=0.095),
    ),
}
"""256 colours each, (light, dark). `phase`: index = level * PHASE_HUES + hue. `cividis_over_nothing`: index 0 is the
ground, where there is no value yet. `grey`: photographs, which are no negatives on a dark page."""

__all__ = [
    "DARK",
    "LIGHT",
    "PALETTES",
    "PHASE_HUES",
    "PHASE_LEVELS",
    "SANS",
    "SERIF",
    "asset",
    "document_css",
    "material_theme",
    "stylesheets",
]


@cache
def asset(name: str) -> str:
    """Text of a file of `assets/theme`."""
    return (files("anisoscope.assets") / "theme" / name).read_text(encoding="utf-8")


def _variable(role: str) -> str:
    return "--an-" + role.replace("_", "-")


@cache
def document_css() -> str:
    """Tokens for the document, once per page: light on `:root`, dark under `[data-theme=dark]`."""
    light = "".join(f"{_variable(role)}:{hex_};" for role, hex_ in LIGHT.items())
    dark = "".join(f"{_variable(role)}:{hex_};" for role, hex_ in DARK.items())
    return (
        f":root{{color-scheme:light;--an-sans:{SANS};--an-serif:{SERIF};{light}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}"
    )


@cache
def _rules() -> str:
    text = "\n".join(asset(name) for name in ("words.css", "layout.css", "figures.css", "gallery.css"))
    tokens = {_variable(role): hex_ for role, hex_ in LIGHT.items()} | {
        "--an-sans": SANS,
        "--an-serif": SERIF,
    }
    # A light value behind every token: the rules hold before, and without, any script.
    text = re.sub(r"var\((--an-[a-z0-9-]+)\)", lambda m: f"var({m[1]}, {tokens[m[1]]})", text)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    return re.sub(r" ?([{};,>]) ?", r"\1", text).strip()


_ABOUT_A_CLASS = re.compile(r":host\(\.([a-z-]+)\)")


@cache
def stylesheets(*classes: str, words: bool = True) -> list[str]:
    """The style sheets of an HTML pane, layout or component with these classes; all of them without.

    Every object carries its style sheets over the websocket, so it gets only the rules that can apply to it:
    those about its classes and, where it holds words of its own, those about no class.
    """
    return [_kept(_rules(), frozenset(classes), words) if classes else _rules()]


def _kept(css: str, classes: frozenset[str], words: bool) -> str:
    kept = []
    for head, body in _blocks(css):
        if head.startswith("@container") or head.startswith("@media"):
            inner = _kept(body, classes, words)
            kept.append(f"{head}{{{inner}}}" if inner else "")
            continue
        named = _ABOUT_A_CLASS.findall(head)
        if (words and not named) or classes.intersection(named):
            kept.append(f"{head}{{{body}}}")
    return "".join(kept)


def _blocks(css: str) -> Iterator[tuple[str, str]]:
    """Head and body of each rule at the outermost level."""
    start = depth = opened = 0
    for at, letter in enumerate(css):
        if letter == "{":
            opened = at if depth == 0 else opened
            depth += 1
        elif letter == "}":
            depth -= 1
            if depth == 0:
                yield css[start:opened].strip(), css[opened + 1 : at]
                start = at + 1


def material_theme() -> dict[str, Any]:
    """`theme_config` for panel-material-ui: the Page, and every Material widget that stands without one."""
    return {"light": _material(LIGHT), "dark": _material(DARK)}


def _material(tokens: dict[str, str]) -> dict[str, Any]:
    button = {"styleOverrides": {"root": {"textTransform": "none", "boxShadow": "none"}}}
    return {
        "palette": {
            "primary": {"main": tokens["ink2"], "contrastText": tokens["plot"]},
            "secondary": {"main": tokens["hand"], "contrastText": tokens["plot"]},
            "default": {"main": tokens["ink2"], "dark": tokens["ink3"]},
            "error": {"main": tokens["err"]},
            "success": {"main": tokens["ok"]},
            "background": {"default": tokens["page"], "paper": tokens["page"]},
            "text": {"primary": tokens["ink"], "secondary": tokens["ink2"]},
            "divider": tokens["line"],
        },
        "typography": {"fontFamily": SANS, "fontSize": 13},
        "shape": {"borderRadius": 4},
        "components": {"MuiButton": button},
    }
