"""Trainings side by side: equal weights, equal batches, different optimisers, with the spectra of every step.

`LiveTraining` makes the steps and keeps the records; what it is asked for is a `TrainingSpec`, a hashable value.
"""

if __name__ != "anisoscope.engine.training":
    raise ImportError(
        "import this package as anisoscope.engine.training: a second copy of its modules would appear"
    )

from .catalogue import OPTIMIZERS, OptimizerChoice, optimizer_choice
from .errors import InvalidChain, InvalidSpec, InvalidStep, UnknownOptimizer, UnknownSchedule
from .lane import Lane, LaneState
from .live import LiveTraining
from .product import ProductSpectrum, product_spectrum
from .rotation import Overlap, SubspaceTracker
from .schedule import SCHEDULES, learning_rate_factor
from .spec import LaneSpec, TrainingSpec
from .timeline import KINDS, ROTATED, Timeline

__all__ = [
    "KINDS",
    "OPTIMIZERS",
    "ROTATED",
    "SCHEDULES",
    "InvalidChain",
    "InvalidSpec",
    "InvalidStep",
    "Lane",
    "LaneSpec",
    "LaneState",
    "LiveTraining",
    "OptimizerChoice",
    "Overlap",
    "ProductSpectrum",
    "SubspaceTracker",
    "Timeline",
    "TrainingSpec",
    "UnknownOptimizer",
    "UnknownSchedule",
    "learning_rate_factor",
    "optimizer_choice",
    "product_spectrum",
]
