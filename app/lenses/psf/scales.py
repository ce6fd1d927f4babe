"""What figures and words share with what computes them, without the engine: a stored frame is drawn before it is there."""

from __future__ import annotations

FAINTEST = 0.05
"""Share of the peak that the darkest colour of a logarithmic picture stands for."""

WAYS = {"plain": "plain", "cycle": "turned", "split": "split, turned", "hash_only": "split by hash"}
"""The encodings that fit one image, as tables and facts name them, and what the page calls them. What the engine calls
the second is the reader’s choice."""

DECADES = 4.0
"""Of residual power that the colours of a spectrum span."""

PITCH, TILE, GAP = 1.04, 0.92, 0.04
"""From one picture to the next, side of a picture, and half the gap between the two rows."""
