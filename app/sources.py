"""Where lenses come from: this package, and other people's packages by an entry point. No lens is imported here."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from importlib.util import find_spec

GROUP = "anisoscope.lenses"
"""Entry points of this group are lenses: the name is the slug, the value is module:LENS."""

OURS = "anisoscope.app.lenses"


@dataclass(frozen=True)
class Source:
    """One lens before it is loaded.

    Attributes:
        slug: the lens's name.
        module: dotted name of the module that holds the class.
        attribute: name of the class in it.
        distribution: the installed package that brings it, empty for our own.
        clash: why it is refused, where another lens has the slug.
    """

    slug: str
    module: str
    attribute: str = "LENS"
    distribution: str = ""
    clash: str = ""

    @property
    def key(self) -> str:
        """The slug; of a refused lens what no other lens can be named."""
        return f"{self.slug}@{self.distribution}" if self.clash else self.slug

    @property
    def assets(self) -> Traversable:
        """Folder of story, presets, hand.js and first frame: `assets/<slug>` beside the module that holds the class.

        Raises:
            ImportError: the module is not there, or lies in no package.
        """
        if not self.distribution:
            return resources.files("anisoscope.assets") / self.slug
        spec = find_spec(self.module)
        if spec is None or not spec.parent:
            raise ImportError(
                f"{self.module} is not a module of a package, beside which assets/{self.slug} can lie"
            )
        return resources.files(spec.parent) / "assets" / self.slug


def lens_sources() -> dict[str, Source]:
    """All lenses by key: ours, and those of other packages. Of two with one slug ours wins; of two others, neither."""
    package = importlib.import_module(OURS)
    ours = [Source(module.name, f"{OURS}.{module.name}") for module in pkgutil.iter_modules(package.__path__)]
    found = [*ours, *_checked(_of_others(), {source.slug for source in ours})]
    return {source.key: source for source in found}


def lens_assets(slug: str) -> Traversable:
    """Folder of a lens's data; it need not be there."""
    return lens_sources().get(slug, Source(slug, OURS)).assets


# What is installed while a server runs is found by the next one.
@cache
def _of_others() -> tuple[Source, ...]:
    found = [
        Source(
            point.name, point.module, point.attr or "LENS", point.dist.name if point.dist else point.module
        )
        for point in metadata.entry_points(group=GROUP)
    ]
    return tuple(sorted(found, key=lambda source: (source.slug, source.distribution)))


def _checked(others: tuple[Source, ...], taken: set[str]) -> list[Source]:
    counts = Counter(source.slug for source in others)
    checked = []
    for source in others:
        rivals = [other.distribution for other in others if other.slug == source.slug]
        clash = ""
        if source.slug in taken:
            clash = f"Anisoscope has a lens {source.slug} of its own; {source.distribution} must choose another slug"
        elif counts[source.slug] > 1:
            clash = f"{' and '.join(rivals)} both bring a lens {source.slug}; uninstall one"
        checked.append(Source(source.slug, source.module, source.attribute, source.distribution, clash))
    return checked
