"""What the spike lab is asked for: plain hashable values, checked when they are made."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

OPTIMIZERS = {"sgd": "gd", "momentum": "sgd", "adam": "adam", "adamw": "adamw", "muon": "muon"}
"""Optimisers of the lab, and what the catalogue of trainings calls them."""


class InvalidSpike(ValueError):
    """A setting of the spike lab that cannot be used; names it, its value and what is allowed."""


@dataclass(frozen=True)
class Spike:
    """The learning rate is multiplied by `factor` in `held` steps, the first of which is step `at`.

    Raises:
        InvalidSpike: a factor that is not finite and positive, at or held below 1.
    """

    factor: float
    at: int
    held: int = 1

    def __post_init__(self) -> None:
        _require_positive("factor", self.factor)
        _require_count("at", self.at)
        _require_count("held", self.held)

    def on(self, step: int) -> bool:
        return self.at <= step < self.at + self.held


@dataclass(frozen=True)
class LaneSpec:
    """What all four lanes have in common; lanes of equal seed start from equal weights and see equal batches.

    optimizer: a key of `OPTIMIZERS`. learning_rate: finite, positive; Muon's AdamW for the rest keeps its own, and a spike
    multiplies both. batch: samples a step. seed: of weights and batches. Where spikes overlap the largest factor counts.

    Raises:
        InvalidSpike: naming the field.
    """

    optimizer: str = "adam"
    learning_rate: float = 1e-2
    batch: int = 64
    seed: int = 0
    spikes: tuple[Spike, ...] = ()

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise InvalidSpike(f"optimizer is {self.optimizer!r}: one of {', '.join(OPTIMIZERS)} is needed")
        _require_positive("learning_rate", self.learning_rate)
        _require_count("batch", self.batch)
        _require_count("seed", self.seed, least=0)

    def factor(self, step: int) -> float:
        """Of the learning rate in this step, counted from 1."""
        return max((spike.factor for spike in self.spikes if spike.on(step)), default=1.0)

    def parts_from(self, other: "LaneSpec", until: int) -> int:
        """The first step in which the two differ, `until` if that comes first; 1 where they differ in more than spikes."""
        mine, theirs = ((spec.optimizer, spec.learning_rate, spec.batch, spec.seed) for spec in (self, other))
        if mine != theirs:
            return 1
        return next((step for step in range(1, until) if self.factor(step) != other.factor(step)), until)


def check_limit(limit: str, limits: Sequence[str], target: float) -> None:
    """Raises InvalidSpike on an unknown limit and on a target that is not finite and positive."""
    if limit not in limits:
        raise InvalidSpike(f"limit is {limit!r}: one of {', '.join(limits)} is needed")
    _require_positive("target", target)


def _require_positive(name: str, value: float) -> None:
    if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
        raise InvalidSpike(f"{name} is {value!r}: a finite number above 0 is needed")


def _require_count(name: str, value: int, least: int = 1) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InvalidSpike(f"{name} is {value!r}: an integer of at least {least} is needed")
