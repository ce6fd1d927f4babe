"""Networks at complex steps: the real network on the real line, its slopes, symmetry, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import pytest
import torch
from smooth_networks import ONE, OneNeuron, along, inputs, random_net, random_step, seeded
from torch import Tensor, nn
from torch.func import functional_call

from anisoscope.engine.digits import build
from anisoscope.engine.ghosts import InvalidDirection, InvalidModelOutput, NoContinuation, logit_jvp
from anisoscope.engine.ghosts.complex_step import complex_logits
from anisoscope.engine.ghosts.continuation import gelu, sigmoid, silu, softplus

SMOOTH = {
    "tanh": lambda: random_net(nn.Tanh()),
    "sigmoid": lambda: random_net(nn.Sigmoid(), norm=True),
    "SiLU": lambda: random_net(nn.SiLU(), norm=True),
    "softplus": lambda: random_net(nn.Softplus(beta=1.5)),
    "GELU": lambda: random_net(nn.GELU()),
    "GELU, tanh form": lambda: random_net(nn.GELU(approximate="tanh")),
}


def convolutional() -> nn.Module:
    layers = [nn.Unflatten(-1, (1, 8, 8)), nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.SiLU()]
    return seeded(nn.Sequential(*layers, nn.AvgPool2d(4), nn.Flatten(), nn.Linear(12, 4)), 3)


def network(name: str) -> tuple[nn.Module, Tensor]:
    if name == "transformer":
        return build(name, torch.Generator().manual_seed(0)).double().eval(), inputs(3, 64).abs() / 2
    if name == "convolutional":
        return convolutional(), inputs(3, 64).abs() / 2
    return SMOOTH[name](), inputs(3)


ALL = [*SMOOTH, "transformer", "convolutional"]


@pytest.mark.parametrize("name", ALL)
def test_at_real_steps_it_is_the_network_itself(name: str) -> None:
    model, x = network(name)
    v, t = random_step(model), torch.tensor([0.0, 0.07, -0.11], dtype=torch.float64)
    found = complex_logits(model, x, v, t)
    for k in range(3):
        moved = {key: p + t[k] * v[key] for key, p in model.named_parameters()}
        expected = functional_call(model, moved, (x[k : k + 1],))[0]
        torch.testing.assert_close(found[k].real, expected, rtol=1e-11, atol=1e-11)
        assert found[k].imag.abs().max() < 1e-11


@pytest.mark.parametrize("name", ALL)
def test_the_complex_step_gives_the_slopes_of_forward_mode(name: str) -> None:
    model, x = network(name)
    v = random_step(model)
    slopes = complex_logits(model, x, v, torch.full((3,), 1e-20j, dtype=torch.complex128)).imag / 1e-20
    torch.testing.assert_close(slopes, logit_jvp(model, x, v, backend="jvp").a, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", ALL)
def test_conjugate_steps_give_conjugate_logits(name: str) -> None:
    model, x = network(name)
    v, t = random_step(model), torch.tensor([0.05 + 0.1j, -0.1 + 0.03j, 0.02j], dtype=torch.complex128)
    above, below = (complex_logits(model, x, v, step) for step in (t, t.conj()))
    torch.testing.assert_close(above.conj(), below, rtol=1e-10, atol=1e-10)
    assert above.imag.abs().max() > 1e-4


def tanh_form(x: Any) -> Any:
    return x / 2 * (1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (x + 0.044715 * x**3)))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (gelu, lambda x: x / 2 * mpmath.erfc(-x / mpmath.sqrt(2))),
        (lambda x: gelu(x, "tanh"), tanh_form),
        (sigmoid, lambda x: 1 / (1 + mpmath.exp(-x))),
        (silu, lambda x: x / (1 + mpmath.exp(-x))),
        (softplus, lambda x: mpmath.log(1 + mpmath.exp(x))),
    ],
    ids=["gelu", "gelu tanh", "sigmoid", "silu", "softplus"],
)  # fmt: skip
@pytest.mark.parametrize("x", [0.3 + 0.4j, -2 + 1.5j, 3 - 2.5j, 0.1 + 2.9j, -30 + 1j])
def test_continued_functions_are_those_of_forty_digits(ours: Any, theirs: Any, x: complex) -> None:
    with mpmath.workdps(40):
        expected = complex(theirs(mpmath.mpc(x)))
    assert complex(ours(torch.tensor([x], dtype=torch.complex128)).item()) == pytest.approx(
        expected, rel=1e-10, abs=1e-15
    )


class Odd(nn.Module):
    """A linear layer and then a function of the test's."""

    def __init__(self, then: Any) -> None:
        super().__init__()
        self.inner, self.then = nn.Linear(4, 4).double(), then

    def forward(self, x: Tensor) -> Tensor:
        return self.then(self.inner(x))


@pytest.mark.parametrize(
    ("then", "named"),
    [
        (torch.relu, "relu"),
        (nn.functional.leaky_relu, "leaky_relu"),
        (torch.abs, "abs"),
        (lambda x: x.clamp(min=0), "clamp"),
        (lambda x: x.amax(-1, keepdim=True), "amax"),
        (lambda x: x / x.sum(-1, keepdim=True), "div"),
        (lambda x: x**0.5, "pow"),
        (lambda x: x.conj() * x, "conj"),
    ],
)
def test_what_has_no_continuation_is_named_with_its_module(then: Any, named: str) -> None:
    model = nn.Sequential(nn.Linear(4, 4).double(), nn.Sequential(Odd(then)))
    step = torch.zeros(3, dtype=torch.complex128)
    with pytest.raises(NoContinuation, match=named) as refused:
        complex_logits(model, inputs(3), random_step(model), step)
    assert refused.value.module == "1.0" and named in refused.value.function


def test_a_relu_module_is_named_by_its_own_name() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU()).double()
    with pytest.raises(NoContinuation, match="module '1'"):
        complex_logits(model, inputs(3), random_step(model), torch.zeros(3))


def test_steps_and_outputs_of_a_wrong_shape_are_refused() -> None:
    model = random_net(nn.Tanh())
    with pytest.raises(InvalidDirection, match="one for each sample"):
        complex_logits(model, inputs(3), random_step(model), torch.zeros(2))
    with pytest.raises(InvalidDirection, match="no parameter"):
        complex_logits(model, inputs(3), {"nothing": torch.zeros(1)}, torch.zeros(3))
    flat = nn.Sequential(model, nn.Flatten(0))
    with pytest.raises(InvalidModelOutput, match="batch, classes"):
        complex_logits(flat, inputs(3), random_step(flat), torch.zeros(3))


def test_the_model_is_left_as_it_was() -> None:
    model = convolutional().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    complex_logits(model, inputs(3, 64), random_step(model), torch.full((3,), 0.1j))
    assert model.training and not model._forward_hooks
    assert all(not module._forward_pre_hooks for module in model.modules())
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_pole_is_infinite_or_huge_and_no_error() -> None:
    model = OneNeuron(torch.tanh, 0.0, 1.0)
    pole = torch.tensor([1j * math.pi / 2], dtype=torch.complex128)
    assert not complex_logits(model, ONE, along(model), pole).abs().max() < 1e12
