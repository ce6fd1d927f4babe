"""Edges of the domain: what is infinite, what is refused, and by which name."""

import math

import pytest
import torch

from anisoscope.engine.ghosts import (
    InvalidClasses,
    InvalidWindow,
    NotCertified,
    convergence_radius,
    corridors,
    exact_radius,
    partition_phase,
    partition_zeros,
    taylor_coefficients,
)

KINDS = ("bound", "margin", "exact")
inf, nan = math.inf, math.nan


def table(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_slopes_are_infinitely_far(kind):
    z, a = table([1.0, 0.0], [2.0, 0.0]), table([3.0, 3.0], [0.0, 1.0])
    radius = convergence_radius(z, a, kind)
    assert radius[0] == inf
    assert radius[1] < 4
    assert convergence_radius(table([1.0]), table([5.0]), kind).tolist() == [inf]


@pytest.mark.parametrize("kind", KINDS)
def test_masked_classes_leave_before_the_spread(kind):
    z, a = table([2.0, -inf, 0.0], [2.0, -inf, -inf]), table([0.0, 1000.0, 1.0], [1.0, -7.0, 5.0])
    radius = convergence_radius(z, a, kind)
    assert radius[0].item() == pytest.approx(
        math.pi if kind == "bound" else math.hypot(2, math.pi), rel=1e-12
    )
    assert radius[1] == inf


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("z", "a", "word"),
    [
        ([nan, 0.0], [0.0, 1.0], "logits"),
        ([inf, 0.0], [0.0, 1.0], "logits"),
        ([-inf, -inf], [0.0, 1.0], "masked"),
        ([1.0, 0.0], [nan, 1.0], "slopes"),
        ([1.0, 0.0], [inf, 1.0], "slopes"),
        ([1.0, 0.0], [0.0, -inf], "slopes"),
        ([1.0, -inf], [0.0, nan], "slopes"),
        ([1.0, 0.0], [inf, inf], "slopes"),
    ],
)
def test_what_is_not_a_number_is_never_safe(kind, z, a, word):
    """The second of three samples is broken, and named."""
    fine = [1.0, 0.0], [0.0, 1.0]
    with pytest.raises(ValueError, match=rf"{word}.*sample 1\b"):
        convergence_radius(table(fine[0], z, fine[0]), table(fine[1], a, fine[1]), kind)


@pytest.mark.parametrize("kind", ["margin", "exact"])
def test_margin_of_800_does_not_overflow(kind):
    radius = convergence_radius(table([800.0, 0.0]), table([0.0, 1.0]), kind).item()
    assert radius == pytest.approx(800.00617, abs=1e-5)
    assert radius == pytest.approx(math.hypot(800, math.pi), rel=1e-14)


def test_shapes_and_kinds_are_refused():
    z, a = table([1.0, 0.0]), table([0.0, 1.0])
    for wrong in (table([1.0, 0.0, 0.0]), a.float(), a.long(), a[..., None]):
        with pytest.raises(InvalidClasses):
            convergence_radius(z, wrong)
    with pytest.raises(InvalidClasses, match="at least one class"):
        convergence_radius(z[:, :0], a[:, :0])
    with pytest.raises(ValueError, match="kind"):
        convergence_radius(z, a, "true")
    for temperature in (0.0, -1.0, nan):
        with pytest.raises(InvalidClasses, match="temperature"):
            convergence_radius(z, a, temperature=temperature)


def test_ties_give_one_of_the_tied_ghosts(oracles):
    for name in ("M4", "M6"):
        case = oracles[name]
        found = exact_radius(case.z, case.a)
        assert found.certified
        assert found.radius.item() == pytest.approx(case.exact, rel=1e-13)


def test_uncertified_samples_are_flagged_and_named(monkeypatch):
    """Without certificate the rigorous margin bound stands there, flagged; convergence_radius refuses."""
    from anisoscope.engine.ghosts import exact

    monkeypatch.setattr(exact, "half_disc_is_empty", lambda z, a, radius, known: radius < 0)
    monkeypatch.setattr(
        exact, "_searched_ghost", lambda z, a, reach: (torch.tensor(complex(nan, nan)), False)
    )
    z, a = table([1.0, 0.0, 0.5], [0.0, 0.0, 0.0]), table([0.0, 1.0, 2.0], [1.0, 1.0, 1.0])
    found = exact_radius(z, a)
    assert found.certified.tolist() == [False, True]
    assert found.radius[0] == convergence_radius(z, a, "margin")[0]
    assert found.ghost[0].real.isnan()
    with pytest.raises(NotCertified, match=r"\[0\]") as refused:
        convergence_radius(z, a, "exact")
    assert refused.value.samples == [0]


