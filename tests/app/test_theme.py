"""Tokens, palettes, style sheets, fonts: what the look promises, checked as numbers."""

from __future__ import annotations

import itertools
import math
import re
from importlib.resources import files
from typing import get_args

import panel as pn
import pytest

from anisoscope.app import theme
from anisoscope.app.figure import Role
from anisoscope.app.palettes import PHASE_HUES, PHASE_LEVELS, ramp
from anisoscope.app.shell import dark
from anisoscope.app.shell.page import lens_page

FONTS = files("anisoscope.assets") / "fonts"


def luminance(hex_: str) -> float:
    channels = [int(hex_[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_every_role_of_a_figure_has_a_colour_in_both_themes() -> None:
    assert set(get_args(Role)) <= set(theme.LIGHT)
    assert list(theme.LIGHT) == list(theme.DARK)


def test_tokens_can_be_exchanged_there_and_back() -> None:
    assert len(set(theme.LIGHT.values())) == len(theme.LIGHT)
    assert not set(theme.LIGHT.values()) & set(theme.DARK.values())
    drawn = [theme.DARK[role] for role in get_args(Role)]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize("tokens", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_text_and_controls_have_enough_contrast(tokens: dict[str, str]) -> None:
    for role in ("ink", "ink2", "ink3", "hand_text", "amber_text", "ok", "err"):
        assert contrast(tokens[role], tokens["page"]) >= 4.5, role
    for role in ("hand", "edge", "blue", "green", "purple", "grey"):
        assert contrast(tokens[role], tokens["page"]) >= 3.0, role


@pytest.mark.parametrize("name", theme.PALETTES)
def test_palettes_are_pairs_of_256_hexes(name: str) -> None:
    for colours in theme.PALETTES[name]:
        assert len(colours) == 256
        assert all(re.fullmatch(r"#[0-9A-F]{6}", colour.upper()) for colour in colours)


def test_phase_wheel_closes_and_brightens_with_the_level() -> None:
    assert PHASE_HUES * PHASE_LEVELS == 256
    for colours in theme.PALETTES["phase"]:
        levels = [colours[k * PHASE_HUES : (k + 1) * PHASE_HUES] for k in range(PHASE_LEVELS)]
        for darker, brighter in itertools.pairwise(levels):
            assert all(luminance(a) < luminance(b) for a, b in zip(darker, brighter, strict=True))
        for wheel in levels:
            steps = [_distance(wheel[k - 1], wheel[k]) for k in range(PHASE_HUES)]
            # A few hues lie outside sRGB and are clipped, which bunches them; there must be no seam.
            assert max(steps) < 4 * (sum(steps) / PHASE_HUES)


def _distance(a: str, b: str) -> float:
    return math.dist([int(a[k : k + 2], 16) for k in (1, 3, 5)], [int(b[k : k + 2], 16) for k in (1, 3, 5)])


def test_ramp_passes_through_its_ends() -> None:
    colours = ramp("F4F6F9-154F8C-0B2C55")
    assert (colours[0], colours[-1]) == ("#F4F6F9", "#0B2C55")


def test_document_css_sets_every_token_for_both_themes() -> None:
    css = theme.document_css()
    assert css.count("--an-hand-text:") == 2
    assert css.count("#") == 2 * len(theme.LIGHT)


def test_rules_hold_without_any_script() -> None:
    (rules,) = theme.stylesheets()
    used = set(re.findall(r"var\((--an-[a-z0-9-]+)\)", rules))
    assert used == set(), "every token needs its light value behind it"
    assert rules.count("{") == rules.count("}")
    assert "http" not in rules


def test_fonts_are_complete_licensed_and_small() -> None:
    assert all((FONTS / name).is_file() for name in dark.FONTS)
    assert sum(len((FONTS / name).read_bytes()) for name in dark.FONTS) < 450_000
    for licence in ("Inter-OFL.txt", "SourceSerif4-OFL.txt"):
        assert "SIL OPEN FONT LICENSE" in (FONTS / licence).read_text(encoding="utf-8")


def test_notebook_css_names_no_address() -> None:
    css = dark.inline_css()
    assert set(re.findall(r"url\((.{8})", css)) == {"data:fon"}


def test_the_page_does_not_follow_how_busy_the_server_is() -> None:
    """Followed, each event of the server walks the whole document: a tenth of a second under the hand."""
    page = lens_page("A lens", pn.pane.HTML("body"))
    with pn.util.parameters.edit_readonly(pn.state):
        pn.state.busy = True
        try:
            assert page.busy is False
        finally:
            pn.state.busy = False
