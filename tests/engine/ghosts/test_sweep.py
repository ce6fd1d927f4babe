"""A step of growing length against networks whose answers are known, and where a curve breaks."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from anisoscope.engine.ghosts import (
    InvalidClasses,
    InvalidDirection,
    InvalidModelOutput,
    InvalidSweep,
    convergence_radius,
    exact_radius,
    flip_margin,
    linearised_loss,
    logit_jvp,
    onset,
    onset_spread,
    smallest_radii,
    step_sweep,
)

SAMPLES, CLASSES = 40, 5


@pytest.fixture
def linear() -> tuple[nn.Module, Tensor, Tensor, dict[str, Tensor]]:
    """Logits of a linear model are linear in its weights: the sweep has a closed form."""
    generator = torch.Generator().manual_seed(4)
    model = nn.Linear(7, CLASSES, dtype=torch.float64)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=generator, dtype=torch.float64))
    inputs = torch.randn(SAMPLES, 7, generator=generator, dtype=torch.float64)
    labels = torch.randint(CLASSES, (SAMPLES,), generator=generator)
    direction = {
        name: torch.randn(p.shape, generator=generator, dtype=torch.float64)
        for name, p in model.named_parameters()
    }
    return model, inputs, labels, direction


@pytest.mark.parametrize("temperature", [0.3, 1.0, 6.0])
def test_a_linear_model_is_its_own_linearisation(linear, temperature: float) -> None:
    model, inputs, labels, direction = linear
    z, a, _ = logit_jvp(model, inputs, direction)
    taus = torch.tensor([-2.0, 0.0, 0.1, 0.7, 30.0], dtype=torch.float64)
    found = step_sweep(model, inputs, labels, direction, taus, temperature)
    along = z[:, None] + a[:, None] * taus[:, None]
    losses = linearised_loss(z / temperature, a / temperature, labels, taus)
    torch.testing.assert_close(found.loss, losses.mean(0), rtol=1e-12, atol=1e-12)
    assert torch.equal(found.accuracy, (along.argmax(-1) == labels[:, None]).double().mean(0))
    assert torch.equal(found.flipped, (along.argmax(-1) != z.argmax(-1)[:, None]).double().mean(0))
    assert 0 < found.flipped[3] < found.flipped[4], "the steps reach beyond the first flips"


def test_a_step_of_nothing_changes_nothing_to_the_last_bit() -> None:
    torch.manual_seed(2)
    model = nn.Sequential(
        nn.Linear(6, 9), nn.BatchNorm1d(9), nn.Dropout(0.5), nn.Tanh(), nn.Linear(9, 4)
    ).train()
    inputs, labels = torch.randn(30, 6), torch.arange(30) % 4
    direction = {name: torch.randn_like(p) for name, p in model.named_parameters()}
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = step_sweep(model, inputs, labels, direction, [0.0])
    assert model.training and all(torch.equal(before[name], v) for name, v in model.state_dict().items())
    z = model.double().eval()(inputs.double())
    assert found.loss[0] == nn.functional.cross_entropy(z, labels, reduction="none").mean()
    assert found.accuracy[0] == (z.argmax(-1) == labels).double().mean() and found.flipped[0] == 0


def test_parts_of_the_samples_average_to_the_whole(linear) -> None:
    model, inputs, labels, direction = linear
    start = model(inputs).detach()
    whole = step_sweep(model, inputs, labels, direction, [0.4, 3.0])
    parts = [
        step_sweep(model, inputs[s], labels[s], direction, [0.4, 3.0], start=start[s])
        for s in (slice(0, 11), slice(11, 40))
    ]
    for all_, first, second in zip(whole, *parts, strict=True):
        torch.testing.assert_close(all_, (11 * first + 29 * second) / 40, rtol=1e-12, atol=1e-14)


def test_no_sample_of_a_wide_margin_flips(linear) -> None:
    model, inputs, labels, direction = linear
    z, a, _ = logit_jvp(model, inputs, direction)
    bound = float(convergence_radius(z, a).min())
    for r in (0.05, 0.3, 0.99, 2.0):
        safe = flip_margin(r)
        top = z.topk(2).values
        may_flip = float((top[:, 0] - top[:, 1] < safe).double().mean())
        assert float(step_sweep(model, inputs, labels, direction, [r * bound]).flipped[0]) <= may_flip


def test_overflow_counts_as_a_failure() -> None:
    model = nn.Linear(1, 2, bias=False, dtype=torch.float64)
    direction = {"weight": torch.tensor([[1e300], [-1e300]], dtype=torch.float64)}
    found = step_sweep(model, torch.full((3, 1), 1e10), torch.zeros(3, dtype=torch.long), direction, [1.0])
    assert found.accuracy[0] == 0 and found.flipped[0] == 1 and found.loss[0] == math.inf


def test_the_smallest_radius_is_that_of_all_samples() -> None:
    generator = torch.Generator().manual_seed(8)
    z = 3 * torch.randn(300, 6, generator=generator, dtype=torch.float64)
    a = torch.randn(300, 6, generator=generator, dtype=torch.float64)
    for temperature in (0.2, 1.0, 4.0):
        found = smallest_radii(z, a, temperature)
        for kind in ("bound", "margin"):
            expected = convergence_radius(z, a, kind=kind, temperature=temperature).min()
            assert getattr(found, kind) == float(expected)
        everything = exact_radius(z / temperature, a / temperature)
        assert everything.certified.all()
        assert found.exact == pytest.approx(float(everything.radius.min()), rel=1e-12)
        assert found.bound <= found.margin <= found.exact
    assert smallest_radii(z, torch.ones_like(a)) == (math.inf, math.inf, math.inf)


@pytest.mark.parametrize("shape", [(0, 6), (6,)])
def test_without_a_sample_there_is_no_smallest_radius(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidClasses, match="at least one sample, not"):
        smallest_radii(torch.zeros(shape), torch.zeros(shape))


@given(st.floats(0.001, 1000.0), st.floats(0.15, 6.0))
def test_onset_is_where_a_smooth_curve_crosses(middle: float, steepness: float) -> None:
    steps = torch.logspace(-4, 4, 401, dtype=torch.float64)
    # Linear in log τ: the interpolation is then exact wherever the crossing lies.
    kept = 0.9 - steepness * (steps / middle).log10()
    assert onset(steps, kept) == pytest.approx(middle, rel=1e-9)
    scale = 7.3
    assert onset(steps * scale, kept) == pytest.approx(scale * middle, rel=1e-9)


def test_onset_at_the_ends_and_at_the_first_of_two_falls() -> None:
    steps = torch.tensor([1.0, 10.0, 100.0, 1000.0])
    assert onset(steps, torch.ones(4)) == math.inf
    assert onset(steps, torch.full((4,), 0.9, dtype=torch.float64)) == math.inf, "0.9 itself is kept"
    assert onset(steps, torch.zeros(4)) == 1.0
    assert onset(steps, torch.tensor([1.0, 0.8, 1.0, 0.0])) == pytest.approx(10**0.5)


def test_spread_is_in_decades_and_blind_to_a_common_unit() -> None:
    assert onset_spread([1.0, 10.0, 100.0]) == pytest.approx(math.sqrt(2 / 3))
    assert onset_spread([3.0, 30.0, 300.0]) == pytest.approx(onset_spread([1.0, 10.0, 100.0]))
    assert onset_spread([5.0]) == 0.0
    for bad in ([], [1.0, math.inf], [0.0, 1.0], [math.nan]):
        with pytest.raises(InvalidSweep, match="onsets"):
            onset_spread(bad)


def test_what_cannot_be_swept_is_named(linear) -> None:
    model, inputs, labels, direction = linear
    for steps in ([], [math.nan], [[1.0]]):
        with pytest.raises(InvalidSweep, match="steps"):
            step_sweep(model, inputs, labels, direction, steps)  # type: ignore[arg-type]
    for wrong in (labels[:3], labels.double(), labels + CLASSES, labels - CLASSES):
        with pytest.raises(InvalidSweep, match="labels"):
            step_sweep(model, inputs, wrong, direction, [1.0])
    for temperature in (0.0, -1.0, math.inf):
        with pytest.raises(InvalidSweep, match="temperature"):
            step_sweep(model, inputs, labels, direction, [1.0], temperature)
    with pytest.raises(InvalidSweep, match="start"):
        step_sweep(model, inputs, labels, direction, [1.0], start=torch.zeros(3, CLASSES))
    with pytest.raises(InvalidDirection, match="gain"):
        step_sweep(model, inputs, labels, {"gain": torch.ones(1)}, [1.0])
    with pytest.raises(InvalidModelOutput):
        step_sweep(nn.Flatten(0), inputs, labels, {}, [1.0])
    for x, y in (([1.0, 1.0], [1.0, 0.0]), ([0.0, 1.0], [1.0, 0.0]), ([1.0], [1.0, 0.0])):
        with pytest.raises(InvalidSweep, match="steps"):
            onset(torch.tensor(x), torch.tensor(y))
    for y in ([math.nan, math.nan], [1.0, math.nan], [math.nan, 0.0]):
        with pytest.raises(InvalidSweep, match=r"kept must be numbers.* is the accuracy at the start 0"):
            onset(torch.tensor([1.0, 2.0]), torch.tensor(y))
