"""The words of a lens as HTML: story, title, lede, claims. All text from outside is escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from html import escape

from markdown_it import MarkdownIt

from .control import Card, Claim
from .lens import Lens, Paper
from .sources import lens_assets


@cache
def story(slug: str) -> dict[str, str]:
    """Sections of `assets/<slug>/story.md` by heading, as HTML."""
    source = lens_assets(slug) / "story.md"
    if not source.is_file():
        return {}
    parts = re.split(r"^## +(.+)$", source.read_text(encoding="utf-8"), flags=re.MULTILINE)
    markdown = MarkdownIt("commonmark", {"html": False})
    return {
        heading.strip(): _whole(markdown.render(body))
        for heading, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def _whole(text: str) -> str:
    """A number and its percent sign stay on one line."""
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text)


def _text(text: str) -> str:
    return _whole(escape(text))


def title(lens: Lens) -> str:
    papers = ", ".join(_link(paper) for paper in lens.papers)
    return f'<h1>{escape(lens.title)}</h1><p class="meta">{escape(lens.field)} · {papers}</p>'


def _link(paper: Paper) -> str:
    where = paper.page or f"https://arxiv.org/abs/{paper.arxiv}"
    number = f", arXiv {paper.arxiv}" if paper.arxiv else ""
    return f'<a href="{escape(where)}" target="_blank" rel="noopener">{escape(paper.short + number)}</a>'


def lede(lens: Lens) -> str:
    hand, rest = lens.invitation()
    return f'<p><b class="hand">{_text(hand)}</b> {_text(rest)}</p>'


def explanation(lens: Lens) -> str:
    """What is to be seen in the state of the lens: "What you see: TOPIC" of the story, else "What you see"."""
    heading, topic = "What you see", lens.topic()
    body = story(lens.slug).get(f"{heading}: {topic}") or story(lens.slug).get(heading, "")
    return f"<h2>{escape(heading)}</h2>{body}" if body else ""


def section(slug: str, heading: str, quoted: bool = False) -> str:
    """One section of the story under its heading; empty where the story has none."""
    body = story(slug).get(heading, "")
    if not body:
        return ""
    body = f"<blockquote>{body}</blockquote>" if quoted else body
    return f"<h2>{escape(heading)}</h2>{body}"


def claims(rows: Sequence[Claim]) -> str:
    """What this does not say, as a table: sentence, the paper's figure, ours."""
    if not rows:
        return ""
    marks = {"agrees": "agrees", "disagrees": "differs", "ours": "ours"}
    body = "".join(
        f'<tr class="{row.standing}"><td>{_text(row.text)} <span class="source">{_text(row.source)}</span></td>'
        f"<td>{_text(row.paper)}</td><td>{_text(row.ours)}</td><td>{marks[row.standing]}</td></tr>"
        for row in rows
    )
    head = "<tr><th>Statement</th><th>Paper</th><th>Here, now</th><th></th></tr>"
    return f'<h2>What this does not say</h2><table class="claims"><thead>{head}</thead><tbody>{body}</tbody></table>'


def card(shown: Card | None) -> str:
    """What is selected: a small picture and two lines."""
    if shown is None:
        return ""
    picture = _pixels(shown.pixels) if shown.pixels else ""
    lines = f'<span class="name">{_text(shown.title)}</span><span class="detail">{_text(shown.text)}</span>'
    return f'<h2>{escape(shown.heading)}</h2><div class="card">{picture}<div>{lines}</div></div>'


def _pixels(rows: Sequence[Sequence[float]]) -> str:
    """Ink on paper, 0 to 1: a vector picture that follows the theme."""
    height, width = len(rows), len(rows[0])
    cells = "".join(
        f'<rect x="{x}" y="{y}" width="1.02" height="1.02" fill-opacity="{value:.2f}"/>'
        for y, row in enumerate(rows)
        for x, value in enumerate(row)
        if value > 0
    )
    size = f'viewBox="0 0 {width} {height}" shape-rendering="crispEdges"'
    return f'<svg class="pixels" role="img" aria-label="the selected sample" {size}>{cells}</svg>'
