"""The orthogonal polar factor of a matrix, exactly and as the optimisers approximate it.

Nakatsukasa & Higham (2013), QDWH; Jordan et al. (2024), Muon; Amsel et al. (2025), arXiv:2505.16932, Polar Express.
"""

if __name__ != "anisoscope.engine.polar":
    raise ImportError(
        "import this package as anisoscope.engine.polar: a second copy of its modules would appear"
    )

from .errors import InvalidMatrix
from .factor import METHODS, polar, polar_iterates
from .polynomial import odd_polynomials, singular_value_map, singular_value_orbit
from .presets import PRESETS, Preset
from .qdwh import qdwh_weights
from .quality import PolarError, PolarQuality, polar_error, polar_quality

__all__ = [
    "METHODS",
    "PRESETS",
    "InvalidMatrix",
    "PolarError",
    "PolarQuality",
    "Preset",
    "odd_polynomials",
    "polar",
    "polar_error",
    "polar_iterates",
    "polar_quality",
    "qdwh_weights",
    "singular_value_map",
    "singular_value_orbit",
]
