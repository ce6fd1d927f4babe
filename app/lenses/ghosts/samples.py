"""Tables over all samples: histograms of the radius, and the pictures of those inside the brush."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ...frame import Columns
from .extents import TILES_ACROSS, TILES_DOWN
from .probe import Probe, Radii
from .state import Subject
from .table_files import Table

BINS = 44
TILE = 9
"""Pixels of a tile: eight of the digit and one of the gap."""
BRIGHTEST = 255


def edges(bound: Tensor, exact: Tensor | None) -> np.ndarray:
    """Bin edges of log10 radius that hold both histograms, on a grid of 0.05 so that they do not tremble."""
    low = float(bound.log10().min())
    high = float((bound if exact is None else exact).log10().max())
    low, high = np.floor(low * 20) / 20 - 0.05, np.ceil(high * 20) / 20 + 0.05
    return np.linspace(low, high, BINS + 1)


def histogram_tables(bound: Tensor, rest: Radii | None, unit: float) -> dict[str, Columns]:
    """Counts of the bound, and once they are known of margin bound and exact radius, on common bins."""
    bins = edges(bound, None if rest is None else rest.exact)
    tables: dict[str, Columns] = {"bins": {"x": bins}}
    kinds = (
        [("bound", bound)]
        if rest is None
        else [("bound", bound), ("margin", rest.margin), ("exact", rest.exact)]
    )
    for name, values in kinds:
        logs = values.log10().cpu().numpy()
        counts, _ = np.histogram(logs[np.isfinite(logs)], bins)
        if name == "exact":
            tables["histogram_exact"] = {"left": bins[:-1], "right": bins[1:], "top": counts}
        else:
            tables[f"histogram_{name}"] = {"x": bins, "y": counts}
    return tables


def brush_table(brush: tuple[float, float]) -> Columns:
    """The brushed stretch of the histogram; empty where everything is chosen."""
    low, high = sorted(brush)
    chosen = np.array([[low, high]]) if (low, high) != EVERYTHING else np.zeros((0, 2))
    return {"x0": chosen[:, 0], "x1": chosen[:, 1]}


EVERYTHING = (-6.0, 6.0)


def thumbnail_tables(
    source: Probe | Table, bound: Tensor, brush: tuple[float, float], subject: Subject
) -> dict[str, Columns]:
    """A mosaic of the samples inside the brush, tightest bound first, row by row from the top."""
    low, high = sorted(brush)
    logs = bound.log10()
    inside = ((logs >= low) & (logs <= high)).nonzero().flatten()
    chosen = inside[bound[inside].argsort()][: TILES_ACROSS * TILES_DOWN].tolist()
    mosaic = np.zeros((TILES_DOWN * TILE, TILES_ACROSS * TILE), dtype=np.uint8)
    marks: dict[str, list[float]] = {"x": [], "y": []}
    for place, index in enumerate(chosen):
        row, column = divmod(place, TILES_ACROSS)
        if not isinstance(source, Probe) or source.images[index].numel() != 64:
            # Only digits have a picture; the figure is shown for them alone.
            continue
        pixels = source.images[index].reshape(8, 8).cpu().numpy()
        # Row 0 of the mosaic is the lowest: tiles are laid upside down.
        bottom = (TILES_DOWN - 1 - row) * TILE
        mosaic[bottom : bottom + 8, column * TILE : column * TILE + 8] = np.rint(BRIGHTEST * pixels[::-1])
        if index == subject.index:
            left, base = float(column), float(TILES_DOWN - 1 - row)
            side = 8 / TILE
            marks = {
                "x": [left, left + side, left + side, left, left],
                "y": [base, base, base + side, base + side, base],
            }
    extent = {"x0": [0.0], "x1": [float(TILES_ACROSS)], "y0": [0.0], "y1": [float(TILES_DOWN)]}
    return {
        "thumbnails": {**{k: np.array(v) for k, v in extent.items()}, "image": mosaic},
        "chosen_tile": {name: np.array(values) for name, values in marks.items()},
        "tiles": {"index": np.array(chosen, dtype=np.int64)},
        "inside": {"count": np.array([len(inside)])},
    }


def digit_table(subject: Subject) -> Columns:
    """Pixels of the sample, row by row from the top, 0 white to 1 black; empty where samples are no pictures."""
    source = subject.source
    if not isinstance(source, Probe) or source.images[subject.index].numel() != 64:
        return {"pixels": np.zeros(0)}
    return {"pixels": source.images[subject.index].flatten().cpu().numpy()}


def empty_sample_tables() -> dict[str, Columns]:
    """The sandbox has no data set."""
    none = np.array([])
    extent = {"x0": [0.0], "x1": [float(TILES_ACROSS)], "y0": [0.0], "y1": [float(TILES_DOWN)]}
    blank = np.zeros((TILES_DOWN * TILE, TILES_ACROSS * TILE), dtype=np.uint8)
    return {
        "bins": {"x": np.array([-1.0, 1.0])},
        "histogram_bound": {"x": np.array([-1.0, 1.0]), "y": np.array([0])},
        "histogram_margin": {"x": np.array([-1.0, 1.0]), "y": np.array([0])},
        "histogram_exact": {"left": none, "right": none, "top": none},
        "thumbnails": {**{k: np.array(v) for k, v in extent.items()}, "image": blank},
        "chosen_tile": {"x": none, "y": none},
        "tiles": {"index": np.array([], dtype=np.int64)},
        "inside": {"count": np.array([0])},
    }
