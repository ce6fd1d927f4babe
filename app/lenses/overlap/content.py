"""What is computed once for an array of pulsars, found again by the content of its tensors."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.overlap.antenna import antenna_patterns
from anisoscope.engine.overlap.compression import Compressed
from anisoscope.engine.overlap.healpix import pixel_directions
from anisoscope.engine.overlap.isotropic import hellings_downs
from anisoscope.engine.overlap.sky_frame import overlap_harmonics, separations


class Separations(NamedTuple):
    """Angles ζ (pairs,) in radians and the Hellings–Downs values there."""

    zeta: Tensor
    hellings_downs: Tensor


def content(values: Tensor) -> bytes:
    """The float64 numbers of a tensor as a key; a few kilobytes for the positions of an array."""
    return np.ascontiguousarray(values.detach().cpu().numpy(), dtype=np.float64).tobytes()


def vectors(key: bytes) -> Tensor:
    """Directions (N, 3) back from their key."""
    return torch.from_numpy(np.frombuffer(key, dtype=np.float64).reshape(-1, 3).copy())


def small(compressed: Compressed) -> Compressed:
    """Without its (pairs, j) columns, which only `project` needs: light enough to keep."""
    empty = compressed.r.new_empty(0)
    return Compressed(empty, compressed.r, empty)


@lru_cache(maxsize=8)
def pair_separations(key: bytes) -> Separations:
    """Of the array with these directions."""
    zeta = separations(vectors(key))
    return Separations(zeta, hellings_downs(zeta))


@lru_cache(maxsize=2)
def pair_harmonics(key: bytes, l_max: int) -> Tensor:
    """Γ_lm (pairs, (l_max + 1)²), for the caller whose own table ends at a lower degree."""
    return overlap_harmonics(vectors(key), l_max)


@lru_cache(maxsize=4)
def patterns(key: bytes, nside: int) -> tuple[Tensor, Tensor]:
    """F₊ and F× (N, 12 nside²) at the pixel centres."""
    return antenna_patterns(vectors(key), pixel_directions(nside))
