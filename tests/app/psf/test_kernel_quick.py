"""Widths under the hand, looked for on few distances, against those at rest."""

from __future__ import annotations

import pytest
import torch

from anisoscope.app.lenses.psf import kernel_view
from anisoscope.app.lenses.psf.encoding import encoding_of
from anisoscope.app.lenses.psf.lens import GOLDEN, PsfLens
from anisoscope.engine.hashgrid import half_width


@pytest.mark.parametrize("kernel", ["cell", "adam_cell"])
@pytest.mark.parametrize("values", [{}, {"turn": GOLDEN}, {"growth": 2.0, "levels": 8}, {"dimension": 3}])
def test_widths_under_the_hand_are_those_at_rest_to_one_percent(
    kernel: str, values: dict[str, float]
) -> None:
    lens = PsfLens()
    for dx, dy in ((0.0, 0.0), (0.31, -0.22), (-0.9, 0.7)):
        request = lens.validated({"kernel": kernel, "dx": dx, "dy": dy, **values})
        encoding = encoding_of(request)
        for geometry in (encoding.unturned, encoding.geometry):
            quick = kernel_view.half_widths(request, encoding, geometry, quick=True)
            few = kernel_view._padded(kernel_view._circle(kernel_view.DIRECTIONS + 1)[:-1], encoding.dim)
            few = few[:: kernel_view.QUICK_EVERY]
            exact = half_width(geometry, few, kernel, x0=encoding.x0)
            assert torch.allclose(quick[:: kernel_view.QUICK_EVERY], exact, rtol=1e-2, atol=0)


def test_the_lit_point_moves_without_a_new_encoding() -> None:
    lens = PsfLens()
    here, there = (encoding_of(lens.validated({"dx": dx})) for dx in (0.1, 0.4))
    assert here.geometry is there.geometry and here.levels is there.levels
    moved = (there.x0 - here.x0) * here.average
    assert moved.tolist() == pytest.approx([0.3, 0.0], abs=1e-12)
    assert encoding_of(lens.validated({"dx": 0.1, "turn": GOLDEN})).geometry is not here.geometry
