"""Tables of the true network: two planes on one axis, the radii of its layers, and other samples."""

from __future__ import annotations

import math

import numpy as np

from anisoscope.engine.ghosts import LayerRadii, partition_zeros

from ...frame import Columns
from .beyond_state import Beyond, Others, others
from .plane import CIRCLE, HEIGHT_SHARE, field

PARTS = {"output": "output", "attention": "attention", "feed-forward": "feed", "normalisation": "norm"}
"""Names of the engine, and those of our tables."""

NAMES = {"layer_norm": "LayerNorm", "relu": "ReLU", "gelu": "GELU", "silu": "SiLU", "softmax": "softmax"}
MOST_POINTS = 600
LINEAR_COLUMNS = 256
EMPTY = np.zeros((1, 1), np.uint8)
"""Where there is no picture: one pixel, out of sight."""


def plane_tables(one: Beyond) -> dict[str, Columns]:
    """The true network's plane, and beside it that of the linearised logits."""
    window = one.window
    edges = {"x0": -window, "x1": window, "y0": -HEIGHT_SHARE * window, "y1": HEIGHT_SHARE * window}
    image, seen = (EMPTY, ()) if one.picture is None else (one.picture.image, one.picture.zeros)
    beside = 3 * window if image is EMPTY else 0.0
    corners = {name: np.array([value + beside]) for name, value in edges.items()}
    ghosts = partition_zeros(one.z, one.a, (-window, window, 0.0, HEIGHT_SHARE * window)).zeros
    found = one.singularity
    at_zero = one.true is not None and one.true.part == "output"
    zeros = [t for t in seen if not (at_zero and abs(t - found) < 1e-5)]
    return {
        "beyond_field": {**corners, "image": image},
        "beyond_linear_field": field(one, window, LINEAR_COLUMNS),
        "beyond_axis": {"y": np.zeros(1)},
        "beyond_ghosts": _points(ghosts[ghosts.imag > 0].tolist(), window),
        "beyond_zeros": _points(zeros, window),
        "beyond_nearest": _points([found], window),
        "beyond_bound_disc": _circle(1.0),
        "beyond_exact_disc": _circle(one.exact),
        "beyond_true_disc": _circle(abs(found)),
        **{f"beyond_{name}_points": _singular(one, part) for part, name in PARTS.items() if name in ("feed", "norm")},
        "beyond_names": _names(one),
        "beyond_linear_names": _linear_names(one),
    }  # fmt: skip


def _points(upper: list[complex], window: float) -> Columns:
    """In sight, with their conjugates."""
    seen = [t for t in upper if abs(t.real) <= window and abs(t.imag) <= HEIGHT_SHARE * window]
    both = np.array([*seen, *(t.conjugate() for t in seen if t.imag > 0)], dtype=complex)
    return {"x": np.real(both), "y": np.imag(both), "distance": np.abs(both)}


def _circle(radius: float) -> Columns:
    if not math.isfinite(radius):
        return {"x": np.zeros(0), "y": np.zeros(0)}
    return {"x": radius * np.cos(CIRCLE), "y": radius * np.sin(CIRCLE)}


def _singular(one: Beyond, part: str) -> Columns:
    """Singularities of the layers of one part, where straight arguments would put them; the nearest of many."""
    steps = [layer.steps[0].cpu().numpy() for layer in one.layers if layer.part == part]
    every = np.concatenate(steps) if steps else np.zeros(0, dtype=complex)
    every = every[np.isfinite(every)] / one.unit
    return _points(every[np.abs(every).argsort()][:MOST_POINTS].tolist(), one.window)


def _names(one: Beyond) -> Columns:
    """The nearest singularity by its place; and in words why there is no picture."""
    window = one.window
    found = one.singularity
    if one.refusal is not None:
        said = [
            f"No picture: {one.refusal.short}",
            "has a kink on the real line, and so",
            "no continuation to complex steps.",
        ]
        heights = window * np.array([0.30, 0.25, 0.20])
        return {"x": np.full(len(said), -0.95 * window), "y": heights, "text": said}
    rows = []
    if one.true is not None and math.isfinite(found.real):
        rows.append((found, said_of(one.true.part, one.true.module)))
    if math.isfinite(one.ghost.real) and (not rows or abs(one.ghost - found) > 0.06 * window):
        rows.append((one.ghost, "ghost, linearised"))
    rows = [(t, text) for t, text in rows if abs(t.real) < 0.9 * window and t.imag < 0.4 * window]
    return {
        "x": np.array([t.real + 0.02 * window for t, _ in rows]),
        "y": np.array([t.imag - 0.05 * window for t, _ in rows]),
        "text": [text for _, text in rows],
    }


