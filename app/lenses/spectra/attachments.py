"""The training of an export, whole: every recorded singular value, and where it drowns in rounding noise."""

from __future__ import annotations

import io

import numpy as np

from anisoscope.engine.training import KINDS

from ...request import Request
from .trained import training_of


def attachments(request: Request) -> dict[str, bytes]:
    """One NPZ: lane/steps, seconds, loss, learning_rate, and lane/matrix/kind with its floor."""
    shows_training = request["view"] in ("training", "layers")
    if not shows_training or request["watch"] or any(request[f"record_{k}"] for k in range(1, 5)):
        return {}
    training = training_of(request)
    arrays: dict[str, np.ndarray] = {}
    for k, (spec, rows) in enumerate(zip(training.spec.lanes, training.timelines, strict=True), start=1):
        lane = f"lane_{k}_{spec.optimizer}"
        for name in ("steps", "seconds", "loss", "learning_rate"):
            arrays[f"{lane}/{name}"] = getattr(rows, name)
        for m, matrix in enumerate(rows.layers):
            for place, kind in enumerate(KINDS):
                arrays[f"{lane}/{matrix.name}/{kind}"] = rows.sigma(m, kind)
                arrays[f"{lane}/{matrix.name}/{kind}_floor"] = rows.floor[:, m, place]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # pyright: ignore[reportArgumentType]
    return {"spectra/training.npz": buffer.getvalue()}
