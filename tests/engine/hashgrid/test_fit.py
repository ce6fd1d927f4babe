"""Image fits: what they learn, what they compare, what they refuse."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

from anisoscope.engine.hashgrid import fit as fit_module
from anisoscope.engine.hashgrid.errors import InvalidGrid
from anisoscope.engine.hashgrid.fit import FIT_MODES, ImageFit, fit_image, psnr
from anisoscope.engine.hashgrid.fixed_points import FixedPoints
from anisoscope.engine.hashgrid.grid import HashGrid
from anisoscope.engine.hashgrid.images import as_image, grating, power_spectrum, siemens_star, zone_plate
from anisoscope.engine.hashgrid.rotations import golden_angles
from anisoscope.engine.hashgrid.split import SplitHashGrid


@pytest.mark.parametrize("split", [False, True])
def test_fixed_points_equal_the_grid(split):
    """Values, gradients, and the gradient of a gradient's square."""
    if split:
        grid: Any = SplitHashGrid(2, 5, 4, 6, 4, 1.6, splits=2).double()
    else:
        grid = HashGrid(
            2, 5, 4, 6, 4, 1.6, rotation=golden_angles(5), level_mask=torch.tensor([1, 0, 1, 0.5, 1])
        ).double()
    points = torch.rand(60, 2, dtype=torch.float64)
    fixed = FixedPoints(grid, points)
    # Cell coordinates up to 26 round at 6e-15; with features of 1e-4 that is 6e-19 for each of two axes and four corners.
    assert torch.allclose(fixed(), grid(points), rtol=0, atol=5e-18)
    g = torch.randn(60, 20, dtype=torch.float64)
    ours = torch.autograd.grad((fixed() * g).sum(), list(grid.parameters()))
    wanted = torch.autograd.grad((grid(points) * g).sum(), list(grid.parameters()))
    for left, right in zip(ours, wanted, strict=True):
        assert torch.allclose(left, right, rtol=0, atol=1e-12)


@pytest.mark.parametrize("mode", FIT_MODES)
def test_every_mode_learns(mode):
    image = siemens_star(32, 8)
    states = list(fit_image(image, mode, steps=60, log2_table_size=10, levels=5))
    assert [state.step for state in states] == list(range(61))
    assert states[0].psnr < 12 and states[-1].psnr > states[0].psnr + 12
    shown = states[-1].prediction
    assert shown is not None and shown.shape == image.shape
    # the PSNR is that of the picture shown
    assert psnr((shown - image).square().mean().item()) == pytest.approx(states[-1].psnr, abs=1e-3)


def test_the_same_seed_is_the_same_fit_and_another_is_not():
    image = grating(16, 3, 30)
    runs = [
        [state.psnr for state in fit_image(image, "split", steps=10, levels=4, seed=s)] for s in (1, 1, 2)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_modes_compared_have_the_parameters_they_say():
    fits = {mode: ImageFit(siemens_star(16), mode, splits=2) for mode in FIT_MODES}
    counts = {mode: fit.parameter_count for mode, fit in fits.items()}
    assert counts["plain"] == counts["hash-only"]
    for mode in ("cycle", "golden", "split"):
        assert counts["plain"] < counts[mode] < 1.12 * counts["plain"]
    assert fits["split"].gathers_per_point == 2 * fits["plain"].gathers_per_point
    assert fits["cycle"].gathers_per_point == fits["plain"].gathers_per_point == 40


def test_a_split_beats_one_pyramid_with_a_starved_table_with_or_without_rotation():
    """What the control is for: other hashes alone gain over a plain encoding with as many parameters."""
    image = zone_plate(48)
    last = {
        mode: [
            list(fit_image(image, mode, steps=80, log2_table_size=7, levels=7, seed=s))[-1].psnr
            for s in (0, 1)
        ]
        for mode in ("plain", "split", "hash-only")
    }
    mean = {mode: sum(values) / 2 for mode, values in last.items()}
    assert mean["hash-only"] > mean["plain"] + 0.5 and mean["split"] > mean["plain"] + 0.5


def test_held_out_pixels():
    fit = ImageFit(siemens_star(24, 8), held_out=0.5, levels=5)
    states = [fit.step() for _ in range(30)]
    assert states[-1].psnr > states[-1].held_out_psnr > 5
    assert math.isnan(next(fit_image(siemens_star(24, 8), levels=5)).held_out_psnr)


def test_large_images_take_batches(monkeypatch):
    monkeypatch.setattr(fit_module, "_ALL_PIXELS", 100)
    monkeypatch.setattr(fit_module, "_BATCH", 200)
    image = siemens_star(24, 4)[:, :20]
    fit = ImageFit(image, levels=4, log2_table_size=10)
    states = [fit.step() for _ in range(80)]
    assert states[-1].prediction is None and states[-1].psnr > states[0].psnr + 8
    assert psnr((fit.render() - image).square().mean().item()) == pytest.approx(states[-1].psnr, abs=4)


def test_pixels_stay_square():
    points = ImageFit(torch.rand(8, 16), levels=3).points
    assert points[:, 0].max() == 0.5 - 1 / 32 and points[:, 1].max() == 1 - 1 / 32


def test_a_fit_stops_when_it_is_left():
    states = list(itertools.islice(fit_image(torch.rand(8, 8), steps=10**6, levels=3), 3))
    assert len(states) == 3


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"mode": "tilted"}, "mode"),
        ({"splits": 3, "mode": "split"}, "splits"),
        ({"hidden": 0}, "hidden"),
        ({"held_out": 1.0}, "held_out"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"growth": 1.0}, "growth"),
        ({"learning_rate": math.nan}, "learning_rate"),
        ({"levels": 99}, "levels"),
    ],
)
def test_refused_fits(change, word):
    with pytest.raises(InvalidGrid, match=f"^{word}"):
        ImageFit(torch.rand(8, 8), **change)


