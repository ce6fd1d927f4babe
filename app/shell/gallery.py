"""The gallery: one card per lens that exists, a grey row for one that cannot be loaded, and how to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Protocol

import panel as pn

from .. import theme


class Entry(Protocol):
    """What a card says of a lens; `error` where it could not be loaded, `distribution` where it is another package's."""

    @property
    def slug(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def paper(self) -> str: ...
    @property
    def cost(self) -> str: ...
    @property
    def error(self) -> str | None: ...
    @property
    def distribution(self) -> str: ...


Thumbnail = Callable[[str], pn.viewable.Viewable | None]

_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")

_FOOT = """<div class="foot">
<section><h2>How the numbers are checked</h2>
<p>Each preset of a lens names the figure, table or theorem it repeats. The test suite runs them all:
where our number leaves the paper’s, the lens says by how much and why.</p></section>
<section><h2>Bring your own</h2>
<p>Drop your weights, pulsars or map on a lens. Share copies a link that holds its whole state.
Export gives figures, tables and a request.json, from which the command line draws the same picture again.</p></section>
<section><h2>On the command line</h2>
<dl><dt><code>anisoscope list</code></dt><dd>the lenses of this installation</dd>
<dt><code>anisoscope export {slug} --request request.json</code></dt><dd>the picture again</dd>
<dt><code>anisoscope cite {slug}</code></dt><dd>BibTeX of the papers behind a lens</dd>
<dt><code>anisoscope doctor</code></dt><dd>what this machine has, and what it lacks</dd></dl></section>
</div>"""


def gallery(
    entries: Mapping[str, Entry] | Iterable[Entry],
    href: Callable[[str], str],
) -> pn.Column:
    """The body of the gallery's page.

    Args:
        entries: the lenses, in the order of their cards.
        href: address of a lens from its slug.
    """
    from ..drawing.thumbnail import thumbnail

    listed = list(entries.values()) if isinstance(entries, Mapping) else list(entries)
    sound = [entry for entry in listed if entry.error is None]
    broken = [entry for entry in listed if entry.error is not None]
    one = len(sound) == 1
    made = [_card(entry, href(entry.slug), thumbnail, wide=one) for entry in sound]
    few = ["an-tiles-one"] if one else ["an-tiles-few"] if len(sound) == 2 else []
    cards = _column(*made, css=["an-tiles", *few])
    rows = [_html(_broken_row(entry), ["an-absent"]) for entry in broken]
    foot = _html(_FOOT.format(slug=escape(sound[0].slug) if sound else "SLUG"), ["an-foot"])
    hall = _column(_html(_welcome(len(sound)), ["an-welcome"]), cards, *rows, foot, css=["an-hall"])
    return _column(hall, css=["an-gallery"])


def _welcome(count: int) -> str:
    number = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
    what = "research result as an instrument" if count == 1 else "research results as instruments"
    return (
        f"<h1>Direction matters. See where.</h1><p>{number} {what} you can hold. Every figure is computed as "
        "you move it, every number is checked against its paper, and where we disagree the page says so.</p>"
    )


def _card(entry: Entry, address: str, thumbnail: Thumbnail, wide: bool) -> pn.Column:
    picture = thumbnail(entry.slug)
    facts = "".join(
        f"<span>{escape(fact)}</span>" for fact in (entry.paper, entry.cost, _origin(entry)) if fact
    )
    words = (
        f'<div class="tile"><h3><a href="{escape(address, quote=True)}">{escape(entry.title)}</a></h3>'
        f'<p class="hook">{escape(entry.sentence)}</p><p class="facts small">{facts}</p></div>'
    )
    held = [] if picture is None else [picture]
    thumb, beside, tile = ["an-thumb"], ["an-tile-words"], ["an-tile"]
    if wide:
        thumb, beside, tile = [*thumb, "an-thumb-wide"], [*beside, "an-words-wide"], [*tile, "an-tile-wide"]
    return _column(_column(*held, css=thumb), _html(words, beside), css=tile)


def _broken_row(entry: Entry) -> str:
    origin, reason = _origin(entry), f"could not load: {entry.error}"
    return f'<p><b>{escape(entry.title)}</b> {escape(origin)} <span class="err">{escape(reason)}</span></p>'


def _origin(entry: Entry) -> str:
    """Who brings a lens that is not ours."""
    return f"from {entry.distribution}" if entry.distribution else ""


def _html(text: str, css: list[str]) -> pn.pane.HTML:
    styles = theme.stylesheets(*css)
    return pn.pane.HTML(text, css_classes=css, stylesheets=styles, sizing_mode="stretch_width", margin=0)


def _column(*children: pn.viewable.Viewable, css: list[str]) -> pn.Column:
    styles = theme.stylesheets(*css, words=False)
    return pn.Column(*children, css_classes=css, stylesheets=styles, sizing_mode="stretch_width", margin=0)
