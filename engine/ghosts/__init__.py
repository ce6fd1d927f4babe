"""Ghosts of softmax: complex zeros of the partition function along a step, and the radius they set.

Sao (2026), "Ghosts of Softmax", arXiv:2603.13552; what is ours is marked so.
"""

if __name__ != "anisoscope.engine.ghosts":
    raise ImportError(
        "import this package as anisoscope.engine.ghosts: a second copy of its modules would appear"
    )

from .binary import binary_radius, binary_zeros
from .classes import apply_temperature
from .clip import RadiusClip
from .clip_export import export_radius_csv, export_radius_npz
from .clip_recorder import RadiusRecorder
from .clip_run import RadiusFollower, RadiusRun, radius_run
from .clip_step import ClipStep
from .complex_step import complex_logits
from .corridors import corridors
from .curvature import LossAlong, MeanLoss
from .divergence import divergence_step, linearised_divergence
from .errors import (
    InvalidClasses,
    InvalidClipSetting,
    InvalidDirection,
    InvalidModelOutput,
    InvalidOptimizer,
    InvalidSweep,
    InvalidWindow,
    NoContinuation,
    NonFiniteOutput,
    NotCertified,
)
from .exact import ExactRadius, exact_radius
from .ghost_paths import GhostPaths, ghost_paths, ghost_paths_in_parts, ghosts_at
from .jvp import LogitJvp, logit_jvp
from .limiting import PARTS, LayerRadii, Limit, layer_radii, limiting_part
from .linearised import flip_margin, kl_bound, linearised_loss
from .margin import slope_spread
from .phase_turns import turning_cells
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
from .temperature import (
    TemperatureRadii,
    flip_distance,
    flip_points,
    radii_over_temperature,
)
from .true_zeros import TrueRadius, true_partition, true_radius, true_radius_in_parts, true_zeros
from .zeros import PartitionZeros, partition_zeros

__all__ = [
    "HUES",
    "LEVELS",
    "PARTS",
    "ClipStep",
    "ExactRadius",
    "GhostPaths",
    "InvalidClasses",
    "InvalidClipSetting",
    "InvalidDirection",
    "InvalidModelOutput",
    "InvalidOptimizer",
    "InvalidSweep",
    "InvalidWindow",
    "LayerRadii",
    "Limit",
    "LogitJvp",
    "LossAlong",
    "MeanLoss",
    "NoContinuation",
    "NonFiniteOutput",
    "NotCertified",
    "PartitionPlane",
    "PartitionZeros",
    "RadiusClip",
    "RadiusEstimate",
    "RadiusFollower",
    "RadiusRecorder",
    "RadiusRun",
    "SmallestRadii",
    "StepMeasure",
    "StepSweep",
    "TemperatureRadii",
    "TrueRadius",
    "apply_temperature",
    "binary_radius",
    "binary_zeros",
    "complex_logits",
    "convergence_radius",
    "corridors",
    "divergence_step",
    "exact_radius",
    "export_radius_csv",
    "export_radius_npz",
    "flip_distance",
    "flip_margin",
    "flip_points",
    "ghost_pair_reference",
    "ghost_paths",
    "ghost_paths_in_parts",
    "ghosts_at",
    "kl_bound",
    "layer_radii",
    "limiting_part",
    "linearised_divergence",
    "linearised_loss",
    "logit_jvp",
    "measure_step",
    "mirror_index",
    "onset",
    "onset_spread",
    "partition_phase",
    "partition_zeros",
    "phase_index",
    "radii_over_temperature",
    "radius_estimate",
    "radius_run",
    "slope_spread",
    "smallest_exact",
    "smallest_radii",
    "step_sweep",
    "taylor_coefficients",
    "taylor_partial_sums",
    "taylor_polynomial",
    "top_two_radius",
    "true_partition",
    "true_radius",
    "true_radius_in_parts",
    "true_zeros",
    "turning_cells",
]
