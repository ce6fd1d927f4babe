"""Which lenses there are. A lens that cannot be imported is an entry with its message, never a dead gallery."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass

from .errors import UnknownLensError
from .lens import Lens


@dataclass(frozen=True)
class LensEntry:
    """What the gallery and `anisoscope list` say of a lens; `error` where it could not be loaded."""

    slug: str
    title: str
    sentence: str
    paper: str
    cost: str = ""
    error: str | None = None


class DuplicateLensError(RuntimeError):
    """Two lenses claim one slug."""


def lens_entries() -> dict[str, LensEntry]:
    """All lenses by slug, found by looking through `anisoscope.app.lenses`."""
    package = importlib.import_module("anisoscope.app.lenses")
    entries: dict[str, LensEntry] = {}
    for module in pkgutil.iter_modules(package.__path__):
        entry = _entry(module.name)
        if entry.slug in entries:
            raise DuplicateLensError(
                f"slug {entry.slug!r} is claimed by two lenses; the second is {module.name}"
            )
        entries[entry.slug] = entry
    return entries


def lens_class(slug: str) -> type[Lens]:
    """The class of a lens.

    Raises:
        UnknownLensError: no lens has this slug.
        Exception: whatever importing the lens raises.
    """
    entries = lens_entries()
    if slug not in entries:
        raise UnknownLensError(slug, sorted(entries))
    return _load(slug)


def _load(name: str) -> type[Lens]:
    found = getattr(importlib.import_module(f"anisoscope.app.lenses.{name}"), "LENS", None)
    if not (isinstance(found, type) and issubclass(found, Lens)):
        raise TypeError(f"anisoscope.app.lenses.{name} must export LENS, a subclass of Lens; it is {found!r}")
    if found.slug != name:
        raise TypeError(
            f"anisoscope.app.lenses.{name}: its slug is {found.slug!r}, must be the module's name"
        )
    return found


def _entry(name: str) -> LensEntry:
    # Whatever a lens raises at import must not take the gallery down; the card shows it.
    try:
        lens = _load(name)
    except Exception as error:
        return LensEntry(name, name, "", "", error=f"{type(error).__name__}: {error}")
    return LensEntry(lens.slug, lens.title, lens.hook, ", ".join(p.short for p in lens.papers), lens.cost)
