"""Radii of single layers: closed forms, poles against the functions themselves, and which part limits."""

from __future__ import annotations

import math

import pytest
import torch
from smooth_networks import (
    ONE,
    FusedAttention,
    OneNeuron,
    along,
    inputs,
    random_net,
    random_step,
    softmax_of_two,
)
from torch import Tensor, nn
from torch.nn import functional as F

from anisoscope.engine.digits import build
from anisoscope.engine.ghosts import NoContinuation, convergence_radius, logit_jvp
from anisoscope.engine.ghosts.activations import (
    kink,
    logistic_pole,
    nowhere,
    singular_steps,
    tanh_gelu_pole,
    tanh_gelu_poles,
    tanh_pole,
    variance_steps,
)
from anisoscope.engine.ghosts.denominators import (
    log_cosh,
    log_gelu,
    log_softmax_sum,
    log_softplus,
    log_variance,
)
from anisoscope.engine.ghosts.limiting import PARTS, layer_radii, limiting_part


@pytest.mark.parametrize(
    ("function", "pole"),
    [(torch.relu, 0), (torch.tanh, math.pi / 2), (torch.sigmoid, math.pi), (F.silu, math.pi), (F.softplus, math.pi)],
)  # fmt: skip
def test_one_neuron(function, pole: float) -> None:
    model = OneNeuron(function, -0.6, 2.0)
    inner, output = layer_radii(model, ONE, along(model, 4.0))
    assert inner.radii.item() == pytest.approx(math.hypot(0.6, pole) / 4)
    assert inner.steps.item() == pytest.approx(complex(0.6, pole) / 4)
    assert inner.kink_distance.item() == pytest.approx(0.15)
    assert inner.on_line == (pole == 0) and inner.part == "feed-forward" and output.part == "output"


def test_the_branch_points_of_softplus_lie_nearer_for_a_larger_beta() -> None:
    for function in (nn.Softplus(beta=5.0), lambda x: F.softplus(x, beta=5.0)):
        model = OneNeuron(function, -0.6, 2.0)
        inner = layer_radii(model, ONE, along(model, 4.0))[0]
        assert inner.steps.item() == pytest.approx(complex(0.6, math.pi / 5) / 4)
        assert inner.kink_distance.item() == pytest.approx(0.15)
        at = torch.tensor(-0.6 + 4 * inner.steps.item(), dtype=torch.complex128)
        assert abs(log_softplus(at, 5.0).real) > 25, "1 + exp(βx) vanishes there"


@pytest.mark.parametrize("nearest", [kink, tanh_pole, logistic_pole, nowhere, tanh_gelu_pole])
@pytest.mark.parametrize(("h", "rate"), [(math.nan, 1.0), (math.inf, 1.0), (math.nan, 0.0), (1.0, math.nan)])
def test_an_argument_that_is_no_number_has_no_radius(nearest, h: float, rate: float) -> None:
    assert singular_steps(torch.tensor(h), torch.tensor(rate), nearest).abs().isnan()
    vector = torch.tensor([h, 0.0, 1.0])
    assert variance_steps(vector, torch.full((3,), rate), 1e-5).abs().isnan()


@pytest.mark.parametrize("place", range(3))
def test_a_part_with_a_radius_that_is_no_number_limits(place: int) -> None:
    layers = layer_radii(OneNeuron(torch.relu, -0.6, 2.0), ONE, along(OneNeuron(torch.relu, -0.6, 2.0), 4.0))
    many = layers[0].radii.repeat(1, 3)
    many[0, place] = math.nan
    limit = limiting_part((layers[0]._replace(radii=many), *layers))
    assert limit.part == "feed-forward" and math.isnan(limit.radius["feed-forward"])


def test_the_exact_gelu_has_no_singularity_but_the_papers_proxy_has_a_radius() -> None:
    model = OneNeuron(F.gelu, -0.6, 2.0)
    layers = layer_radii(model, ONE, along(model, 4.0))
    assert math.isinf(layers[0].radii.item()) and layers[0].function == "gelu"
    assert limiting_part(layers).radius["feed-forward"] == math.inf
    assert limiting_part(layers, kinks=True).radius["feed-forward"] == pytest.approx(0.15)


