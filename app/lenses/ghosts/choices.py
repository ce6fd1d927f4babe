"""What the drop-downs of the lens offer: words on the page, and the values behind them."""

from __future__ import annotations

VIEWS = {"one step": "step"}
LEDES: dict[str, tuple[str, str]] = {}
"""What the reader can do in a view, and what is then to be seen, where the words of the lens do not fit it."""
