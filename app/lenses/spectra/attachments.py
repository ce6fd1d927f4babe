"""The trainings of an export, whole: every recorded singular value, and where it drowns in rounding noise."""

from __future__ import annotations

import numpy as np

from anisoscope.engine.training import KINDS

from ...control import Attachment
from ...export.tables import npz
from ...request import Request
from .recordings import lanes_of_recordings
from .trained import advance, training_of

SLICE_SECONDS = 1.0
WORDS = (
    "by lane steps, seconds, loss, of a live training learning_rate, and lane/matrix/kind with its floor: every singular "
    "value as recorded, which figures and tables show to 0.06 %"
)


def attachments(request: Request) -> dict[str, Attachment]:
    """One NPZ: lane/steps, seconds, loss, learning_rate, and lane/matrix/kind with its floor."""
    if request["view"] not in ("training", "layers"):
        return {}
    recorded = request["watch"] or any(request[f"record_{k}"] for k in range(1, 5))
    arrays = _recorded(request) if recorded else _trained(request)
    return {"spectra/training.npz": Attachment(WORDS, npz(arrays))}


def _recorded(request: Request) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    for k, own in enumerate(lanes_of_recordings(request), start=1):
        lane = f"lane_{k}"
        arrays |= {f"{lane}/{name}": getattr(own, name) for name in ("steps", "seconds", "loss")}
        for m, matrix in enumerate(own.matrices):
            for kind in own.kinds:
                arrays[f"{lane}/{matrix.name}/{kind}"] = own.sigma(m, kind)
                arrays[f"{lane}/{matrix.name}/{kind}_floor"] = own.floor(m, kind)
    return arrays


def _trained(request: Request) -> dict[str, np.ndarray]:
    training = training_of(request)
    while not training.done:
        # others have been asked for since the frame, and this one was let go
        advance(training, SLICE_SECONDS)
    arrays: dict[str, np.ndarray] = {}
    for k, (spec, rows) in enumerate(zip(training.spec.lanes, training.timelines, strict=True), start=1):
        lane = f"lane_{k}_{spec.optimizer}"
        for name in ("steps", "seconds", "loss", "learning_rate"):
            arrays[f"{lane}/{name}"] = getattr(rows, name)
        for m, matrix in enumerate(rows.layers):
            for place, kind in enumerate(KINDS):
                arrays[f"{lane}/{matrix.name}/{kind}"] = rows.sigma(m, kind)
                arrays[f"{lane}/{matrix.name}/{kind}_floor"] = rows.floor[:, m, place]
    return arrays
