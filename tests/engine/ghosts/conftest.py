"""What the ghost tests share: the oracle table, a slow, independent partition function in mpmath, random numbers."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mpmath
import pytest
import torch
from torch import Tensor

_LOGARITHMS = {"LN2": math.log(2), "LN4": math.log(4)}
_TABLE = json.loads(Path(__file__).with_name("oracles.json").read_text())["cases"]


class Oracle(NamedTuple):
    name: str
    z: Tensor
    a: Tensor
    exact: float
    ghost: complex
    bound: float
    margin: float


def _oracle(case: dict) -> Oracle:
    z, a = (
        torch.tensor(
            [_LOGARITHMS[v] if v in _LOGARITHMS else float(v) for v in case[key]], dtype=torch.float64
        )
        for key in ("z", "a")
    )
    values = (float(case["exact"]), complex(case["ghost"]), float(case["bound"]), float(case["margin"]))
    return Oracle(case["name"], z, a, *values)


@pytest.fixture(params=_TABLE, ids=lambda case: case["name"].split()[0])
def oracle(request: pytest.FixtureRequest) -> Oracle:
    """Each row of the oracle table."""
    return _oracle(request.param)


@pytest.fixture
def oracles() -> dict[str, Oracle]:
    """The whole table by short name."""
    return {case["name"].split()[0]: _oracle(case) for case in _TABLE}


class SlowGhosts:
    """F in many digits, and the number of zeros in a disc by quadrature of F'/F."""

    def __init__(self, z: Tensor, a: Tensor):
        self.terms = [(mpmath.mpf(w), mpmath.mpf(s)) for w, s in zip(z.tolist(), a.tolist(), strict=True)]

    def value(self, t: Any, derivative: int = 0) -> Any:
        return mpmath.fsum(s**derivative * mpmath.exp(w + s * t) for w, s in self.terms)

    def count(self, radius: float) -> int:
        """Zeros in the disc, by the trapezoidal rule on F'/F, doubled until it is a whole number twice."""
        points, last = 64, None
        while points < 20000:
            circle = [radius * mpmath.expjpi(2 * mpmath.mpf(k) / points) for k in range(points)]
            total = mpmath.fsum(t * self.value(t, 1) / self.value(t) for t in circle) / points
            nearest = int(mpmath.nint(total.real))
            if last == nearest and abs(total - nearest) < 1e-3:
                return nearest
            points, last = 2 * points, nearest
        raise AssertionError("the quadrature does not settle: a zero lies on the circle")


@pytest.fixture
def slow_ghosts() -> type[SlowGhosts]:
    """The slow second implementation."""
    return SlowGhosts


@pytest.fixture
def own_random_numbers() -> Iterator[None]:
    """The same random numbers for each test, and the generator as it was after it."""
    with torch.random.fork_rng():
        torch.manual_seed(6)
        yield
