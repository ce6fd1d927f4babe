"""Which lenses there are. A lens that cannot be loaded is an entry with its message, never a dead gallery."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass

from .errors import UnknownLensError
from .lens import Lens
from .sources import Source, lens_sources

SLUG = re.compile(r"[a-z][a-z0-9_]*")
"""It is an address, a folder and a part of a name in JavaScript."""


@dataclass(frozen=True)
class LensEntry:
    """What the gallery and `anisoscope list` say of a lens.

    `distribution` names the installed package of a lens that is not ours; `error` says why it could not be loaded.
    """

    slug: str
    title: str
    sentence: str
    paper: str
    cost: str = ""
    error: str | None = None
    distribution: str = ""


class DuplicateLensError(RuntimeError):
    """Two lenses claim one slug."""


def lens_entries() -> dict[str, LensEntry]:
    """All lenses by slug: those of `anisoscope.app.lenses`, then those of other people's packages."""
    return {key: _entry(source) for key, source in lens_sources().items()}


def lens_class(slug: str) -> type[Lens]:
    """The class of a lens.

    Raises:
        UnknownLensError: no lens has this slug.
        DuplicateLensError: it is refused, another lens has its slug.
        Exception: whatever importing the lens raises.
    """
    sources = lens_sources()
    if slug not in sources:
        raise UnknownLensError(slug, sorted(sources))
    return _load(sources[slug])


def _load(source: Source) -> type[Lens]:
    if source.clash:
        raise DuplicateLensError(source.clash)
    name = f"{source.module}:{source.attribute}"
    if not SLUG.fullmatch(source.slug):
        raise TypeError(f"{name}: a slug is small letters, digits and _; it is {source.slug!r}")
    found = getattr(importlib.import_module(source.module), source.attribute, None)
    if not (isinstance(found, type) and issubclass(found, Lens)):
        raise TypeError(f"{name} must be a subclass of anisoscope.app.lens.Lens; it is {found!r}")
    if found.slug != source.slug:
        raise TypeError(
            f"{name}: its slug is {found.slug!r}, must be {source.slug!r}, the name it is found by"
        )
    return found


def _entry(source: Source) -> LensEntry:
    # Whatever a lens raises at import must not take the gallery down; the card shows it.
    try:
        lens = _load(source)
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        return LensEntry(source.key, source.slug, "", "", error=words, distribution=source.distribution)
    papers = ", ".join(p.short for p in lens.papers)
    return LensEntry(lens.slug, lens.title, lens.hook, papers, lens.cost, distribution=source.distribution)