def _linear_names(one: Beyond) -> Columns:
    ghost, window = one.ghost, one.window
    seen = math.isfinite(ghost.real) and abs(ghost.real) < 0.7 * window and ghost.imag < 0.4 * window
    rows = [(ghost.real + 0.03 * window, ghost.imag - 0.06 * window)] if seen else []
    x, y = (np.array([row[k] for row in rows]) for k in (0, 1))
    return {"x": x, "y": y, "text": ["ghost"] * len(rows)}


def said_of(part: str, module: str) -> str:
    """What ends the series, in a few words."""
    where = f" in {module}" if module else ""
    return {
        "output": "zero of F, true network",
        "normalisation": f"variance = 0{where}",
        "attention": f"attention sum = 0{where}",
        "feed-forward": f"pole of an activation{where}",
    }[part]


def layer_name(layer: LayerRadii) -> str:
    """Function and module: "GELU, 5"."""
    function = NAMES.get(layer.function, layer.function)
    short = layer.module.replace("blocks.", "").replace("feed_forward", "ffn").replace("attention", "attn")
    return f"{function}, {short}" if short else "output"


def layer_tables(one: Beyond) -> dict[str, Columns]:
    """One row for each layer, the first at the top: this sample, the training set, and |h|/|ḣ|."""
    count = len(one.layers)
    rows = range(count - 1, -1, -1)
    own = [layer.quantile(0.0) for layer in one.layers]
    every = [layer.quantile(share_of(layer)) for layer in one.all_layers]
    kinks = [
        layer.quantile(0.01, kinks=True) if layer.kink_distance.numel() else math.inf
        for layer in one.all_layers
    ]
    entire = [row for row, radius in zip(rows, own, strict=True) if math.isinf(radius)]
    _, high = layer_range(one)
    lines = (("bound", 1.0), ("exact", one.exact), ("true", abs(one.singularity)))
    return {
        "beyond_layers_own": _row_points(own, rows),
        "beyond_layers_all": _row_points(every, rows),
        "beyond_layers_kinks": _row_points(kinks, rows),
        "beyond_layers_none": {
            "x": np.full(len(entire), high - 0.04),
            "y": np.array(entire, dtype=float),
            "text": ["no singularity, ∞"] * len(entire),
        },
        **{f"beyond_layers_{name}_line": {"x": _mark(r * one.unit)} for name, r in lines},
    }


def _mark(radius: float) -> np.ndarray:
    return np.log10([radius]) if math.isfinite(radius) else np.zeros(0)


def share_of(layer: LayerRadii) -> float:
    """Of thousands of neurons some always stand at their kink: the paper takes the 1 % quantile."""
    return 0.01 if layer.part == "feed-forward" else 0.0


def _row_points(radii: list[float], rows: range) -> Columns:
    pairs = [(math.log10(r), row) for r, row in zip(radii, rows, strict=False) if 0 < r < math.inf]
    return {"x": np.array([x for x, _ in pairs]), "y": np.array([float(row) for _, row in pairs])}


def layer_range(one: Beyond) -> tuple[float, float]:
    """Decades of τ that hold every finite radius."""
    radii = [layer.quantile(0.0) for layer in one.layers] + [one.unit, one.exact * one.unit]
    for layer in one.all_layers:
        radii.append(layer.quantile(share_of(layer)))
        if layer.kink_distance.numel():
            radii.append(layer.quantile(0.01, kinks=True))
    logs = np.log10([r for r in radii if 0 < r < math.inf])
    return float(logs.min()) - 0.15, float(logs.max()) + 0.5


def sample_tables(one: Beyond) -> dict[str, Columns]:
    """Rₜᵣᵤₑ against ρ*, both over ρ_a, in decades: one point a sample, by what ends its series."""
    known = others(one.source, one.temperature).found
    places: dict[str, list[tuple[float, float]]] = {name: [] for name in PARTS.values()}
    for index in Others.wanted(len(one.source.labels)):
        if index in known and math.isfinite(known[index].radius):
            found = known[index]
            place = math.log10(found.linear_radius / found.bound), math.log10(found.radius / found.bound)
            places[PARTS[found.part]].append(place)
    own = []
    if one.true is not None and math.isfinite(one.true.radius):
        own = [(math.log10(one.exact), math.log10(abs(one.singularity)))]
    low, high = -0.5, 1.2
    return {
        **{f"beyond_samples_{name}": _pairs(rows) for name, rows in places.items()},
        "beyond_samples_own": _pairs(own),
        "beyond_samples_equal": {"x": np.array([low, high]), "y": np.array([low, high])},
        "beyond_samples_bound": {"y": np.zeros(1)},
    }


def _pairs(rows: list[tuple[float, float]]) -> Columns:
    table = np.array(rows, dtype=float).reshape(-1, 2)
    return {"x": table[:, 0], "y": table[:, 1]}
