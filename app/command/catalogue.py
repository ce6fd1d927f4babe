"""`anisoscope list` and `anisoscope cite`."""

from __future__ import annotations

import argparse


def list_lenses(asked: argparse.Namespace) -> int:
    """One line per lens: slug, title, the package that brings it where it is not ours, and why it cannot be loaded."""
    from .. import available_lenses

    entries = available_lenses()
    width = max((len(slug) for slug in entries), default=0)
    for slug, entry in sorted(entries.items()):
        origin = f"  (from {entry.distribution})" if entry.distribution else ""
        broken = f"  (cannot be loaded: {entry.error})" if entry.error else ""
        print(f"{slug:<{width}}  {entry.title}{origin}{broken}")
    return 0


def cite(asked: argparse.Namespace) -> int:
    """BibTeX entries of a lens's papers."""
    from ..registry import lens_class

    print("\n\n".join(paper.bibtex.strip() for paper in lens_class(asked.slug).papers))
    return 0