def test_images_that_are_taken():
    eight = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert torch.allclose(as_image(eight), torch.from_numpy(eight) / 255)
    assert as_image(np.full((3, 5), 65535, dtype=np.uint16)).tolist() == np.ones((3, 5, 1)).tolist()
    half = np.zeros((2, 2, 4), dtype=np.uint8)
    half[..., 3] = 51
    # black at a fifth over white
    assert torch.allclose(as_image(half), torch.full((2, 2, 3), 0.8))
    assert as_image(np.eye(2, dtype=bool)).shape == (2, 2, 1)


@pytest.mark.parametrize(
    ("image", "word"),
    [
        (np.zeros((4, 4, 5), dtype=np.uint8), "shape"),
        (np.zeros(4), "shape"),
        (np.zeros((1, 9)), "shape"),
        (np.zeros((4097, 4097), dtype=np.bool_), "16785409 pixels"),
        (np.full((4, 4), 1.5), "runs from"),
        (np.full((4, 4), np.nan), "runs from"),
        (np.zeros((4, 4), dtype=np.int64), "int64"),
        (np.zeros((4, 4), dtype=complex), "complex"),
    ],
)
def test_refused_images(image, word):
    with pytest.raises(InvalidGrid, match=f"image .*{word}"):
        as_image(image)


def test_a_grating_has_one_frequency():
    power = power_spectrum(grating(64, 8, 90) - 0.5)
    assert power.flatten().topk(2).indices.sort().values.tolist() == [32 * 64 + 24, 32 * 64 + 40]
    residual = torch.rand(16, 16, 3)
    assert power_spectrum(residual).sum().item() == pytest.approx(residual.square().mean().item(), rel=1e-5)


def test_the_zone_plate_and_the_star_look_alike_from_every_side():
    for image in (zone_plate(32), siemens_star(32, 8)):
        assert torch.allclose(image, image.rot90(), atol=1e-5)
        assert image.min() >= 0 and image.max() <= 1


@pytest.mark.parametrize(
    ("draw", "named"),
    [
        (lambda: grating(8, math.nan), "cycles is nan"),
        (lambda: grating(8, 2, math.inf), "degrees is inf"),
        (lambda: grating(8.5, 2), "size is 8.5"),
        (lambda: siemens_star(8, math.nan), "spokes is nan"),
        (lambda: siemens_star(8, 2.5), "spokes is 2.5"),
        (lambda: siemens_star(8.5), "size is 8.5"),
        (lambda: zone_plate(math.nan), "size is nan"),
        (lambda: zone_plate(1), "size is 1: 2 to 4096"),
    ],
)
def test_pictures_that_cannot_be_drawn(draw, named):
    with pytest.raises(InvalidGrid, match=named):
        draw()
