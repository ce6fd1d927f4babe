"""What figures and words share with what computes them, without the engine: a stored frame is drawn before it is there."""

from __future__ import annotations

BAND = 10
"""Degrees that are kept of every pair; the highest that the lens shows."""

DIPOLE_LIMIT = 0.27
"""C_1/C_0, NANOGrav 15 yr, 95 % upper limit (Agazie et al. 2023, arXiv:2306.16221, abstract)."""
