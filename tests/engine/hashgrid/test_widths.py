"""Widths and their anisotropy against reference values and exact radii."""

import math

import pytest
import torch

from anisoscope.engine.hashgrid.kernels import KERNELS, PROFILES
from anisoscope.engine.hashgrid.point_spread import point_spread_function
from anisoscope.engine.hashgrid.roots import falling_root
from anisoscope.engine.hashgrid.widths import all_directions, anisotropy, fwhm, half_width

from .psf_oracle import FLOORED, ORACLE, angles, golden, real_levels, rotations_3d

WIDTHS = ORACLE["fwhm_times_N_avg"]
LINES = {"axis": (1, 0), "diagonal 2D": (1, 1), "diagonal 3D": (1, 1, 1), "0 deg": (1, 0), "45 deg": (1, 1)}


@pytest.mark.parametrize("kind", ["real", "floored"])
@pytest.mark.parametrize("name", WIDTHS["values"]["real"])
def test_widths_times_the_average_resolution(kind, name):
    levels = real_levels() if kind == "real" else FLOORED
    turn, _, kernel = name.rpartition(" ")
    average = levels.log().mean().exp().item()
    for line, expected in WIDTHS["values"][kind][name].items():
        width = fwhm(levels, LINES[line], kernel, angles(turn or "none"))
        assert width.item() * average == pytest.approx(expected, rel=1e-10), line


@pytest.mark.parametrize("growth", [1.2, 1.38, 1.5, 2.0])
def test_the_width_follows_the_average_resolution(growth):
    levels = real_levels(growth=growth)
    expected = WIDTHS["node and averaged axis, real N_l, L16 N_min16, by b"][str(growth)]
    average = levels.log().mean().exp()
    ours = [(fwhm(levels, [1.0, 0.0], kernel) * average).item() for kernel in ("node", "averaged")]
    assert ours == pytest.approx(expected, rel=1e-10)


def test_single_levels():
    for name, expected in WIDTHS["single level (times N)"].items():
        kernel, line = name.split(" ", 1)
        assert fwhm([7.0], LINES[line], kernel).item() * 7 == pytest.approx(expected, rel=1e-10), name


@pytest.mark.parametrize("turn", ORACLE["isotropy_2d"]["values"])
@pytest.mark.parametrize("kernel", ["node", "averaged", "adam"])
def test_isotropy_in_the_plane(turn, kernel):
    found = anisotropy(real_levels(), kernel, angles(turn))
    ratio, spread = ORACLE["isotropy_2d"]["values"][turn][kernel]
    assert found.ratio == pytest.approx(ratio, rel=1e-8) and found.spread == pytest.approx(spread, rel=1e-8)


def test_golden_turns_are_rounder_the_denser_the_levels():
    cases = ORACLE["isotropy_2d"]["golden node by (L,b)"]
    ratios = [anisotropy(real_levels(c["L"], 16, c["b"]), "node", golden(c["L"])).ratio for c in cases]
    assert ratios == pytest.approx([c["max/min"] for c in cases], rel=1e-8)
    assert ratios == sorted(ratios, reverse=True)


@pytest.mark.parametrize("name", ORACLE["isotropy_3d"]["values"])
def test_isotropy_in_space(name):
    ratio, spread = ORACLE["isotropy_3d"]["values"][name]
    found = anisotropy(real_levels(), "node", rotations_3d(name), dim=3)
    assert len(found.directions) == 4026
    assert found.ratio == pytest.approx(ratio, rel=1e-7) and found.spread == pytest.approx(spread, rel=1e-7)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("turn", ["none", "golden"])
def test_the_function_is_one_half_at_the_half_width_and_above_before(kernel, turn):
    x0 = torch.tensor([0.37, 0.61], dtype=torch.float64)
    units = all_directions(2)[::40]
    radius = half_width(FLOORED, units, kernel, angles(turn), x0)
    at = point_spread_function(FLOORED, x0, x0 + radius[:, None] * units, kernel, angles(turn))
    torch.testing.assert_close(at, torch.full_like(at, 0.5), rtol=0, atol=1e-11)
    for fraction in (0.3, 0.7, 0.9, 0.97):
        before = x0 + fraction * radius[:, None] * units
        assert (point_spread_function(FLOORED, x0, before, kernel, angles(turn)) > 0.5).all()


def test_the_exact_kernel_varies_from_place_to_place():
    # the reference found 0.65 to 3.4 over places, an axis as often wider as narrower than the diagonal
    places = torch.rand(40, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    average = FLOORED.log().mean().exp().item()
    lines = torch.tensor([[1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    betas = torch.stack([average * fwhm(FLOORED, lines, "cell", x0=place) for place in places])
    assert betas.min() < 1.0 and betas.max() > 1.8
    ratio = betas[:, 0] / betas[:, 1]
    assert ratio.min() < 0.95 and ratio.max() > 1.05 and ratio.mean().item() == pytest.approx(1, abs=0.05)


def test_lengths_and_units():
    assert fwhm([4.0], [3.0, 0.0], "node").shape == ()
    assert fwhm([4.0], [[3.0, 0.0], [0.0, -1.0]], "node").tolist() == pytest.approx([0.25, 0.25], rel=1e-14)
    scaled = fwhm(FLOORED * 3, [1.0, 2.0], "adam") * 3
    assert scaled.item() == pytest.approx(fwhm(FLOORED, [1.0, 2.0], "adam").item(), rel=1e-13)
    found = anisotropy(FLOORED, "averaged")
    assert (found.beta / found.fwhm - FLOORED.log().mean().exp()).abs().max() < 1e-9


def test_a_stretch_at_one_half_ends_the_width_where_it_begins():
    # two levels far apart, mid-cell: at 1/2 from 1.5/1000 until 0.5/10
    assert half_width([10.0, 1000.0], [[1.0, 0.0]], "mid_cell").item() == pytest.approx(1.5e-3, rel=1e-9)


def test_roots_of_steps_lines_and_curves():
    target = torch.tensor([0.1, 0.5, 0.9, 1.0], dtype=torch.float64)
    low, high = torch.zeros(4, dtype=torch.float64), torch.full((4,), 2.0, dtype=torch.float64)
    for shape in (
        lambda x: target - x,
        lambda x: target**3 - x**3,
        lambda x: torch.where(x < target, 1.0, -1.0),
    ):
        torch.testing.assert_close(falling_root(shape, low, high), target, rtol=0, atol=2e-15)


def test_what_is_refused():
    with pytest.raises(ValueError, match="x0 is None"):
        fwhm([4.0], [1.0, 0.0], "cell")
    with pytest.raises(ValueError, match="x0 has 3 dimensions"):
        fwhm([4.0], [1.0, 0.0], "cell", x0=[0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="kernel"):
        fwhm([4.0], [1.0, 0.0], "gauss")
    with pytest.raises(ValueError, match="dim is 4"):
        anisotropy([4.0], dim=4)


def test_a_polar_plot_asks_for_few_values_of_the_kernel(monkeypatch):
    """A few milliseconds on a quiet core: two values at the ends of the search, then about ten steps; halving takes 50."""
    asked = []
    tent = PROFILES["node"]

    def counted(u):
        asked.append(u.shape)
        return tent.value(u)

    monkeypatch.setitem(PROFILES, "node", tent._replace(value=counted))
    phi = torch.arange(72, dtype=torch.float64) * math.pi / 36
    half_width(FLOORED, torch.stack([phi.cos(), phi.sin()], 1), "node", golden())
    assert set(asked) == {(2, len(FLOORED), 72)} and len(asked) <= 16
