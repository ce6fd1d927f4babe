"""What a notebook or a script calls."""

from __future__ import annotations

from typing import Any

from .lens import Lens
from .notebook import prepare_notebook
from .registry import LensEntry, lens_class, lens_entries

__all__ = ["available_lenses", "open_lens"]


def open_lens(slug: str, **parameters: Any) -> Lens:
    """A lens, ready to be shown on the last line of a notebook cell or computed with `.compute()`.

    Args:
        slug: the lens's name, as `anisoscope list` prints it.
        parameters: starting values of its parameters; "ghosts" also takes a network of your own, as `model`, `inputs`
            (n, …) and `targets` (n,).

    Raises:
        UnknownLensError: no lens has this slug.
        RequestError: a parameter is unknown or out of range.

    >>> from anisoscope.app import open_lens
    >>> open_lens("ghosts", r=1.0).request()["r"]
    1.0
    """
    prepare_notebook()
    lens = lens_class(slug)()
    lens.restore(lens.validated(lens.bring(parameters)).as_dict())
    return lens


def available_lenses() -> dict[str, LensEntry]:
    """The lenses by slug; an entry's `error` says why a lens cannot be opened."""
    return lens_entries()
