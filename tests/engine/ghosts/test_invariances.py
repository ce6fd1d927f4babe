"""What must not change a radius, and what must change it in a known way."""

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from anisoscope.engine.ghosts import convergence_radius, exact_radius, partition_zeros

KINDS = ("bound", "margin", "exact")
FEW = settings(max_examples=25, deadline=None)


@st.composite
def samples(draw: st.DrawFn, batch: int = 3) -> tuple[Tensor, Tensor]:
    """Logits within ±10 and slopes at least 0.01 apart at their extremes, two to seven classes."""
    classes = draw(st.integers(2, 7))
    number = st.floats(-10, 10, allow_nan=False, width=32)
    size = batch * classes
    z, a = (
        torch.tensor(draw(st.lists(number, min_size=size, max_size=size)), dtype=torch.float64).reshape(
            batch, -1
        )
        for _ in range(2)
    )
    assume(bool((a.amax(-1) - a.amin(-1) > 0.01).all()))
    # Slopes a rounding apart, but not equal, send ghosts to heights nobody asks for.
    gaps = a.sort(-1).values.diff(dim=-1)
    assume(bool(((gaps == 0) | (gaps > 1e-3)).all()))
    return z, a


def same(first: Tensor, second: Tensor, rtol: float = 1e-9) -> None:
    torch.testing.assert_close(first, second, rtol=rtol, atol=0)


@FEW
@given(samples(), st.floats(-50, 50), st.floats(-5, 5), st.randoms(use_true_random=False))
def test_shifts_and_permutations_change_nothing(sample, logit_shift, slope_shift, random):
    z, a = sample
    order = list(range(z.shape[1]))
    random.shuffle(order)
    for kind in KINDS:
        radius = convergence_radius(z, a, kind)
        same(convergence_radius(z + logit_shift, a + slope_shift, kind), radius, 1e-7)
        same(convergence_radius(z[:, order], a[:, order], kind), radius)


@FEW
@given(samples(), st.floats(0.05, 20))
def test_longer_direction_shortens_the_radius(sample, factor):
    z, a = sample
    for kind in KINDS:
        same(convergence_radius(z, factor * a, kind) * factor, convergence_radius(z, a, kind))
        same(convergence_radius(z, -a, kind), convergence_radius(z, a, kind))


@FEW
@given(samples(1))
def test_reversed_direction_mirrors_the_ghosts(sample):
    z, a = sample[0][0], sample[1][0]
    reach = 1.5 * convergence_radius(z, a, "exact").item()
    window = (-reach, reach, -reach, reach)
    assume(reach * (a.amax() - a.amin()) < 200)
    here, there = partition_zeros(z, a, window), partition_zeros(z, -a, window)
    assert here.complete
    assert there.complete
    assert here.multiplicity.sum() == there.multiplicity.sum()
    for zero in here.zeros:
        assert (there.zeros + zero).abs().min() < 1e-7 * reach


@FEW
@given(samples(), st.floats(0.1, 10))
def test_temperature(sample, temperature):
    z, a = sample
    same(convergence_radius(z, a, "bound", temperature), convergence_radius(z, a) * temperature)
    for kind in KINDS:
        same(
            convergence_radius(z, a, kind, temperature),
            convergence_radius(z / temperature, a / temperature, kind),
        )


@FEW
@given(samples())
def test_split_and_masked_classes_are_no_classes(sample):
    z, a = sample
    split = torch.cat((z[:, :1] - math.log(2), z[:, :1] - math.log(2), z[:, 1:]), -1)
    masked = torch.cat((torch.full_like(z[:, :1], -torch.inf), z), -1)
    for kind in KINDS:
        radius = convergence_radius(z, a, kind)
        same(convergence_radius(split, torch.cat((a[:, :1], a), -1), kind), radius, 1e-8)
        same(convergence_radius(masked, torch.cat((torch.full_like(a[:, :1], 1e6), a), -1), kind), radius)


@FEW
@given(samples())
def test_order_of_the_three_radii(sample):
    z, a = sample
    bound, margin, exact = (convergence_radius(z, a, kind) for kind in KINDS)
    assert (bound <= margin * (1 + 1e-12)).all()
    assert (margin <= exact * (1 + 1e-9)).all()
    if z.shape[1] == 2:
        same(margin, exact)
        delta, gap = z[:, 0] - z[:, 1], a[:, 0] - a[:, 1]
        same(exact, torch.hypot(delta, torch.full_like(delta, math.pi)) / gap.abs())


