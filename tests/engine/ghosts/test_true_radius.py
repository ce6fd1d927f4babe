"""Nearest singularity of the true network: closed forms, the argument principle, the real line alone, invariances."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
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
from torch.func import functional_call
from torch.nn import functional as F

from anisoscope.engine.ghosts import exact_radius, layer_radii, logit_jvp, partition_zeros
from anisoscope.engine.ghosts.phase_turns import half_circle, turning_cells, unwrapped
from anisoscope.engine.ghosts.true_zeros import TrueRadius, true_partition, true_radius, true_zeros

LAST = "4"
"""The readout of `random_net` without a norm."""


def found_by(function: Any, at: float, c: float, rate: float = 1.0) -> TrueRadius:
    model = OneNeuron(function, at, c)
    return true_radius(model, ONE, along(model, rate))


def check(found: TrueRadius, expected: complex, part: str = "output") -> None:
    """In units of the argument: the step runs at rate 1 from the real argument."""
    assert found.part == part
    assert found.singularity == pytest.approx(complex(expected.real, abs(expected.imag)), rel=1e-7, abs=1e-7)
    assert found.radius == abs(found.singularity)
    assert 0 < found.clear <= found.radius


def test_of_a_linear_network_the_true_zeros_are_the_ghosts() -> None:
    model = nn.Linear(4, 3).double()
    x, v = inputs(5), random_step(model)
    z, a, _ = logit_jvp(model, x, v)
    exact = exact_radius(z, a).radius
    for k in range(5):
        found = true_radius(model, x[k : k + 1], v)
        assert found.radius == pytest.approx(exact[k].item(), rel=1e-10)
        assert found.clear == pytest.approx(0.999 * found.radius) and found.part == "output"
        reach = 3 * found.radius
        ghosts = partition_zeros(z[k], a[k], (-reach, reach, 0.0, reach)).zeros
        ghosts = ghosts[ghosts.imag > 0]
        ours = true_zeros(model, x[k : k + 1], v, ghosts + 0.05 * found.bound, found.bound)
        torch.testing.assert_close(ours, ghosts, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("at", [0.0, 0.4, -1.1])
@pytest.mark.parametrize("c", [8.0, 2.0, 0.3])
def test_one_tanh_neuron(at: float, c: float) -> None:
    """c tanh h = iπ at h = i arctan(π/c), always below the pole iπ/2 and near to it where c is small."""
    check(found_by(torch.tanh, at, c), 1j * math.atan(math.pi / c) - at)


@pytest.mark.parametrize("at", [0.0, 0.7, -1.3])
@pytest.mark.parametrize("c", [9.0, 3.0])
def test_one_sigmoid_neuron(at: float, c: float) -> None:
    roots = [
        -cmath.log(c / (1j * math.pi * (2 * k + 1)) - 1) + 2j * math.pi * n - at
        for k in range(-9, 9)
        for n in (-1, 0, 1)
    ]
    check(found_by(torch.sigmoid, at, c), min(roots, key=abs))


@pytest.mark.parametrize("attention", [softmax_of_two, FusedAttention()], ids=["softmax", "fused"])
def test_attention_over_two_tokens_is_a_sigmoid(attention: Any) -> None:
    ours, other = found_by(attention, 0.4, 3.0), found_by(torch.sigmoid, 0.4, 3.0)
    check(ours, other.singularity)
    assert ours.linear_radius == pytest.approx(other.linear_radius, rel=1e-10)
    assert ours.clear == pytest.approx(other.clear, rel=1e-6)


@pytest.mark.parametrize("at", [0.3, -0.8])
def test_where_no_zero_lies_on_the_sheet_the_branch_point_of_softplus_ends_the_series(at: float) -> None:
    """0.5 log(1 + eʰ) = iπ has no solution with |Im log| ≤ π: what is left is 1 + eʰ = 0."""
    check(found_by(F.softplus, at, 0.5), 1j * math.pi - at, "feed-forward")


@pytest.mark.parametrize(("at", "c"), [(0.0, 2.0), (0.5, 0.7), (-1.0, 6.0)])
def test_a_layer_norm_of_two(at: float, c: float) -> None:
    """LayerNorm of (h, -h) is h/√(h² + ε): c h/√(h² + ε) = iπ at h = iπ√ε/√(c² + π²), below the branch point i√ε."""
    eps = 0.25

    def normal(h: Tensor) -> Tensor:
        return F.layer_norm(torch.cat((h, -h), -1), (2,), eps=eps)[..., :1]

    check(found_by(normal, at, c), 1j * math.pi * math.sqrt(eps) / math.hypot(c, math.pi) - at)


def turns(model: nn.Module, x: Tensor, v: dict[str, Tensor], path: Tensor) -> float:
    """Of F_true along a path."""
    phase = np.imag(unwrapped(true_partition(model, x, v, path)[:, None])[:, 0])
    assert np.abs(np.diff(phase)).max() < 1.0
    return (phase[-1] - phase[0]) / (2 * math.pi)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_circle_counts_what_newton_finds(seed: int) -> None:
    """None inside `clear`, one in a small circle around the zero that was found."""
    model = random_net(nn.GELU(), seed)
    v, x = random_step(model, seed), inputs(1)
    found = true_radius(model, x, v)
    assert turns(model, x, v, half_circle(0.99 * found.clear, 3000)) == pytest.approx(0.0, abs=1e-6)
    assert found.part == "output"
    circle = torch.polar(torch.ones(401, dtype=torch.float64), torch.linspace(0, 2 * math.pi, 401).double())
    around = found.singularity + 0.01 * found.radius * circle
    assert turns(model, x, v, around) == pytest.approx(1.0, abs=1e-6)


def test_a_grid_finds_the_nearest_zero_again() -> None:
    model = random_net(nn.GELU())
    v, x = random_step(model), inputs(1)
    found = true_radius(model, x, v)
    re = torch.linspace(-1.2, 1.2, 81, dtype=torch.float64) * found.radius
    im = torch.linspace(0.01, 1.2, 41, dtype=torch.float64) * found.radius
    grid = torch.complex(re.expand(41, 81).contiguous(), im[:, None].expand(41, 81).contiguous())
    cells = turning_cells(true_partition(model, x, v, grid).imag)
    zeros = true_zeros(model, x, v, grid[cells[:, 0], cells[:, 1]], found.bound)
    assert zeros[0].item() == pytest.approx(found.singularity, rel=1e-8)


@pytest.mark.parametrize("function", [nn.Tanh(), nn.Sigmoid(), nn.SiLU()], ids=["tanh", "sigmoid", "SiLU"])
def test_a_pole_of_the_first_layer_ends_the_series_where_appendix_2_puts_it(function: nn.Module) -> None:
    """Its argument is a straight line in the step: the layer's radius is exact, and zeros of F crowd at the pole."""
    model = random_net(function)
    x, v = inputs(1), random_step(model)
    v = {name: tangent * (20.0 if name.startswith("0") else 0.01) for name, tangent in v.items()}
    found, layer = true_radius(model, x, v), layer_radii(model, x, v)[0]
    pole = layer.radii.min().item()
    assert 0.5 * pole <= found.clear <= found.radius <= pole * (1 + 1e-9)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("norm", [False, True], ids=["GELU", "LayerNorm and GELU"])
