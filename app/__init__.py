"""anisoscope.app: lenses, the page around them, exports and the command.

Importing this package is light; the names below load what they need when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if __name__ != "anisoscope.app":
    raise ImportError(
        f"import this package as anisoscope.app, not as {__name__}: a second copy of its modules would appear"
    )

if TYPE_CHECKING:
    from .api import available_lenses, open_lens
    from .lens import Lens
    from .server import serve

_HOMES = {"open_lens": ".api", "available_lenses": ".api", "serve": ".server", "Lens": ".lens"}

__all__ = ["Lens", "available_lenses", "open_lens", "serve"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
