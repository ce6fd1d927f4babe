"""Resident memory of the server after 5000 scrubs of the whole lens, over what it was after the first 300."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from .browser import LENSES, opened, served

SETTLED, SCRUBS, BATCH = 300, 5000, 100

# Sets one temperature after the other, each when the picture of the one before has been drawn.
SCRUB = """async ([start, count]) => {
  const models = [...Bokeh.documents[0]._all_models.values()]
  const slider = models.find((m) => String(m.name).startsWith('dial-temperature-')).data
  const packet = models.find((m) => m.type === 'Packet')
  for (let i = start; i < start + count; i++) {
    const before = packet.echo
    slider.value = 0.5 + 0.0002 * i
    for (let waited = 0; packet.echo === before && waited < 200; waited++) await new Promise((go) => setTimeout(go, 5))
  }
}"""


def rows() -> Iterator[dict[str, Any]]:
    """The whole lens through the real command; one browser."""
    with served(*LENSES) as (chromium, port, server):
        page = opened(chromium, port, "ghosts")
        _scrub(page, 0, SETTLED)
        first = _resident(server)
        _scrub(page, SETTLED, SCRUBS)
        last = _resident(server)
    yield {"name": f"resident after {SETTLED} scrubs", "value": first, "unit": "MB"}
    settled = f"resident after {SETTLED} scrubs"
    yield {"name": f"resident after {SCRUBS} more", "value": last, "unit": "MB", "ratio_to": settled}


def _scrub(page: Page, start: int, count: int) -> None:
    for at in range(start, start + count, BATCH):
        page.evaluate(SCRUB, [at, BATCH])


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
