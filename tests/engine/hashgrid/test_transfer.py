"""Optical transfer, gradient flow, two-point resolution and the speckle law."""

import math

import pytest
import torch

from anisoscope.engine.hashgrid.gradient_flow import gradient_flow_psf
from anisoscope.engine.hashgrid.levels import level_table
from anisoscope.engine.hashgrid.optical_transfer import optical_transfer_function, optical_transfer_grid
from anisoscope.engine.hashgrid.point_spread import point_spread_function
from anisoscope.engine.hashgrid.resolution import two_point_dip, two_point_distance
from anisoscope.engine.hashgrid.speckle import load_factors, speckle_law, speckle_snr

from .psf_oracle import FLOORED, ORACLE, golden, real_levels

KERNELS = ["node", "mid_cell", "averaged", "adam"]


def test_reference_transfer():
    waves = torch.tensor([case["k"] for case in ORACLE["otf"]["values"]], dtype=torch.float64)
    expected = torch.tensor([case["Khat"] for case in ORACLE["otf"]["values"]], dtype=torch.float64)
    torch.testing.assert_close(optical_transfer_function(FLOORED, waves), expected, rtol=1e-10, atol=0)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("turned", [False, True])
def test_transfer_is_the_fourier_sum_of_the_kernel(kernel, turned):
    levels = torch.tensor([4.0, 7.0], dtype=torch.float64)
    turn = torch.tensor([0.3, -0.9], dtype=torch.float64) if turned else None
    axis = (torch.arange(400, dtype=torch.float64) + 0.5) / 200 - 1
    points = torch.cartesian_prod(axis, axis)
    values = point_spread_function(levels, [0.0, 0.0], points, kernel, turn, normalised=False) / 200**2
    for wave in ([0.0, 0.0], [3.0, -1.0], [5.0, 2.0]):
        sum_of_waves = (values * torch.cos(2 * math.pi * points @ torch.tensor(wave).double())).sum()
        ours = optical_transfer_function(levels, [wave], kernel, turn, normalised=False)
        assert ours.item() == pytest.approx(sum_of_waves.item(), abs=3e-5)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_grid_of_frequencies_has_the_function_s_values(dim, turned):
    turn = torch.linalg.matrix_exp(torch.triu(torch.ones(2, dim, dim).double(), 1) * 0.4)
    turn = torch.linalg.qr(turn).Q if turned else None
    grid = optical_transfer_grid([3.0, 5.0], 8, dim, "averaged", turn)
    assert grid.shape == (8,) * (dim - 1) + (5,) and grid.flatten()[0].item() == pytest.approx(1)
    index = (6, 3, 2)[-dim:]
    wave = [float(i if i < 4 or axis == dim - 1 else i - 8) for axis, i in enumerate(index)]
    expected = optical_transfer_function([3.0, 5.0], [wave], "averaged", turn)
    assert grid[index].item() == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.parametrize("kernel", ["node", "averaged"])
