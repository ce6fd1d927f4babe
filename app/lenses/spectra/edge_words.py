"""What the figures of the edge of stability and its numbers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

BESIDE = (4.0, 5.0, 6.0, 8.0, 9.0)
"""The c of the faint runs."""

EVERY = 25
"""Steps between two decays."""

EDGE = 6.8
"""Largest c that this regression takes at a constant step: the gap falls over 2000 steps at 6.8 and grows at 6.85,
from five starts. Another draw of its data has another edge: of three others, over 1000 steps, one lies between 6 and
6.25, one above 6 (at 6.25 its gap neither falls nor grows) and one between 6.25 and 6.5."""

LOW, HIGH = -10.0, 10.0
"""log₁₀ of the gaps that are drawn."""

OVERFLOW = float(np.finfo(np.float32).max)
"""A run whose gap passes this has diverged: float32, in which optimisers work, ends here."""

DROP = 1e-3
"""The gap has dropped when it stays below this share of its start."""


def notes(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """What a reader must know of this run."""
    step = facts["edge_diverged_step"]
    return (f"PolarGrad diverged at step {step}: its gap left the range of float32",) if step >= 0 else ()