@FEW
@given(samples())
def test_another_class_never_raises_the_bound(sample):
    z, a = sample
    assert (convergence_radius(z, a) <= convergence_radius(z[:, :-1], a[:, :-1])).all()


def test_another_class_may_raise_or_lower_the_exact_radius():
    z, a = torch.zeros(3, dtype=torch.float64), torch.tensor([-1.0, 1.0, 0.0], dtype=torch.float64)
    without, raised = (convergence_radius(z[:k], a[:k], "exact") for k in (2, 3))
    lowered = convergence_radius(z, torch.tensor([-1.0, 1.0, 9.0], dtype=torch.float64), "exact")
    assert lowered < without < raised


@FEW
@given(samples())
def test_ghost_stands_where_no_class_has_half(sample):
    """Every ghost is a zero, above the strip, and over a place without a majority."""
    z, a = sample
    found = exact_radius(z, a)
    assert found.certified.all()
    assert (found.ghost.imag >= convergence_radius(z, a) * (1 - 1e-9)).all()
    probabilities = torch.softmax(z + a * found.ghost.real[:, None], -1)
    for row, slopes in zip(probabilities, a, strict=True):
        values, group = slopes.unique(return_inverse=True)
        assert torch.zeros(len(values), dtype=torch.float64).index_add(0, group, row).amax() <= 0.5 + 1e-7
    rotated = torch.polar(probabilities, a * found.ghost.imag[:, None]).sum(-1)
    assert rotated.abs().max() < 1e-9


@FEW
@given(samples(), st.floats(0.05, 3))
def test_normalised_step_bounds_flips_and_divergence(sample, r):
    """After τ = r ρ_a: margin ≥ πr keeps the class, and both KL divergences stay below (πr)²/8."""
    from anisoscope.engine.ghosts import flip_margin, kl_bound

    z, a = sample
    tau = r * convergence_radius(z, a)[:, None]
    before, after = torch.log_softmax(z, -1), torch.log_softmax(z + a * tau, -1)
    for p, q in ((before, after), (after, before)):
        assert (p.exp() * (p - q)).sum(-1).max() <= kl_bound(r) * (1 + 1e-9)
    top = z.topk(2, -1).values
    held = top[:, 0] - top[:, 1] > flip_margin(r) * (1 + 1e-9)
    assert torch.equal(after.argmax(-1)[held], z.argmax(-1)[held])


@pytest.mark.parametrize("kind", KINDS)
def test_batches_of_any_shape(kind):
    generator = torch.Generator().manual_seed(1)
    z, a = torch.randn(2, 6, 4, 5, generator=generator, dtype=torch.float64)
    whole = convergence_radius(z, a, kind)
    assert whole.shape == (6, 4)
    alone = torch.stack([convergence_radius(row, slope, kind) for row, slope in zip(z[0], a[0], strict=True)])
    same(whole[0], alone, 1e-12)
    assert convergence_radius(z[:0], a[:0], kind).shape == (0, 4)


# Logits of float32 carry 6e-8 of their size; for margins up to 15 that moves a ghost by less than 1e-5 of ρ.
@pytest.mark.parametrize(("kind", "tolerance"), [("bound", 1e-6), ("margin", 1e-5), ("exact", 1e-5)])
def test_float32_is_within_its_tolerance(kind, tolerance):
    generator = torch.Generator().manual_seed(2)
    z, a = torch.randn(2, 300, 10, generator=generator, dtype=torch.float64)
    z = 4 * z
    single = convergence_radius(z.float(), a.float(), kind)
    assert single.dtype == torch.float32
    same(single.double(), convergence_radius(z, a, kind), tolerance)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    z, a = torch.tensor([2.0, 0.0], dtype=dtype), torch.tensor([0.0, 1.0], dtype=dtype)
    radius = convergence_radius(z, a)
    assert radius.dtype == torch.float32
    assert radius.item() == pytest.approx(math.pi, rel=1e-6)
