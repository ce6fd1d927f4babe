"""The stored opening frame of a lens: the page shows it while torch is still being imported.

`python -m anisoscope.app.first_frame [SLUG …]` writes it anew for these lenses, or for every one; a test holds it
equal to what the lens computes today.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .frame import Columns, Frame
from .sources import lens_assets

if TYPE_CHECKING:
    from .lens import Lens


@cache
def load(slug: str) -> Frame | None:
    """The stored frame of a lens, None where it ships none; read once, and to be left as it is."""
    source = lens_assets(slug) / "first_frame.npz"
    if not source.is_file():
        return None
    with resources.as_file(source) as path, np.load(path, allow_pickle=False) as archive:
        head = json.loads(str(archive["head"]))
        tables: dict[str, Columns] = {}
        for table, columns in head["tables"].items():
            tables[table] = {
                name: _unpack(archive, f"{table}/{name}", pieces) for name, pieces in columns.items()
            }
    return Frame(tables, head["facts"], tuple(head["stage"]), tuple(head["notes"]))


def opening(lens: Lens) -> Frame | None:
    """The stored frame with the marks of the lens's present state; None where a lens ships none."""
    stored = load(lens.slug)
    return None if stored is None else stored.merged(lens.hand(lens.request(), stored))


def save(frame: Frame, path: Path) -> None:
    """Write a frame as compressed NPZ without pickles."""
    arrays: dict[str, np.ndarray] = {}
    layout: dict[str, dict[str, Any]] = {}
    for table, columns in frame.tables.items():
        layout[table] = {name: _pack(arrays, f"{table}/{name}", values) for name, values in columns.items()}
    head = {"tables": layout, "facts": dict(frame.facts), "stage": frame.stage, "notes": frame.notes}
    arrays["head"] = np.array(json.dumps(head))
    np.savez_compressed(path, **arrays)  # pyright: ignore[reportArgumentType]


def _pack(arrays: dict[str, np.ndarray], key: str, values: Any) -> list[Any] | None:
    """Store one column; returns its nesting: None for a plain array, a list for a list of pieces."""
    nested = isinstance(values, list) and any(
        isinstance(piece, (list, tuple, np.ndarray)) for piece in values
    )
    if not nested:
        array = np.asarray(values)
        arrays[key] = array.astype(np.float32) if array.dtype == np.float64 and array.size > 4096 else array
        return None
    return [
        _pack(arrays, f"{key}/{i}", np.asarray(p) if not isinstance(p, list) else p)
        for i, p in enumerate(values)
    ]


def _unpack(archive: Any, key: str, nesting: list[Any] | None) -> Any:
    if nesting is None:
        array = archive[key]
        return [str(word) for word in array] if array.dtype.kind in "US" else array
    return [_unpack(archive, f"{key}/{i}", piece) for i, piece in enumerate(nesting)]


def main() -> int:
    """Write the first frame of the lenses named, or of every one, into its assets."""
    from .registry import lens_class, lens_entries

    for slug, entry in lens_entries().items():
        if entry.error is None and slug in (sys.argv[1:] or [slug]):
            folder = Path(str(lens_assets(slug)))
            save(lens_class(slug)().compute(), folder / "first_frame.npz")
            print(slug, (folder / "first_frame.npz").stat().st_size, "bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