def tanh_form(x: Tensor) -> Tensor:
    logs = log_gelu(x, "tanh")
    assert logs is not None and log_gelu(x) is None
    return logs


def test_poles_of_the_tanh_form_are_poles() -> None:
    poles = torch.tensor(tanh_gelu_poles()[:20], dtype=torch.complex128)
    assert tanh_form(poles).real.max() < -20
    assert abs(tanh_gelu_poles()[0]) == pytest.approx(2.82687, abs=1e-5)
    circle = torch.polar(torch.full((400,), 2.8), torch.linspace(0, 6.28, 400)).to(torch.complex128)
    assert tanh_form(circle).real.min() > -5


@pytest.mark.parametrize("h", [0.0, 0.9, -3.0, 11.0, -25.0])
def test_the_nearest_pole_of_the_tanh_form_is_the_nearest(h: float) -> None:
    all_poles = [complex(s * p.real, p.imag) for p in tanh_gelu_poles() for s in (1, -1)]
    nearest = min(abs(p - h) for p in all_poles)
    ours = abs(tanh_gelu_pole(torch.tensor(h)).item() - h)
    assert ours <= nearest * (1 + 1e-12)
    assert abs(h) > 14 or ours == pytest.approx(nearest)


@pytest.mark.parametrize("attention", [softmax_of_two, FusedAttention()], ids=["softmax", "fused"])
def test_attention_is_bounded_by_the_spread_of_its_scores(attention) -> None:
    model = OneNeuron(attention, 0.4, 2.0)
    if isinstance(attention, nn.Module):
        model.eval()
    inner = layer_radii(model, ONE, along(model, 5.0))[0]
    assert inner.part == "attention" and inner.radii.item() == pytest.approx(math.pi / 5)


def test_the_variance_vanishes_where_it_is_said_to() -> None:
    h, rate = inputs(4, 7), inputs(4, 7, seed=5)
    t = variance_steps(h, rate, 1e-3)
    moved = h.to(torch.complex128) + t[:, None] * rate
    assert log_variance(moved, (7,), eps=1e-3).real.max() < -25
    assert (t.imag > 0).all()


def test_steps_to_a_pole_reach_it() -> None:
    h, rate = inputs(5, 3), inputs(5, 3, seed=5)
    t = singular_steps(h, rate, tanh_pole)
    at = h + t * rate
    assert log_cosh(at).real.max() < -25
    assert (t.imag > 0).all()


def test_the_sum_of_a_softmax_is_not_lost_to_overflow() -> None:
    scores = torch.tensor([[900.0 + 1j, 899.0 - 2j]], dtype=torch.complex128)
    assert log_softmax_sum(scores, -1).real.item() == pytest.approx(899.7, abs=1.0)


def test_a_longer_direction_has_shorter_radii_in_every_layer() -> None:
    model = build("transformer", torch.Generator().manual_seed(0))
    x, v = inputs(4, 64).abs() / 2, random_step(model)
    once = layer_radii(model, x, v)
    twice = layer_radii(model, x, {name: 2 * tangent for name, tangent in v.items()})
    assert [layer.module for layer in once][-2:] == ["norm", ""]
    for one, two in zip(once, twice, strict=True):
        torch.testing.assert_close(one.radii, 2 * two.radii)
        assert one.radii.shape[0] == 4


def test_the_output_is_the_bound_and_the_smallest_part_limits() -> None:
    model = random_net(nn.ReLU())
    x, v = inputs(6), random_step(model)
    layers = layer_radii(model, x, v)
    z, a, _ = logit_jvp(model, x, v)
    torch.testing.assert_close(layers[-1].radii[:, 0], convergence_radius(z, a))
    limit = limiting_part(layers)
    assert set(limit.radius) == set(PARTS) and limit.part == "feed-forward"
    assert limit.radius["output"] == pytest.approx(convergence_radius(z, a).min().item())
    ordered = torch.cat([layers[0].radii.flatten()]).sort().values
    assert layers[0].quantile(0.5) == ordered[len(ordered) // 2]


def test_a_function_whose_singularities_are_not_known_is_refused() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Hardtanh(), nn.Linear(4, 3)).double()
    with pytest.raises(NoContinuation, match=r"hardtanh.*'1'"):
        layer_radii(model, inputs(2), random_step(model))
