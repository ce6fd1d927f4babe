"""Singular values as the browser gets them: 16 bits of log10 σ for lines, 8 of log10 σ/σ₁ for colours."""

from __future__ import annotations

import numpy as np

LOW, HIGH = -20.0, 12.0
"""Decades of σ that 16 bits span, 0.1 % apart; code 0 stands for no value."""

CODES = 65534.0
DARKEST = -4.0
"""log10 σ/σ₁ of the darkest colour."""


def logarithm(values: np.ndarray) -> np.ndarray:
    """log10 as float32, NaN where there is none."""
    values = np.asarray(values, np.float64)
    return np.log10(values, out=np.full(values.shape, np.nan), where=values > 0).astype(np.float32)


def encoded(sigma: np.ndarray, floor: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes, colours and log10 σ₁ of rows of singular values; what lies below the floor has neither code nor colour."""
    log = logarithm(sigma)
    log[~(sigma > floor[:, None])] = np.nan
    top = log[:, :1]
    there = np.isfinite(log)
    # what 16 bits do not span is left out rather than drawn where it is not
    spanned = there & (log >= LOW) & (log <= HIGH)
    codes = 1 + np.clip((log - LOW) / (HIGH - LOW), 0, 1) * CODES
    # the darkest colour also stands for everything below it, so that only what is not there is blank
    colours = 255 - np.clip((top - log) / -DARKEST, 0, 1) * 254
    below = ~there & np.isfinite(top)
    return (
        np.where(spanned, np.rint(np.nan_to_num(codes)), 0).astype(np.uint16),
        np.where(there, np.rint(np.nan_to_num(colours)), np.where(below, 1, 0)).astype(np.uint8),
        top[:, 0].copy(),
    )


def decoded(codes: np.ndarray) -> np.ndarray:
    """log10 σ of codes, NaN for code 0."""
    values = (codes.astype(np.float64) - 1) / CODES * (HIGH - LOW) + LOW
    return np.where(codes == 0, np.nan, values)
