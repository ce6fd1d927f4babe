"""Tables along the real step axis: losses, Taylor coefficients, and what the browser needs for its marks."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.ghosts import linearised_loss, radius_estimate, taylor_coefficients

from ...frame import Columns
from .extents import HIGHEST_ORDER, estimate_ceiling
from .probe import Probe, logits_along
from .state import Subject

COARSE, FINE = (97, 8), (321, 32)
"""Points in the window, and steps in a decade at which the true loss is tabled wherever the window ends."""

DECADES = (-4, 4)
"""Steps of the table in picture units: r from 0.01 to 100 at every temperature, with room to interpolate."""


def line_tables(subject: Subject, kind: str, window: float, points: tuple[int, int]) -> dict[str, Columns]:
    """Losses in the window, coefficients up to order 48, and the exact inputs of hand.js."""
    x = np.linspace(-window, window, points[0])
    true, linear = _true_loss(subject, x), _linearised(subject, x)
    top = _top(true)
    return {
        "true_loss": {"x": x, "y": true},
        "linearised_loss": {"x": x, "y": linear},
        "outside": _outside(subject.radius(kind), window),
        "bound_lines": _pair(subject.radius("bound"), window),
        "radius_lines": _pair(subject.radius(kind), window),
        "line": {"x": x, "linear": linear},
        "wide": _wide(subject, points[1]),
        "loss_names": _names(x, true, linear, top, window),
        **_coefficient_tables(subject, kind),
        "numbers": _numbers(subject, window, top),
        "logits": {"z": subject.z.cpu().numpy(), "a": subject.a.cpu().numpy()},
    }


def _linearised(subject: Subject, x: np.ndarray) -> np.ndarray:
    tau = torch.as_tensor(x, dtype=subject.z.dtype, device=subject.z.device)
    label = torch.tensor(subject.label, device=subject.z.device)
    return linearised_loss(subject.z, subject.a, label, tau).cpu().numpy()


def _true_loss(subject: Subject, x: np.ndarray) -> np.ndarray:
    """Loss of the network itself; without one the logits are linear and the two losses are one."""
    if not isinstance(subject.source, Probe):
        return _linearised(subject, x)
    logits: Tensor = (
        logits_along(subject.source, subject.index, tuple(x * subject.unit)) / subject.temperature
    )
    return (torch.logsumexp(logits, 1) - logits[:, subject.label]).cpu().numpy()


def _wide(subject: Subject, in_a_decade: int) -> Columns:
    """True loss at all steps the hand can reach, on an even grid of log10 r.

    The steps themselves do not depend on the temperature, so that dragging it evaluates no network.
    """
    low, high = DECADES
    steps = 10 ** (np.arange(low * in_a_decade, high * in_a_decade + 1) / in_a_decade)
    return {"r": steps / subject.temperature, "true": _true_loss(subject, steps)}


def _top(true: np.ndarray) -> float:
    """Upper end of the loss axis: the true loss with room above; what leaves the frame is the model's."""
    return 1.15 * max(float(true.max()), 1e-3)


def _outside(radius: float, window: float) -> Columns:
    edge = min(radius, window)
    return {"x0": np.array([-window, edge]), "x1": np.array([-edge, window])}


def _pair(radius: float, window: float) -> Columns:
    return {"x": np.array([-radius, radius]) if radius < window else np.array([])}


def _names(x: np.ndarray, true: np.ndarray, linear: np.ndarray, top: float, window: float) -> Columns:
    """Name each curve where it runs well inside the frame, apart from the other."""
    places = []
    for text, mine, other in (("true loss", true, linear), ("linearised", linear, true)):
        inside = (mine < 0.88 * top) & (mine > 0.12 * top) & (np.abs(x) < 0.85 * window)
        if inside.any():
            clear = np.where(inside, np.abs(np.clip(other, 0, top) - mine), -1.0)
            at = int(clear.argmax())
            above = mine[at] > min(other[at], top)
            places.append((x[at], mine[at] + (0.07 if above else -0.07) * top, text))
    px, py, text = zip(*places, strict=True) if places else ((), (), ())
    return {"x": np.array(px), "y": np.array(py), "text": list(text)}


def _coefficient_tables(subject: Subject, kind: str) -> dict[str, Columns]:
    label = torch.tensor(subject.label, device=subject.z.device)
    scaled = taylor_coefficients(subject.z, subject.a, label, HIGHEST_ORDER, scale=subject.temperature)
    orders = np.arange(HIGHEST_ORDER + 1)
    # In units of the bound the coefficients fit any float; the chosen radius comes in as a power.
    ratio = 1.0 if subject.flat else subject.radius(kind) / subject.temperature
    values = orders * scaled.cpu().numpy() * ratio**orders
    n = orders[2:]
    phase = 0.0 if subject.flat else math.atan2(abs(subject.ghost.imag), subject.ghost.real)
    fine = np.linspace(2, HIGHEST_ORDER, 4 * (HIGHEST_ORDER - 2) + 1)
    decay = 1.0 if subject.flat else ratio * subject.temperature / subject.exact
    reference = 0.0 * fine if subject.flat else -2 * np.cos(fine * phase) * decay**fine
    estimate = radius_estimate(scaled)
    return {
        "coefficients": {"x": n, "y": values[2:]},
        "stems": {"x0": n, "y0": 0.0 * n, "x1": n, "y1": values[2:]},
        "reference": {"x": fine, "y": reference},
        "mercer_roberts": _estimate(estimate.mercer_roberts, subject),
        "root_test": _estimate(estimate.root_test, subject),
        "true_radius": {"y": np.array([] if subject.flat else [subject.exact / subject.temperature])},
        "series": {"c": scaled.cpu().numpy()},
    }


def _estimate(values: Tensor, subject: Subject) -> Columns:
    """A running estimate in units of the bound, where it exists and fits the frame."""
    estimate = values.cpu().numpy()
    ceiling = 0.0 if subject.flat else estimate_ceiling(subject.exact / subject.temperature)
    good = np.isfinite(estimate) & (estimate > 0) & (estimate <= ceiling)
    return {"x": np.flatnonzero(good), "y": estimate[good]}


def _numbers(subject: Subject, window: float, top: float) -> Columns:
    """What readouts and marks are computed from, one value each."""
    infinite = -1.0
    values = {
        "unit": subject.unit,
        "temperature": subject.temperature,
        "bound": infinite if subject.flat else subject.temperature,
        "margin": infinite if subject.flat else subject.margin,
        "exact": infinite if subject.flat else subject.exact,
        "window": window,
        "top": top,
        "label": float(subject.label),
    }
    return {name: np.array([value]) for name, value in values.items()}
