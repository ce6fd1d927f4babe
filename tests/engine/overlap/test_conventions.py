"""Each convention against its own formula, summed over the sky here and now; no engine function takes part.

The sums run over HEALPix pixels, whose error (5e-5 of order-one kernels at NSIDE 64) is far below any wrong sign
or factor.
"""

import math

import numpy as np
import pytest
import torch
from scipy.special import sph_harm_y

from anisoscope.engine.overlap.conventions import CONVENTIONS, convert
from anisoscope.engine.overlap.healpix import pixel_directions
from anisoscope.engine.overlap.sky_frame import overlap_harmonics

L_MAX = 4
N = pixel_directions(64).numpy()
THETA, PHI = np.arccos(N[:, 2]), np.arctan2(N[:, 1], N[:, 0])
PAIR = np.array([[0.36, 0.48, 0.8], [-0.28, 0.96, 0.0]])
AREA = 4 * math.pi / len(N)
TOLERANCE = 1.5e-4
SIZES = {
    "hasasia": math.sqrt(4 * math.pi),
    "fastpta": 4 * math.pi,
    "mingarelli": 8 * math.pi / 3,
    "pyorfs": 8 * math.pi / 3,
    "allen": 2 / 3,
}


def propagation_kernel() -> np.ndarray:
    """ΣF_aF_b where the pixels are directions of PROPAGATION."""
    (pa, pb), (a, b) = PAIR, PAIR @ N.T
    return 0.25 * (2 * (pa @ pb - a * b) ** 2 / ((1 + a) * (1 + b)) - (1 - a) * (1 - b))


def source_kernel() -> np.ndarray:
    (pa, pb), (a, b) = PAIR, PAIR @ N.T
    return 0.25 * (2 * (pa @ pb - a * b) ** 2 / ((1 - a) * (1 - b)) - (1 + a) * (1 + b))


def harmonic(l: int, m: int) -> np.ndarray:
    """Complex, with the Condon–Shortley phase."""
    return sph_harm_y(l, m, THETA, PHI)


def enterprise_harmonic(l: int, m: int) -> np.ndarray:
    """enterprise's combination of Y_lm and Y_l-m."""
    if m > 0:
        return ((harmonic(l, m) + (-1) ** m * harmonic(l, -m)) / math.sqrt(2)).real
    if m < 0:
        return ((harmonic(l, -m) - (-1) ** m * harmonic(l, m)) / (math.sqrt(2) * 1j)).real
    return harmonic(l, 0).real


def no_phase_harmonic(l: int, m: int) -> np.ndarray:
    """√2 N P cos mφ and √2 N P sin |m|φ with P_l^m ≥ 0 just off the pole: no Condon–Shortley phase."""
    bare = (-1) ** m * harmonic(l, abs(m))
    return bare.real if m == 0 else math.sqrt(2) * (bare.real if m > 0 else bare.imag)


def fastpta_projection(kernel: np.ndarray, l: int, m: int) -> float:
    """a_lm = ∫ Y* f as map2alm gives it, then real and imaginary part with (-1)^m and √2."""
    alm = AREA * (harmonic(l, abs(m)).conj() * kernel).sum()
    return alm.real if m == 0 else (-1) ** m * math.sqrt(2) * (alm.real if m > 0 else alm.imag)


def peer(convention: str, l: int, m: int) -> complex:
    """What each code or paper defines as its Γ_lm."""
    forward, back = propagation_kernel(), source_kernel()
    if convention in ("enterprise", "maps", "defiant", "pta_replicator"):
        # a mean over pixels, 3/2, and Σ P_lm c_lm with c_00 = √4π
        return 1.5 * (forward * enterprise_harmonic(l, m)).mean()
    if convention == "hasasia":
        return 1.5 * math.sqrt(4 * math.pi) * (back * no_phase_harmonic(l, m)).mean()
    if convention == "fastpta":
        # its kernel is 4 ΣFF and its curve 3/8 of that over the whole sky
        return 3 / 8 * fastpta_projection(4 * forward, l, m)
    if convention in ("mingarelli", "pyorfs"):
        return AREA * (forward * harmonic(l, m)).sum()
    if convention == "allen":
        return (forward * enterprise_harmonic(l, m)).mean()
    return 1.5 * (back * enterprise_harmonic(l, m)).mean()


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_peers_own_formula(convention):
    ours = overlap_harmonics(torch.from_numpy(PAIR), L_MAX)[0]
    theirs = convert(ours, convention)
    tolerance = SIZES.get(convention, 1.0) * TOLERANCE
    for l in range(L_MAX + 1):
        for m in range(-l, l + 1):
            expected = peer(convention, l, m)
            assert abs(theirs[l * l + l + m].item() - expected) < tolerance, (l, m)
    # each sign is told from its opposite: all but the few functions near zero are far above the error
    assert (theirs.abs() > 2 * tolerance).double().mean() > 0.9


def test_published_norms_at_no_separation():
    """1/2, 1/3 and 2√π/3: the monopole of two pulsars at one place in E, Allen's and Mingarelli's."""
    at_zero = overlap_harmonics(torch.tensor([[0.0, 0.0, 1.0]] * 2), 0)[0]
    mean = math.sqrt(4 * math.pi)
    assert (mean * at_zero).item() == pytest.approx(1 / 2)
    assert (mean * convert(at_zero, "allen")).item() == pytest.approx(1 / 3)
    assert convert(at_zero, "mingarelli").item() == pytest.approx(2 * math.sqrt(math.pi) / 3)


@pytest.mark.parametrize("kind", ["overlap", "coefficients"])
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_round_trip(convention, kind):
    values = torch.randn(3, 2, 49, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    theirs = convert(values, convention.upper(), kind=kind)
    assert theirs.shape == values.shape
    assert theirs.is_complex() == (convention in ("mingarelli", "pyorfs"))
    back = convert(theirs, convention, inverse=True, kind=kind)
    assert back.dtype == torch.float64
    torch.testing.assert_close(back, values, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_correlations_are_the_same_in_every_convention(convention):
    generator = torch.Generator().manual_seed(2)
    overlaps, sky = torch.randn(2, 36, dtype=torch.float64, generator=generator)
    total = (convert(overlaps, convention) * convert(sky, convention, kind="coefficients")).sum()
    assert abs(total.item() - (overlaps @ sky).item()) < 1e-13


def test_complex_values_obey_their_symmetry():
    theirs = convert(torch.randn(25, dtype=torch.float64), "mingarelli")
    for l in range(5):
        for m in range(l + 1):
            minus, plus = theirs[l * l + l - m], theirs[l * l + l + m]
            assert abs(minus - (-1) ** m * plus.conj()) < 1e-15


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_gradient(convention):
    values = torch.randn(9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: convert(v, convention), values)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((torch.ones(4), "healpy"), "convention is 'healpy'"),
        ((torch.ones(4), None), "convention is None"),
        ((torch.ones(5), "allen"), "values has shape"),
        ((torch.tensor(1.0), "allen"), "values has shape"),
        ((torch.ones(4) + 0j, "allen"), "values are complex"),
        ((torch.ones(4) + 0j, "pyorfs"), "values are complex"),
        ((torch.ones(4), "allen", False, "sky"), "kind is 'sky'"),
    ],
)
def test_refusals(arguments, words):
    with pytest.raises(ValueError, match=words):
        convert(*arguments)
