"""The same numbers on a CUDA device as on the processor, to 1e-10 in float64."""

from __future__ import annotations

import pytest
import torch

from anisoscope.engine.overlap import (
    autocorrelation,
    gamma_lm,
    hot_spot,
    overlap_from_coefficients,
    overlap_from_map,
    overlap_harmonics,
    pixel_directions,
    uniform,
)

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


def test_all_roads_agree() -> None:
    pulsars = uniform(40).directions
    device = pulsars.to("cuda")
    sky = hot_spot(pulsars[3], 6.0, 0.5, 8)
    pixels = 1 + 0.5 * pixel_directions(8)[:, 2]
    zeta = torch.linspace(0, 3.14, 50, dtype=torch.float64)
    pairs = [
        (overlap_harmonics(pulsars, 10), overlap_harmonics(device, 10)),
        (overlap_from_coefficients(pulsars, sky), overlap_from_coefficients(device, sky.to("cuda"))),
        (overlap_from_map(pulsars, pixels), overlap_from_map(device, pixels.to("cuda"))),
        (autocorrelation(pulsars, sky), autocorrelation(device, sky.to("cuda"))),
        (gamma_lm(zeta, 6), gamma_lm(zeta.to("cuda"), 6)),
    ]
    for here, there in pairs:
        torch.testing.assert_close(there.cpu(), here, rtol=0, atol=1e-10)
