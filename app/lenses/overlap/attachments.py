"""Files for other programs: Γ_lm of the whole array in the conventions of enterprise and hasasia, and the list."""

from __future__ import annotations

import io

import numpy as np

from anisoscope.engine.overlap import to_csv

from ...request import Request
from .array_state import array_state
from .conventions import as_csv, export_arrays


def attachments(request: Request) -> dict[str, bytes]:
    """What the export carries beside figures and tables; each file says its convention inside."""
    array = array_state(request)
    l_max = request["l_max"]
    directions = array.directions.cpu()
    buffer = io.BytesIO()
    arrays = export_arrays(directions, l_max, array.pulsars.names)
    np.savez_compressed(buffer, **arrays)  # pyright: ignore[reportArgumentType]
    a, b = request["pulsar_a"], request["pulsar_b"]
    pair = (array.pulsars.names[a], array.pulsars.names[b])
    values = array.gamma[array.pair(a, b)].cpu()
    return {
        "overlap/gamma_lm.npz": buffer.getvalue(),
        "overlap/selected_pair.csv": as_csv(values, l_max, pair).encode(),
        "overlap/pulsars.csv": to_csv(array.pulsars).encode(),
    }
