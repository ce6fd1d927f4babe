"""SVG files of figures: with their font inside, and as wide as was asked for."""

from __future__ import annotations

import base64
import re
from functools import cache
from importlib import resources

from matplotlib.figure import Figure as Canvas

from .style import MM_PER_INCH


@cache
def _font_face() -> bytes:
    data = (resources.files("anisoscope.assets") / "fonts" / "inter.woff2").read_bytes()
    address = "data:font/woff2;base64," + base64.b64encode(data).decode()
    face = f'@font-face{{font-family:"Inter";font-weight:400 700;src:url({address}) format("woff2")}}'
    return f"<style>{face}</style>".encode()


def with_font(svg: bytes) -> bytes:
    """The text of the SVG is text; with its font inside it looks the same everywhere."""
    head, tag, rest = svg.partition(b"<defs>")
    return head + tag + _font_face() + rest


def in_mm(svg: bytes, canvas: Canvas) -> bytes:
    """The size in millimetres as it was asked for; Matplotlib writes rounded points."""
    for name, inches in zip(("width", "height"), canvas.get_size_inches(), strict=True):
        size = f'{name}="{inches * MM_PER_INCH:.6g}mm"'.encode()
        svg = re.sub(rb"(?<=\s)" + name.encode() + rb'="[\d.]+pt"', size, svg, count=1)
    return svg
