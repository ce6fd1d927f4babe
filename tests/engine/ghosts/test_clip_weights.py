"""The weights around a step: its length, points along it, and what becomes of them in copies and conversions."""

import copy
import io
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from anisoscope.engine.ghosts import RadiusClip
from anisoscope.engine.ghosts.clip_weights import StepWeights

from .clipped_training import X, Y, network


@pytest.mark.parametrize("size", [3, 1024 * 16, 1024 * 16 + 1, 1024 * 99 - 1])
@pytest.mark.parametrize("scale", [1.0, 1e-25, 1e25])
def test_the_length_of_a_step_is_exact_at_any_size(size, scale):
    weights = nn.Parameter(torch.zeros(size))
    around = StepWeights([weights])
    with torch.no_grad():
        around.begin()
        weights.copy_(scale * torch.randn(size) * 10 ** torch.randn(size))
        assert around.finish() == pytest.approx(weights.double().norm().item(), rel=5e-6)
        # A direction is of the whole step, wherever on it the weights are.
        around.to_fraction(0.3)
        direction = around.direction(scale)[0]
        around.to_end()
        torch.testing.assert_close(direction, weights / scale)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("scale", [1e-5, 0.3, 2.0])
def test_points_along_a_step_and_both_ends(dtype, scale):
    before = [torch.randn(3, 4, dtype=dtype), torch.randn(7, dtype=torch.float64)]
    parameters = [nn.Parameter(values.clone()) for values in before]
    around = StepWeights(parameters)
    with torch.no_grad():
        around.begin()
        for parameter in parameters:
            parameter.add_(torch.randn_like(parameter))
        around.finish()
        after = [parameter.clone() for parameter in parameters]
        points = [b.double() + scale * (a.double() - b.double()) for a, b in zip(after, before, strict=True)]
        for found, point, parameter in zip(around.at_fraction(scale), points, parameters, strict=True):
            torch.testing.assert_close(found.double(), point, rtol=1e-5, atol=1e-6)
            assert found.dtype == torch.promote_types(parameter.dtype, torch.float32)
        around.to_fraction(scale)
        for parameter, point in zip(parameters, points, strict=True):
            torch.testing.assert_close(parameter.detach(), point.to(parameter.dtype))
        around.to_end()
        assert all(map(torch.equal, parameters, after))
        around.to_start()
        assert all(map(torch.equal, parameters, before))


def train(model: nn.Module, clip: RadiusClip, steps: int, x: Tensor = X) -> Any:
    """The last of so many steps."""
    for _ in range(steps):
        clip.optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), Y).backward()
        clip.step(x)
    return clip.last


def _saved(value: Any) -> Any:
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it)), _saved])
def test_a_copy_of_a_training_goes_on_as_the_training_does(copied):
    model = network()
    clip = RadiusClip(model, torch.optim.Adam(model.parameters(), lr=0.3), target=0.01)
    train(model, clip, 3)
    other, other_clip = copied((model, clip))
    assert train(model, clip, 3) == train(other, other_clip, 3)
    assert all(map(torch.equal, model.parameters(), other.parameters()))
    assert clip.last is not None and 0 < clip.last.scale < 1


@pytest.mark.parametrize("before", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("mode", ["cap", "monitor"])
def test_a_model_that_is_converted_later_is_stepped_in_its_new_precision(before, mode):
    """By a new start: of weights in another precision the last radius says nothing."""

    def clipped(model: nn.Module) -> RadiusClip:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
        return RadiusClip(model, optimizer, target=0.01, mode=mode, every=2)

    # Of half precision first, so that all conversions are of the same weights.
    converted = network().bfloat16().to(before)
    straight = copy.deepcopy(converted).double()
    early = clipped(converted)
    converted.double()
    found = train(converted, early, 5, X.double())
    assert found == train(straight, clipped(straight), 5, X.double()) and found.measured
    assert all(map(torch.equal, converted.parameters(), straight.parameters()))


class Clamped(nn.Module):
    """Writes to its weights in its pass, as an embedding with a largest norm does."""

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            self.body.weight.clamp_(-0.1, 0.1)
        return self.body(x)


def test_what_a_probe_s_pass_writes_to_the_weights_is_not_kept():
    model = Clamped()
    model(X)
    with torch.no_grad():
        model.body.weight.add_(1.0)
    weights = model.body.weight.detach().clone()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    clip = RadiusClip(model, optimizer, target=0.01, samples=X)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, torch.nan)
    assert clip.step().refused and torch.equal(model.body.weight, weights)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    last = clip.step()
    assert last.clipped
    # The length that was told, from where the weights were.
    moved = (model.body.weight - weights).norm().hypot(last.scale * 0.1 * model.body.bias.grad.norm())
    assert moved.item() == pytest.approx(last.scale * last.step_norm, rel=1e-3)


class Refuses(nn.Module):
    """Raises in a probe's pass, where it is told."""

    def __init__(self):
        super().__init__()
        self.body, self.fault = network(), None

    def forward(self, x: Tensor) -> Tensor:
        if self.fault is not None and not torch.is_grad_enabled():
            raise self.fault
        return self.body(x)


@pytest.mark.parametrize("fault", [RuntimeError("no memory left"), KeyboardInterrupt()])
@pytest.mark.parametrize("mode", ["cap", "monitor"])
def test_a_fault_in_a_probe_leaves_the_weights_where_they_were_before_the_step(mode, fault):
    model = Refuses()
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1), mode=mode)
    train(model, clip, 2)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    model.fault = fault
    with pytest.raises(type(fault)):
        train(model, clip, 1)
    assert all(map(torch.equal, model.parameters(), before))
    assert all(module.training for module in model.modules())
