"""What a recorder is told: checked, and written into the file's header."""

import time
from collections.abc import Sequence
from typing import Any

import torch

from .errors import InvalidRecorder
from .layers import Layer, layer_fields
from .snapshot import KINDS

CONTENT, CONTENT_VERSION = "spectra", 1


def check_settings(kinds: Sequence[str], budget: float | None, subspace: int | None, **counts: int) -> None:
    """Raises InvalidRecorder, naming the argument and what is allowed."""
    for name, value in counts.items():
        if not isinstance(value, int) or value < 1:
            raise InvalidRecorder(f"{name} is {value!r}: an integer ≥ 1 is needed")
    if budget is not None and not 0 < budget <= 1:
        raise InvalidRecorder(f"budget is {budget!r}: a share above 0, at most 1, or None is needed")
    if not kinds or len(set(kinds)) < len(kinds) or not set(kinds) <= set(KINDS):
        raise InvalidRecorder(f"kinds is {kinds!r}: some of {KINDS}, each once, are needed")
    if subspace is not None and (not isinstance(subspace, int) or subspace < 0):
        raise InvalidRecorder(
            f"subspace is {subspace!r}: a number of directions, 0 or None for none, is needed"
        )


def header_fields(
    layers: Sequence[Layer],
    optimizers: Sequence[torch.optim.Optimizer],
    kinds: Sequence[str],
    every: int,
    budget: float | None,
    subspace: int | None,
) -> dict[str, Any]:
    """The header of a record of spectra."""
    fields = {
        "content": CONTENT,
        "content_version": CONTENT_VERSION,
        "created": time.time(),
        "torch": str(torch.__version__),
        "every": every,
        "budget": budget,
        "kinds": list(kinds),
        "layers": [layer_fields(layer, optimizers) for layer in layers],
    }
    return {**fields, "subspace": subspace} if subspace else fields
