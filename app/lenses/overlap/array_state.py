"""What depends on the pulsars alone: separations, overlaps in harmonics, the curves of an even sky."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from anisoscope.engine.overlap import (
    PulsarArray,
    antenna_patterns,
    autocorrelation,
    hellings_downs,
    overlap_harmonics,
    pixel_directions,
    separations,
)

from ...device import chosen_device
from ...errors import RequestError
from ...request import Request
from .arrays import array_of
from .scales import BAND

FINE_BAND = 32
"""Degrees to which a hot spot is summed to say what the shown series leaves out."""

PEER_NSIDE = 32
"""Resolution at which the peers sum pixels by default."""


@dataclass(frozen=True, eq=False)
class ArrayState:
    """An array and what all its pairs feel; float64 on the chosen device.

    Attributes:
        pulsars: names, directions, weights, source.
        directions: (N, 3) unit vectors, ICRS.
        zeta: (pairs,) separations in rad.
        gamma: (pairs, 121) Γ_lm of the pairs in the sky frame, l ≤ 10, SOURCE direction, convention E.
        isotropic: (pairs,) the Hellings–Downs value of each pair.
        first, second: (pairs,) indexes of the pulsars of each pair.
    """

    pulsars: PulsarArray
    directions: Tensor
    zeta: Tensor
    gamma: Tensor
    isotropic: Tensor
    first: Tensor
    second: Tensor

    def pair(self, first: int, second: int) -> int:
        """Position of a pair in the order of all pairs."""
        low, high = sorted((first, second))
        count = len(self.directions)
        return low * count - low * (low + 1) // 2 + high - low - 1


def array_state(request: Request) -> ArrayState:
    """The array a request asks for.

    Raises:
        RequestError: the reader's list is not here or cannot be used, or a selected pulsar does not exist.
    """
    kind = request["array"]
    count = request["count"] if kind == "uniform" else 0
    token = request["pulsars"] if kind == "own" else ""
    state = _state(kind, count, token)
    last = len(state.directions) - 1
    for name in ("pulsar_a", "pulsar_b"):
        if request[name] > last:
            raise RequestError(name, request[name], f"must be from 0 to {last}, a pulsar of this array", last)
    if request["pulsar_a"] == request["pulsar_b"]:
        other = 0 if request["pulsar_a"] else 1
        raise RequestError("pulsar_b", request["pulsar_b"], "must be another pulsar than the first", other)
    return state


@lru_cache(maxsize=2)
def fine_overlap(state: ArrayState) -> Tensor:
    """(pairs, 1089) Γ_lm up to l = 32."""
    return overlap_harmonics(state.directions, FINE_BAND)


@lru_cache(maxsize=4)
def self_overlap(state: ArrayState, pulsar_term: bool) -> Tensor:
    """(9, N): Γ_aa is linear in the sky and feels its degrees 0, 1 and 2 alone; here that of each coefficient."""
    unit = torch.eye(9, dtype=torch.float64, device=state.directions.device)
    return torch.stack([autocorrelation(state.directions, one, pulsar_term) for one in unit])


@lru_cache(maxsize=2)
def pixel_patterns(state: ArrayState) -> Tensor:
    """(2, N, pixels) antenna patterns F₊ and F× at the centres of NSIDE 32."""
    pixels = pixel_directions(PEER_NSIDE).to(state.directions.device)
    return torch.stack(antenna_patterns(state.directions, pixels))


@lru_cache(maxsize=6)
def _state(kind: str, count: int, token: str) -> ArrayState:
    pulsars = array_of(kind, count, token)
    directions = pulsars.directions.to(chosen_device())
    first, second = torch.triu_indices(len(directions), len(directions), 1)
    zeta = separations(directions)
    gamma = overlap_harmonics(directions, BAND)
    return ArrayState(pulsars, directions, zeta, gamma, hellings_downs(zeta), first, second)