def test_ghost_of_order_six_is_lost_in_rounding_and_says_so():
    """(1 + e^t)⁶: at a distance of 10⁻³ from the ghost F is 10⁻²⁰ of its terms."""
    z = torch.tensor([math.comb(6, k) for k in range(7)], dtype=torch.float64).log()
    a = torch.arange(7, dtype=torch.float64)
    assert not partition_zeros(z, a, (-1.0, 1.0, 0.0, 4.0)).complete
    assert not exact_radius(z, a).certified
    with pytest.raises(NotCertified):
        convergence_radius(z, a, "exact")


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_are_left_alone(kind):
    z, a = table([2.0, -inf, 0.0, 0.0]), table([0.0, 9.0, 1.0, 1.0])
    before = z.clone(), a.clone()
    convergence_radius(z, a, kind)
    assert torch.equal(z, before[0])
    assert torch.equal(a, before[1])


@pytest.mark.parametrize("window", [(1, 1, 0, 1), (0, 1, 2, 1), (0, nan, 0, 1), (0, inf, 0, 1), (0, 1, 0)])
def test_windows_that_are_none(window):
    with pytest.raises(InvalidWindow, match="window"):
        partition_zeros(torch.zeros(2), torch.tensor([0.0, 1.0]), window)


def test_window_too_large_for_the_slopes():
    with pytest.raises(InvalidWindow, match="at most"):
        partition_zeros(torch.zeros(3), torch.tensor([0.0, 1.0, 2.0]), (-1e7, 1e7, 0.0, 1e7))


def test_windows_hold_what_they_hold():
    z, a = torch.zeros(2, dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)
    assert len(partition_zeros(z, a, (-1.0, 1.0, -3.0, 3.0)).zeros) == 0
    assert len(partition_zeros(z, a, (-1.0, 1.0, -math.pi, math.pi)).zeros) == 2  # on the edge
    assert len(partition_zeros(z, a, (0.5, 1.0, 0.0, 9.0)).zeros) == 0
    below = partition_zeros(z, a, (-1.0, 1.0, -10.0, -4.0))
    assert below.zeros.imag.tolist() == pytest.approx([-3 * math.pi])
    flat = partition_zeros(z, torch.ones_like(a), (-1.0, 1.0, 0.0, 9.0))
    assert flat.complete
    assert len(flat.zeros) == 0


def test_one_sample_functions_name_what_they_take():
    z, a = torch.zeros(4, 2), torch.zeros(4, 2)
    axis = torch.zeros(3)
    for call in (
        lambda: partition_zeros(z, a, (0, 1, 0, 1)),
        lambda: partition_phase(z, a, axis, axis),
        lambda: corridors(z, a, -1, 1),
    ):
        with pytest.raises(InvalidClasses, match="one sample"):
            call()
    with pytest.raises(InvalidWindow):
        corridors(z[0], a[0], 1, -1)


@pytest.mark.parametrize(
    ("y", "word"),
    [([2], "label 2"), ([-1], "label -1"), ([0, 1], "shape"), ([0.0], "integer"), ([1], "masked")],
)
def test_labels_out_of_range(y, word):
    z, a = table([1.0, -inf]), table([0.0, 1.0])
    with pytest.raises(InvalidClasses, match=word):
        taylor_coefficients(z, a, torch.tensor(y), 3)


def test_logits_may_come_straight_from_a_network():
    """With their graph: the bound can be differentiated, what iterates and searches lets it go."""
    generator = torch.Generator().manual_seed(0)
    z, a = torch.randn(2, 4, 5, generator=generator, dtype=torch.float64)
    plain = exact_radius(z, a)
    z.requires_grad_()
    a.requires_grad_()
    assert torch.equal(exact_radius(z, a).radius, plain.radius)
    found = partition_zeros(z[0], a[0], (-9.0, 9.0, 0.0, 9.0))
    assert found.complete
    assert not found.zeros.requires_grad
    assert len(corridors(z[0], a[0], -1, 1))
    assert [convergence_radius(z, a, kind).requires_grad for kind in KINDS] == [True, False, False]
    torch.autograd.gradcheck(lambda slopes: convergence_radius(z.detach(), slopes), a)
    assert not taylor_coefficients(z, a, torch.zeros(4, dtype=torch.int64), 6).requires_grad


def test_slow_search_takes_logits_with_a_graph(monkeypatch):
    from anisoscope.engine.ghosts import exact

    monkeypatch.setattr(exact, "half_disc_is_empty", lambda z, a, radius, known: radius < 0)
    z = torch.tensor([2.0, 0.0], dtype=torch.float64, requires_grad=True)
    found = exact_radius(z, torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert found.certified
    assert found.radius.item() == pytest.approx(math.hypot(2, math.pi), rel=1e-12)
