"""Words of the product of the layers: which step it is of, and when that of another comes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .lane_record import Matrix

OFF = "σᵢ / σ₁ at the step; switch it on"
RECORDED = "no product: a recording holds singular values, not weights"
WHAT = "W of the last layer times … times W of the first"
NEWEST = "the newest; earlier ones after the training"


def no_chain(matrices: Sequence[Matrix]) -> str:
    """Why these have no product, in the order in which they act; empty where they have one."""
    for before, after in pairwise(matrices):
        if after.columns != before.rows:
            takes = f"{after.name} takes {after.columns} inputs, {before.name} gives {before.rows}"
            return f"no product: the layers are no chain, {takes}"
    return ""


def at_steps(steps: Sequence[int], titles: Sequence[str]) -> str:
    """The step of the product, and the own one of each lane that stopped before."""
    newest = max(steps)
    behind = [
        f", {title} at its last, {step}" for title, step in zip(titles, steps, strict=True) if step < newest
    ]
    return f"σᵢ / σ₁ at step {newest}{''.join(behind)}"


def awaited(step: int) -> str:
    """Instead of one that is not there yet."""
    return f"step {step} follows when you stop"