def test_the_real_line_alone_knows_the_radius(seed: int, norm: bool) -> None:
    """Chebyshev coefficients of log F on [-L, L] fall by the half axes of the ellipse through the singularity."""
    model = random_net(nn.GELU(), seed, norm)
    v, x = random_step(model, seed + 7), inputs(1, seed=seed)
    found = true_radius(model, x, v)
    length, count = 0.6 * found.radius, 400
    nodes = np.cos(np.pi * (np.arange(count) + 0.5) / count) * length

    def log_f(tau: float) -> float:
        moved = {name: p + tau * v[name] for name, p in model.named_parameters()}
        return functional_call(model, moved, (x,)).logsumexp(-1).item()

    with torch.no_grad():
        values = np.array([log_f(tau) for tau in nodes])
    angles = np.outer(np.arange(28), np.pi * (np.arange(count) + 0.5) / count)
    coefficients = np.abs(2 / count * np.cos(angles) @ values)
    envelope = np.array([coefficients[n : n + 6].max() for n in range(8, 22)])
    rate = np.exp(-np.polyfit(np.arange(8, 22), np.log(envelope), 1)[0])
    assert envelope.min() > 1e-14
    place = found.singularity / length
    ellipse = max(abs(place + sign * cmath.sqrt(place * place - 1)) for sign in (1, -1))
    assert rate == pytest.approx(ellipse, rel=0.12)


def test_a_constant_added_to_all_logits_changes_nothing() -> None:
    model = random_net(nn.SiLU())
    v, x = random_step(model), inputs(1)
    before = true_radius(model, x, v)
    with torch.no_grad():
        model.get_parameter(f"{LAST}.bias").add_(40.0)
    after = true_radius(model, x, v)
    assert after.singularity == pytest.approx(before.singularity, rel=1e-8)
    assert (after.part, after.bound) == (before.part, pytest.approx(before.bound, rel=1e-10))


@pytest.mark.parametrize("scale", [0.1, 30.0])
def test_a_longer_direction_has_shorter_radii(scale: float) -> None:
    model = random_net(nn.SiLU(), norm=True)
    v, x = random_step(model), inputs(1)
    one = true_radius(model, x, v)
    other = true_radius(model, x, {name: scale * tangent for name, tangent in v.items()})
    for name in ("radius", "clear", "bound", "linear_radius"):
        assert getattr(other, name) == pytest.approx(getattr(one, name) / scale, rel=1e-7)
    assert other.singularity == pytest.approx(one.singularity / scale, rel=1e-7)


def test_temperature_divides_the_logits() -> None:
    model = random_net(nn.Tanh())
    x, v = inputs(1), random_step(model)
    v = {name: tangent for name, tangent in v.items() if not name.startswith(LAST)}
    cold = true_radius(model, x, v, temperature=0.5)
    with torch.no_grad():
        for name in ("weight", "bias"):
            model.get_parameter(f"{LAST}.{name}").mul_(2)
    assert cold.singularity == pytest.approx(true_radius(model, x, v).singularity, rel=1e-8)


def test_where_nothing_moves_every_radius_is_infinite() -> None:
    model = random_net(nn.Tanh())
    still = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    found = true_radius(model, inputs(1), still)
    assert math.isinf(found.radius) and math.isinf(found.clear) and math.isinf(found.bound)
    assert cmath.isnan(found.singularity)
