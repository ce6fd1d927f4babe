"""Divergences of linearised softmaxes: against direct sums in many digits, their bound, and the flips it forbids."""

from __future__ import annotations

import math

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anisoscope.engine.ghosts import (
    InvalidSweep,
    convergence_radius,
    divergence_step,
    flip_distance,
    flip_margin,
    kl_bound,
    linearised_divergence,
)
from anisoscope.engine.ghosts.divergence import REMAINDER

D = torch.float64
LOGITS = st.lists(st.floats(-12, 12), min_size=2, max_size=6)
STEPS = st.floats(-3, 1).map(lambda k: 10.0**k)


def sample(draw_z: list[float], seed: int):
    generator = torch.Generator().manual_seed(seed)
    z = torch.tensor(draw_z, dtype=D)
    return z, torch.randn(len(draw_z), generator=generator, dtype=D)


def direct(z, a, tau: float, forward: bool) -> float:
    """Σ p log(p/q) with fifty digits."""
    with mpmath.workdps(50):
        start = [mpmath.exp(mpmath.mpf(v)) for v in z.tolist()]
        moved = [
            w * mpmath.exp(mpmath.mpf(s) * mpmath.mpf(tau)) for w, s in zip(start, a.tolist(), strict=True)
        ]
        p, q = ([w / mpmath.fsum(row) for w in row] for row in (start, moved))
        p, q = (p, q) if forward else (q, p)
        return float(mpmath.fsum(x * mpmath.log(x / y) for x, y in zip(p, q, strict=True)))


@settings(max_examples=60, deadline=None)
@given(
    logits=LOGITS, seed=st.integers(0, 10**6), tau=STEPS, sign=st.sampled_from((1, -1)), forward=st.booleans()
)
def test_it_is_the_sum_over_the_classes_to_all_digits(logits, seed, tau, sign, forward):
    z, a = sample(logits, seed)
    found = linearised_divergence(z, a, torch.tensor([sign * tau], dtype=D), forward).item()
    assert found == pytest.approx(direct(z, a, sign * tau, forward), rel=1e-9, abs=3e-15)


def test_small_steps_keep_all_digits():
    z, a = sample([2.0, 0.3, -1.0], 7)
    for tau in (1e-2, 1e-6, 1e-10):
        for forward in (True, False):
            found = linearised_divergence(z, a, torch.tensor([tau], dtype=D), forward).item()
            assert found == pytest.approx(direct(z, a, tau, forward), rel=1e-11, abs=0)


@settings(max_examples=80, deadline=None)
@given(logits=LOGITS, seed=st.integers(0, 10**6), r=STEPS, forward=st.booleans())
def test_no_step_moves_probabilities_beyond_the_bound(logits, seed, r, forward):
    """KL ≤ (πr)²/8, either way round; and within r no sample flips whose margin is πr."""
    z, a = sample(logits, seed)
    radius = convergence_radius(z[None], a[None]).item()
    found = linearised_divergence(z, a, torch.tensor([r * radius, -r * radius], dtype=D), forward)
    assert found.max().item() <= kl_bound(r) * (1 + 1e-9)
    first, second = z.topk(2).values.tolist()
    if first - second > flip_margin(r):
        assert flip_distance(z, a).item() > r * radius


@settings(max_examples=60, deadline=None)
@given(logits=LOGITS, seed=st.integers(0, 10**6), tau=st.floats(1e-3, 2.0))
def test_remainder_of_the_variance_is_half_of_what_is_printed(logits, seed, tau):
    z, a = sample(logits, seed)
    p = torch.softmax(z, 0)
    variance = ((p * a.square()).sum() - (p * a).sum() ** 2).item()
    rest = linearised_divergence(z, a, torch.tensor([tau], dtype=D)).item() - tau**2 * variance / 2
    spread = (a.max() - a.min()).item()
    assert abs(rest) <= REMAINDER * (tau * spread) ** 3 * (1 + 1e-9) + 1e-15


def test_bound_is_reached_by_even_classes_and_small_steps():
    """Two even classes have the largest variance, Δ²/4: the bound is tight as r -> 0."""
    z, a = torch.zeros(2, dtype=D), torch.tensor([0.0, 1.0], dtype=D)
    for r in (1e-3, 1e-2):
        assert linearised_divergence(z, a, torch.tensor([r * math.pi], dtype=D)).item() == pytest.approx(
            kl_bound(r), rel=r
        )


@pytest.mark.parametrize("worst", [True, False])
@pytest.mark.parametrize("forward", [True, False])
def test_the_longest_step_within_a_limit_meets_it(worst, forward):
    z, a = torch.randn(2, 40, 5, generator=torch.Generator().manual_seed(2), dtype=D)
    for limit in (1e-3, 0.1, math.pi**2 / 8):
        step = divergence_step(z, a, limit, worst, forward)
        found = linearised_divergence(z, a, torch.tensor([step], dtype=D), forward)
        met = found.amax() if worst else found.mean()
        assert met.item() == pytest.approx(limit, rel=1e-9)
    # The bound's own value at r = 1 is met no earlier than there.
    assert divergence_step(z, a, kl_bound(1.0), True, forward) >= convergence_radius(z, a).min().item()


def test_what_never_moves_has_no_longest_step():
    z, a = torch.zeros(3, 4, dtype=D), torch.ones(3, 4, dtype=D)
    assert divergence_step(z, a, 0.1) == math.inf
    assert not linearised_divergence(z, a, torch.tensor([1.0, 1e6])).any()
    # A masked class counts neither at the start nor at the end.
    masked = torch.tensor([0.0, 0.0, -math.inf]), torch.tensor([1.0, -1.0, 50.0])
    bare = linearised_divergence(masked[0][:2], masked[1][:2], torch.tensor([0.7]))
    torch.testing.assert_close(linearised_divergence(*masked, torch.tensor([0.7])), bare)
    for wrong in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InvalidSweep, match="limit"):
            divergence_step(z, a, wrong)
