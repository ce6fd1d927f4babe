"""Files for other programs: Γ_lm of the whole array in the conventions of enterprise and hasasia, and the list."""

from __future__ import annotations

from math import isqrt

import numpy as np

from anisoscope.engine.overlap import to_csv

from ...control import Attachment
from ...export.tables import npz
from ...request import Request
from .array_state import array_state
from .conventions import as_csv, export_arrays
from .skies import sky_of


def attachments(request: Request) -> dict[str, Attachment]:
    """What the export carries beside figures and tables; each file says its convention inside."""
    array = array_state(request)
    l_max = request["l_max"]
    directions = array.directions.cpu()
    arrays = export_arrays(directions, l_max, array.pulsars.names)
    sky = sky_of(request).coefficients.cpu().numpy()
    a, b = request["pulsar_a"], request["pulsar_b"]
    pair = (array.pulsars.names[a], array.pulsars.names[b])
    values = array.gamma[array.pair(a, b)].cpu()
    return {
        "overlap/gamma_lm.npz": Attachment(
            "Γ_lm of all pairs in the conventions of enterprise and hasasia", npz(arrays)
        ),
        "overlap/sky.csv": Attachment(
            "c_lm of the sky that is shown, of the colours the values: P(n) = Σ c_lm Y_lm(n), l ≤ 10",
            _sky_csv(sky).encode(),
        ),
        "overlap/selected_pair.csv": Attachment(
            "Γ_lm of the selected pair", as_csv(values, l_max, pair).encode()
        ),
        "overlap/pulsars.csv": Attachment("the array", to_csv(array.pulsars).encode()),
    }


def _sky_csv(coefficients: np.ndarray) -> str:
    """l, m and c_lm, in the order l² + l + m."""
    degrees = [(isqrt(index), index) for index in range(len(coefficients))]
    rows = [
        f"{degree},{index - degree * (degree + 1)},{float(coefficients[index])!r}"
        for degree, index in degrees
    ]
    return "\n".join(["l,m,c_lm", *rows]) + "\n"
