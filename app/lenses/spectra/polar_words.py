"""What the figures of the polar factor and its numbers share: methods, places, words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...figure import Role
from ...numbers import shown

METHODS: dict[str, tuple[str, Role]] = {
    "newton_schulz": ("Newton–Schulz", "blue"),
    "polar_express": ("Polar Express", "purple"),
    "qdwh": ("QDWH", "green"),
    "svd": ("SVD", "ink"),
}
"""Method to its name and colour."""

SHORT = {"newton_schulz": "NS", "polar_express": "PE"}
"""Where there is no room for the name; the legends say what it stands for."""

ERRORS = ("UᵗU − I", "U − exact", "nuclear norm")
MOST_STEPS = 12
FACET = MOST_STEPS + 1.5
"""From one panel of errors to the next, in steps."""

FLOOR = -16.0
"""log₁₀ of what a measurement in float64 can tell from nothing."""

NAMES_AT = 2.2
"""Height of the names of the panels, above all errors."""

MAP_FROM = -6.0


def notes(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """What a reader must know of these numbers."""
    words = []
    if facts["dtype"] == "bfloat16":
        words.append("QR and SVD do not exist in bfloat16: QDWH and SVD work in float32")
    rank, values = facts["polar_rank"], facts["polar_values"]
    if rank < values:
        null = {method: shown(facts[f"null_{method}"]) for method in METHODS}
        words.append(
            f"rank {rank} of {values}: SVD gives the partial isometry, so UᵗU ≠ I; in the null directions QDWH leaves "
            f"rounding noise up to {null['qdwh']}, Newton–Schulz {null['newton_schulz']}, Polar Express "
            f"{null['polar_express']}"
        )
    return tuple(words)