def test_two_kernels_have_no_negative_transfer_and_the_others_have(kernel):
    waves = 100 * torch.rand(3000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert optical_transfer_function(FLOORED[:5], waves, kernel).min() >= 0
    for other in ("mid_cell", "adam"):
        assert optical_transfer_function([10.0], waves, other).min() < 0


def width_along_axis_0(image: torch.Tensor) -> float:
    size = len(image)
    line = image[size // 2 :, size // 2]
    after = int((line < 0.5).to(torch.int8).argmax())
    high, low = line[after - 1].item(), line[after].item()
    return 2 * (after - 1 + (high - 0.5) / (high - low)) / size


@pytest.mark.parametrize("time", ORACLE["gradient_flow"]["values"])
def test_reference_gradient_flow(time):
    levels = real_levels(12, 8, 1.4)
    image = gradient_flow_psf(levels, float(time), 1024)
    assert image.max() == image[512, 512] == 1
    width = width_along_axis_0(image) * levels.log().mean().exp().item()
    assert width == pytest.approx(ORACLE["gradient_flow"]["values"][time], rel=1e-6)


def test_gradient_flow_begins_as_the_kernel_and_ends_as_a_pixel():
    levels, size = torch.tensor([4.0, 7.0], dtype=torch.float64), 128
    axis = (torch.arange(size, dtype=torch.float64) - size // 2) / size
    kernel = point_spread_function(levels, [0.0, 0.0], torch.cartesian_prod(axis, axis))
    early = gradient_flow_psf(levels, 1e-9, size)
    averaged = point_spread_function(levels, [0.0, 0.0], torch.cartesian_prod(axis, axis), "averaged")
    assert (early.flatten() - averaged).abs().max() < 2e-3 < (early.flatten() - kernel).abs().max()
    late = gradient_flow_psf([500.0], 1e9, 32)
    assert late[16, 16] == 1 and late.flatten().sort().values[-2].abs() < 1e-6
    turned = gradient_flow_psf(levels, 10.0, 32, rotation=golden(2))
    torch.testing.assert_close(turned[1:, 1:], turned[1:, 1:].flip(0, 1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", ORACLE["two_point"]["cases"])
def test_reference_two_point_distances(case):
    levels = real_levels(case["L"], case["N_min"], case["b"])
    distance = two_point_distance(levels, [1.0, 0.0], case["dip"])
    assert distance * levels.log().mean().exp().item() == pytest.approx(case["d*N_avg"], rel=1e-8)


def test_the_dip_is_that_of_a_fit_to_both_points():
    levels = FLOORED[:6]
    d = 0.03
    gram = torch.stack(
        [point_spread_function(levels, [s, 0.0], [[0.0, 0.0], [d, 0.0]], "averaged") for s in (0.0, d)]
    )
    weights = torch.linalg.solve(gram, torch.ones(2, dtype=torch.float64))
    midway = sum(
        w * point_spread_function(levels, [s, 0.0], [[d / 2, 0.0]], "averaged").item()
        for w, s in zip(weights.tolist(), (0.0, d), strict=True)
    )
    assert two_point_dip(levels, [d], [1.0, 0.0]).item() == pytest.approx(1 - midway, abs=1e-13)


def test_any_dip_at_all_is_a_matter_of_the_finest_level():
    for count in (10, 14, 18):
        levels = real_levels(count, 16, 1.38)
        assert 1.9 < two_point_distance(levels, [1.0, 0.0], 1e-6) * levels.max().item() < 2.4
    assert two_point_dip(FLOORED, [1e-4], [1.0, 0.0]).item() < 0
    one = two_point_dip(FLOORED, 1e-4, [1.0, 0.0])
    assert one.shape == () and one == two_point_dip(FLOORED, [1e-4], [1.0, 0.0])


@pytest.mark.parametrize("case", ORACLE["speckle"]["cases"])
def test_reference_speckle(case):
    levels = real_levels(case["L"], case["N_min"], case["b"])
    found = speckle_law(levels, case["T"])
    assert found.hashed_levels == case["L_h"]
    assert found.snr == pytest.approx(case["snr"], rel=1e-10) == 1 / found.sigma
    assert found.bias == pytest.approx(case["bias"], rel=1e-10)
    table = level_table(2, case["L"], case["T"].bit_length() - 1, case["N_min"], case["b"])
    assert speckle_law(table) == found and speckle_snr(table) == found.snr


def test_no_collisions_no_speckle():
    assert speckle_law([4.0, 8.0], 81) == (math.inf, 0.0, 0.0, 0)
    assert speckle_law([4.0, 8.0], 80).hashed_levels == 1
    assert load_factors([4.0, 8.0], 100) == [0.25, 0.81]
    assert load_factors(level_table(3, 2, 9, 4, 2.0)) == [1.0, 729 / 512]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: optical_transfer_function([4.0], [1.0, 2.0]), "frequencies"),
        (lambda: optical_transfer_function([4.0], [[1.0, 2.0]], "cell"), "kernel is 'cell'"),
        (lambda: optical_transfer_grid([4.0], 1), "size"),
        (lambda: gradient_flow_psf([4.0], 0.0), "time"),
        (lambda: gradient_flow_psf([4.0], 1.0, kernel="adam"), "kernel"),
        (lambda: two_point_distance([4.0], [1.0], 1.0), "dip"),
        (lambda: two_point_dip([4.0], [0.1], [0.0]), "direction"),
        (lambda: two_point_dip([4.0], [0.1, math.nan], [1.0]), "distances holds nan"),
        (lambda: two_point_dip([4.0], [math.inf], [1.0]), "distances holds inf"),
        (lambda: two_point_dip([4.0], [-0.1], [1.0]), "distances holds -0.1"),
        (lambda: two_point_dip([4.0], [[0.1]], [1.0]), "distances has shape"),
        (lambda: speckle_law([4.0]), "table_size"),
        (lambda: speckle_law([4.0], 0), "table_size"),
        (lambda: speckle_law([4.0], 2.5), "table_size"),
        (lambda: speckle_law([4.0], 16, dim=4), "dim"),
    ],
)
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
