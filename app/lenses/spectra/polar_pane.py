"""The polar factor: what each method lacks of it after every step, in the arithmetic that was chosen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.polar import polar, polar_error, polar_iterates
from anisoscope.engine.problems import MatrixRegression

from ...frame import Columns, Frame
from ...request import Request
from . import nothing, polar_map
from .polar_words import ERRORS, FACET, FLOOR, METHODS, MOST_STEPS, NAMES_AT, notes

EPS = torch.finfo(torch.float64).eps
DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}


class Input(NamedTuple):
    """A matrix and what is known of it."""

    G: Tensor
    exact: Tensor
    """its polar factor by SVD in float64"""
    sigma: np.ndarray
    rank: int

    @property
    def kept_condition(self) -> float:
        """Largest over smallest singular value that is not taken for zero."""
        return float(self.sigma[0] / self.sigma[self.rank - 1])


def frames(request: Request) -> Iterator[Frame | None]:
    """One frame: everything here is quick, and what only the number of steps changes is not computed again."""
    name, dtype, step = request["polar_input"], request["polar_dtype"], request["polar_steps"]
    condition = float(request["polar_condition"]) if name == "condition" else 0.0
    given = input_matrix(name, condition, request["seed"])
    yield None
    errors = {m: method_errors(name, condition, request["seed"], dtype, m) for m in METHODS}
    yield None
    sigma = {m: method_sigma(name, condition, request["seed"], dtype, m, _taken(m, step)) for m in METHODS}
    tables = {
        **nothing.tables(),
        **_error_tables(errors, given, step),
        **polar_map.where(step, float(request["polar_start"])),
        **polar_map.cobweb(step, float(request["polar_start"])),
        **_sigma_tables(sigma, given),
    }
    facts = _facts(errors, sigma, given, step, float(request["polar_start"]))
    facts |= {"device": "cpu", "dtype": dtype, "polar_input": name}
    yield Frame(tables, facts, (1, 1), notes(facts))


def _taken(method: str, step: int) -> int:
    return 0 if method == "svd" else step


@lru_cache(maxsize=8)
def input_matrix(name: str, condition: float, seed: int) -> Input:
    """The matrix that is factored, float64, and its factor."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    match name:
        case "gaussian":
            G = normal(128, 128)
        case "wide":
            G = normal(128, 512)
        case "low_rank":
            G = normal(128, 8) @ normal(8, 128)
        case "condition":
            left, right = (torch.linalg.qr(normal(128, 128)).Q for _ in range(2))
            G = left * torch.logspace(0, -math.log10(condition), 128, dtype=torch.float64) @ right
        case _:
            problem = MatrixRegression("paper")
            G = problem.left @ (problem.model(42).X.detach() - problem.X_star) @ problem.right
    sigma = torch.linalg.svdvals(G)
    rank = int((sigma > max(G.shape) * EPS * sigma[0]).sum())
    return Input(G, polar(G), sigma.numpy(), rank)


@lru_cache(maxsize=64)
def method_errors(name: str, condition: float, seed: int, dtype: str, method: str) -> np.ndarray:
    """(3, steps) for every number of steps; for SVD, which takes none, (3, 1)."""
    given = input_matrix(name, condition, seed)
    working = working_dtype(dtype, method)
    if method == "svd":
        # polar_error takes the method's own steps of None
        quality = polar_error(given.G, "svd", None, working, exact=given.exact)
    else:
        counts = list(range(1, MOST_STEPS + 1))
        quality = polar_error(given.G, method, counts, working, exact=given.exact)
    rows = (quality.orthogonality, quality.error, quality.nuclear_error)
    return np.stack([row.reshape(-1).numpy() for row in rows])


@lru_cache(maxsize=256)
def method_sigma(name: str, condition: float, seed: int, dtype: str, method: str, step: int) -> np.ndarray:
    """Singular values of what the method gives, largest first."""
    G, working = input_matrix(name, condition, seed).G, working_dtype(dtype, method)
    U = polar(G, "svd", dtype=working) if method == "svd" else polar_iterates(G, method, step, working)[-1]
    return torch.linalg.svdvals(U.double()).numpy()


def working_dtype(dtype: str, method: str) -> torch.dtype:
    """QR and SVD have no bfloat16: there these two work in float32."""
    exists = method in ("newton_schulz", "polar_express") or dtype != "bfloat16"
    return DTYPES[dtype] if exists else torch.float32


def _error_tables(errors: dict[str, np.ndarray], given: Input, step: int) -> dict[str, Columns]:
    found: dict[str, Columns] = {}
    for method, rows in errors.items():
        steps = np.arange(1.0, MOST_STEPS + 1)
        pieces = []
        for facet, row in enumerate(rows):
            values = np.broadcast_to(logarithm(row), steps.shape)
            there = np.isfinite(values)
            pieces.append((steps[there] + facet * FACET, values[there]))
        found[f"polar_error_{method}"] = {"xs": [x for x, _ in pieces], "ys": [y for _, y in pieces]}
        if method != "svd":
            x, y = (np.concatenate(side) for side in zip(*pieces, strict=True))
            found[f"polar_dots_{method}"] = {"x": x, "y": y}
    facets = np.arange(len(ERRORS)) * FACET
    known = max(FLOOR, math.log10(EPS * given.kept_condition))
    return found | {
        "polar_steps_now": {
            "x0": facets + step,
            "y0": np.full(len(ERRORS), FLOOR - 0.4),
            "x1": facets + step,
            "y1": np.full(len(ERRORS), NAMES_AT - 0.9),
        },
        "polar_between": {"x": facets[1:]},
        "polar_error_names": {"x": facets + 0.8, "y": np.full(len(ERRORS), NAMES_AT), "text": list(ERRORS)},
        "polar_known": {
            "x0": np.array([FACET + 0.6]),
            "y0": np.array([known]),
            "x1": np.array([FACET + MOST_STEPS + 0.4]),
            "y1": np.array([known]),
        },
    }


def logarithm(values: np.ndarray) -> np.ndarray:
    """log₁₀ of the size, no lower than what float64 can measure."""
    return np.log10(np.maximum(np.abs(values), 10.0**FLOOR))


def _sigma_tables(sigma: dict[str, np.ndarray], given: Input) -> dict[str, Columns]:
    index = np.arange(1.0, len(given.sigma) + 1)
    found: dict[str, Columns] = {
        f"polar_sigma_{method}": {"x": index, "y": values} for method, values in sigma.items()
    }
    return found | {"polar_sigma_input": {"x": index, "y": given.sigma / given.sigma[0]}}


def _facts(
    errors: dict[str, np.ndarray], sigma: dict[str, np.ndarray], given: Input, step: int, start: float
) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "polar_steps": step,
        "polar_values": len(given.sigma),
        "polar_rank": given.rank,
        "polar_condition_kept": given.kept_condition,
        "polar_known_to": EPS * given.kept_condition,
        "polar_map_highest": polar_map.highest(step),
        "polar_threshold": polar_map.threshold(step),
        "polar_orbit_end": float(polar_map.newton_schulz(start, step)[-1]),
        "polar_highest": max(float(values[0]) for values in sigma.values()),
    }
    for method, rows in errors.items():
        orthogonality, error, nuclear = (float(v) for v in rows[:, 0 if method == "svd" else step - 1])
        facts |= {
            f"orthogonality_{method}": orthogonality,
            f"polar_error_{method}": error,
            f"nuclear_{method}": nuclear,
            f"lowest_{method}": float(sigma[method][-1]),
        }
        if given.rank < len(given.sigma):
            facts[f"null_{method}"] = float(sigma[method][given.rank])
    return facts
