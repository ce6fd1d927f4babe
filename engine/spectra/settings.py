"""What a recorder is told: checked, written into the file's header, found again there."""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ..records import UnfinishedRecord, read_record
from .errors import InvalidRecorder
from .layers import Layer, layer_fields
from .snapshot import KINDS

CONTENT, CONTENT_VERSION = "spectra", 1
# two processes that write one run one after the other may differ in these
OF_THE_PROCESS = frozenset({"created", "torch", "format"})


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


def earlier_part(path: str, header: Mapping[str, Any]) -> tuple[dict[str, Any], int, float] | None:
    """Header, last step and seconds of a record that this header may go on with; None when there is none.

    A record of another run is left to the writer to refuse.

    Raises:
        ForeignRecord: as `read_record`.
    """
    try:
        record = read_record(path) if os.path.exists(path) else None
    except UnfinishedRecord:
        return None
    if record is None or any(
        record.header.get(name) != value for name, value in header.items() if name not in OF_THE_PROCESS
    ):
        return None
    step = max((int(entry.fields.get("step", 0)) for entry in record.entries), default=0)
    seconds = max((float(entry.fields.get("seconds", 0)) for entry in record.entries), default=0.0)
    kept = {name: value for name, value in record.header.items() if name != "format"}
    return kept, step, seconds
