"""What `RadiusClip` can be told, checked once, and which samples' radius counts."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from numbers import Real

from torch import Tensor, nn
from torch.nn.parallel import DataParallel, DistributedDataParallel

from .errors import InvalidClipSetting

MODES = ("cap", "set", "monitor")
KINDS = ("bound", "margin")
BACKENDS = ("auto", "forward_difference", "jvp", "finite_difference")


@dataclass(frozen=True)
class ClipSettings:
    """The settings of `RadiusClip`, which explains them; InvalidClipSetting names one it cannot work with."""

    target: float
    mode: str
    kind: str
    reduction: str | float
    samples: object
    every: int
    backend: str

    def __post_init__(self):
        for name, allowed in (("mode", MODES), ("kind", KINDS), ("backend", BACKENDS)):
            if getattr(self, name) not in allowed:
                raise InvalidClipSetting(
                    f"{name} must be one of {', '.join(map(repr, allowed))}, not {getattr(self, name)!r}"
                )
        if not _is_number(self.target) or not 0 < self.target < math.inf:
            raise InvalidClipSetting(f"target must be a finite number above 0, not {self.target!r}")
        if not isinstance(self.every, int) or isinstance(self.every, bool) or self.every < 1:
            raise InvalidClipSetting(f"every must be a whole number of at least 1, not {self.every!r}")
        if self.reduction != "min" and not (_is_number(self.reduction) and 0 < float(self.reduction) < 1):
            raise InvalidClipSetting(
                f"reduction must be 'min' or a quantile between 0 and 1, not {self.reduction!r}"
            )
        self._check_samples()

    def _check_samples(self) -> None:
        if isinstance(self.samples, str) and self.samples == "batch":
            return
        if not isinstance(self.samples, Iterable) or isinstance(self.samples, (str, bytes, Iterator)):
            raise InvalidClipSetting(
                "samples must be 'batch', one batch of inputs, or an iterable of batches that can be gone "
                f"through again and again, not {self.samples!r}"
            )

    def batches(self, inputs: object) -> Iterable[object]:
        """The inputs at which a step is measured, batch by batch."""
        if isinstance(self.samples, str):
            return (inputs,)
        if isinstance(self.samples, (Tensor, dict)):
            return (self.samples,)
        assert isinstance(self.samples, Iterable)
        return self.samples

    def reduced(self, radii: Tensor) -> tuple[float, int]:
        """The radius that counts and the sample it belongs to.

        For a quantile q at least the part q of the samples has that radius or a larger one; it is always
        one sample's own, nothing is interpolated.

        >>> ClipSettings(1.0, "cap", "bound", 0.5, "batch", 1, "auto").reduced(Tensor([3.0, 1.0, 2.0]))
        (2.0, 2)
        """
        if isinstance(self.reduction, str):
            value, index = radii.min(0)
        else:
            allowed = len(radii) - math.ceil(self.reduction * len(radii))
            value, index = radii.kthvalue(allowed + 1)
        return float(value), int(index)


def bare_module(model: nn.Module) -> nn.Module:
    """The module inside the wrappers of compilation and data parallelism, which a probe must not wake."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and isinstance(model, (DataParallel, DistributedDataParallel)):
            inner = model.module
        if not isinstance(inner, nn.Module):
            return model
        model = inner


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
