"""Small classifiers of handwritten digits: architectures, seeded training, directions of a step."""

from .architectures import ARCHITECTURES, CLASSES, PIXELS, SIDE, Architecture, build
from .directions import DIRECTION_KINDS, AdamState, mean_loss_gradient, step_direction
from .training import Snapshot, accuracy, stratified_split, train

__all__ = [
    "ARCHITECTURES",
    "CLASSES",
    "DIRECTION_KINDS",
    "PIXELS",
    "SIDE",
    "AdamState",
    "Architecture",
    "Snapshot",
    "accuracy",
    "build",
    "mean_loss_gradient",
    "step_direction",
    "stratified_split",
    "train",
]
