"""One lane of the spike lab: a classifier in training whose learning rate is multiplied for a while."""

import copy
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ..problems.draws import EpochBatches
from ..training import optimizer_choice
from .architectures import build
from .spike_limits import LIMITS, Limiter
from .spike_spec import OPTIMIZERS, LaneSpec, check_limit

CHECKPOINT_EVERY = 10
WEIGHT_DECAY = 0.01
"""Of AdamW, torch's default: the decay is part of the step that is measured and limited."""

HIDDEN = ("0.weight",)
"""What Muon treats as a matrix: the weights into the hidden layer; the readout and the biases go to AdamW."""


@dataclass(frozen=True)
class SpikeData:
    """Images (n, 64) in [0, 1] and labels (n,): those trained on, and those held back."""

    images: Tensor
    labels: Tensor
    test_images: Tensor
    test_labels: Tensor


@dataclass
class Records:
    """One entry for the start and one after each step; at the start there is no step: its four numbers are NaN.

    Entries of a step come in the order of the fields: a reader in another thread cuts to the length of the last.

    loss, accuracy: of the held-back part after the step. proposed, norm, radius: as `TakenStep`. reach: r = norm / radius.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    proposed: list[float] = field(default_factory=list)
    norm: list[float] = field(default_factory=list)
    radius: list[float] = field(default_factory=list)

    def cut(self, rows: int) -> "Records":
        """A copy of the first so many rows."""
        return Records(*(getattr(self, name)[:rows] for name in self.__dataclass_fields__))


class SpikeLane:
    """The network 64-128-10 from a seed, stepped by an optimizer behind a limit; bit-equal for equal arguments.

    Bits are equal as long as torch works with one thread. Batches are a pure function of seed and step, the same in every
    lane. A lane whose loss, step or weights are no longer finite stops: `status` says at which step.

    Args:
        limit: one of `LIMITS`.
        target: largest r of the lane "radius"; the others do not look at it.

    Raises:
        InvalidSpike: an unknown limit, or a target that is not finite and positive.
    """

    def __init__(self, data: SpikeData, spec: LaneSpec, limit: str, target: float = 1.0):
        check_limit(limit, LIMITS, target)
        self.data, self.spec, self.limit, self.target = data, spec, limit, target
        self.model: nn.Module = build("mlp", torch.Generator().manual_seed(spec.seed))
        choice = optimizer_choice(OPTIMIZERS[spec.optimizer])
        weight_decay = WEIGHT_DECAY if spec.optimizer == "adamw" else 0.0
        (self._optimizer,) = choice.build(self.model, HIDDEN, spec.learning_rate, weight_decay)
        self._rates = [group["lr"] for group in self._optimizer.param_groups]
        self._limiter = Limiter(self.model, self._optimizer, limit, target)
        self._batches = EpochBatches(len(data.images), spec.batch)
        self.records, self.status = Records(), "running"
        self._checkpoints: dict[int, dict[str, Any]] = {}
        self._record(math.nan, math.nan, math.nan)

    @property
    def step(self) -> int:
        """The last whole step: all of its numbers are recorded."""
        return len(self.records.radius) - 1

    @property
    def running(self) -> bool:
        return self.status == "running"

    def advance(self) -> bool:
        """One step; False, and a status that says so, where there is none to be made."""
        if not self.running:
            return False
        step = self.step + 1
        if step % CHECKPOINT_EVERY == 1:
            self._checkpoints[step - 1] = self._state()
        if not self._moved(step):
            self.status = f"diverged at step {step}"
            return False
        return True

    def branch(self, spec: LaneSpec) -> "SpikeLane":
        """A lane of other spikes; what both share, to the last state kept before they part, lies behind it already."""
        lane = SpikeLane(self.data, spec, self.limit, self.target)
        parted = self.spec.parts_from(spec, self.step + 1)
        usable = {step: state for step, state in self._checkpoints.items() if step < parted}
        if parted > self.step and self.running:
            usable[self.step] = self._state()
        if usable:
            last = max(usable)
            lane._checkpoints, lane.records = usable, self.records.cut(last + 1)
            lane.model.load_state_dict(usable[last]["model"])
            lane._optimizer.load_state_dict(copy.deepcopy(usable[last]["optimizer"]))
        return lane

    def _state(self) -> dict[str, Any]:
        return copy.deepcopy({"model": self.model.state_dict(), "optimizer": self._optimizer.state_dict()})

    def _moved(self, step: int) -> bool:
        factor = self.spec.factor(step)
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        chosen = self._batches.indices(step, self.spec.seed)
        images = self.data.images[chosen]
        self.model.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(self.model(images), self.data.labels[chosen])
        if not math.isfinite(float(loss.detach())):
            return False
        loss.backward()
        taken = self._limiter.step(images, self.records.norm[1:])
        return taken is not None and self._record(*taken)

    @torch.no_grad()
    def _record(self, proposed: float, norm: float, radius: float) -> bool:
        logits = self.model(self.data.test_images)
        loss = float(nn.functional.cross_entropy(logits, self.data.test_labels))
        if not math.isfinite(loss):
            return False
        right = (logits.argmax(-1) == self.data.test_labels).double().mean()
        for row, value in (
            (self.records.loss, loss),
            (self.records.accuracy, float(right)),
            (self.records.proposed, proposed),
            (self.records.norm, norm),
            (self.records.radius, radius),
        ):
            row.append(value)
        return True
