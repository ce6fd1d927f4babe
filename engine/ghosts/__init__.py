"""Ghosts of softmax: complex zeros of the partition function along a step, and the radius they set.

Sao (2026), "Ghosts of Softmax", arXiv:2603.13552; what is ours is marked so.
"""

if __name__ != "anisoscope.engine.ghosts":
    raise ImportError(
        "import this package as anisoscope.engine.ghosts: a second copy of its modules would appear"
    )

from .binary import binary_radius, binary_zeros
from .classes import apply_temperature
from .clip import ClipStep, RadiusClip
from .corridors import corridors
from .errors import (
    InvalidClasses,
    InvalidClipSetting,
    InvalidDirection,
    InvalidModelOutput,
    InvalidOptimizer,
    InvalidSweep,
    InvalidWindow,
    NonFiniteOutput,
    NotCertified,
)
from .exact import ExactRadius, exact_radius
from .jvp import LogitJvp, logit_jvp
from .linearised import flip_margin, kl_bound, linearised_loss
from .margin import slope_spread
from .plane import HUES, LEVELS, PartitionPlane, mirror_index, partition_phase, phase_index
from .radius import convergence_radius, top_two_radius
from .step import StepMeasure, measure_step
from .sweep import (
    SmallestRadii,
    StepSweep,
    onset,
    onset_spread,
    smallest_exact,
    smallest_radii,
    step_sweep,
)
from .taylor import (
    RadiusEstimate,
    ghost_pair_reference,
    radius_estimate,
    taylor_coefficients,
    taylor_partial_sums,
    taylor_polynomial,
)
from .zeros import PartitionZeros, partition_zeros

__all__ = [
    "HUES",
    "LEVELS",
    "ClipStep",
    "ExactRadius",
    "InvalidClasses",
    "InvalidClipSetting",
    "InvalidDirection",
    "InvalidModelOutput",
    "InvalidOptimizer",
    "InvalidSweep",
    "InvalidWindow",
    "LogitJvp",
    "NonFiniteOutput",
    "NotCertified",
    "PartitionPlane",
    "PartitionZeros",
    "RadiusClip",
    "RadiusEstimate",
    "SmallestRadii",
    "StepMeasure",
    "StepSweep",
    "apply_temperature",
    "binary_radius",
    "binary_zeros",
    "convergence_radius",
    "corridors",
    "exact_radius",
    "flip_margin",
    "ghost_pair_reference",
    "kl_bound",
    "linearised_loss",
    "logit_jvp",
    "measure_step",
    "mirror_index",
    "onset",
    "onset_spread",
    "partition_phase",
    "partition_zeros",
    "phase_index",
    "radius_estimate",
    "slope_spread",
    "smallest_exact",
    "smallest_radii",
    "step_sweep",
    "taylor_coefficients",
    "taylor_partial_sums",
    "taylor_polynomial",
    "top_two_radius",
]
