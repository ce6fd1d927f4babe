"""Logits of training's own pass: taken where a pass in evaluation mode gives the same, and nowhere else."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from anisoscope.engine.ghosts import ClipStep, RadiusClip
from anisoscope.engine.ghosts.clip_training_logits import TrainingLogits

from .clipped_training import EFFECT, Own, Training, X, Y, network, nothing

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def both(
    make: Callable[[], nn.Module],
    between: Callable[[Training, Tensor], Any],
    effect: float = 0.5,
    rate: float = 0.3,
) -> ClipStep:
    """The step with training's logits, after a look that it is the one without them to the last bit."""
    model = make()
    ends = []
    for reuse in (False, True):
        torch.manual_seed(7)
        EFFECT["size"] = effect
        training = Training(copy.deepcopy(model), reuse, rate)
        ends.append((training.last_step(between), training))
    (own, without), (found, with_them) = ends
    assert not own.reused and found._replace(reused=False) == own
    for one, other in zip(without.model.parameters(), with_them.model.parameters(), strict=True):
        assert torch.equal(one, other)
    return found


SAFE: dict[str, Callable[[], nn.Module]] = {
    "plain": network,
    "layer norm and GELU": lambda: network(nn.LayerNorm(9), nn.GELU()),
    "dropout of nothing": lambda: network(nn.Dropout(0.0)),
    "evaluation mode": lambda: network(nn.Dropout(0.5), nn.BatchNorm1d(9)).eval(),
    "a frozen part": lambda: network(nn.BatchNorm1d(9).eval()),
    "a class of the user's": Own,
    "with a copy of an earlier hook": lambda: copy.deepcopy(Training(network()).model),
}


@pytest.mark.parametrize("name", SAFE)
def test_taken_where_both_modes_are_the_same(name):
    assert both(SAFE[name], nothing).reused


def validate(training: Training, _: Tensor) -> None:
    with torch.no_grad():
        training.model.eval()(X[:5] + 1)
        training.model.train()


def test_a_validation_in_between_does_no_harm():
    assert both(network, validate).reused


def effect(module: nn.Module) -> float:
    return EFFECT["size"] if module.training else 0.0


class LooksAtItsMode(Own):
    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + (EFFECT["size"] * x[:, :4] if self.training else 0)


class AsksAProperty(Own):
    @property
    def noisy(self) -> bool:
        return bool(getattr(self, "training"))  # noqa: B009

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + (EFFECT["size"] * x[:, :4] if self.noisy else 0)


class DropsLater(nn.Dropout):
    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x, EFFECT["size"], self.training)


def instance_of_its_own() -> nn.Module:
    model = network()
    model[1].forward = lambda x: x.tanh() + effect(model)
    return model


def hooked(register: str, hook: Callable[..., Any]) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        model = network()
        getattr(model[1], register)(hook)
        return model

    return make


UNSAFE_MODELS: dict[str, Callable[[], nn.Module]] = {
    "dropout": lambda: network(nn.Dropout(0.3)),
    "dropout that begins later": lambda: network(DropsLater(0.3)),
    "batch normalisation": lambda: network(nn.BatchNorm1d(9)),
    "spectral normalisation": lambda: network(torch.nn.utils.parametrizations.spectral_norm(nn.Linear(9, 9))),
    "names its mode": LooksAtItsMode,
    "asks a property": AsksAProperty,
    "a forward of its own": instance_of_its_own,
    "a hook": hooked("register_forward_hook", lambda m, _, out: out + effect(m)),
    "a pre-hook": hooked("register_forward_pre_hook", lambda m, a: (a[0] + effect(m),)),
}


@pytest.mark.parametrize("before", [0.0, 0.5])
@pytest.mark.parametrize("name", UNSAFE_MODELS)
def test_not_taken_where_evaluation_mode_may_differ(name, before):
    """Nor where nothing of it could be measured in the steps before."""
    assert not both(UNSAFE_MODELS[name], nothing, before).reused


def other_batch(training: Training, _: Tensor) -> None:
    training.model(X[:7] + 1)


def other_weights(training: Training, _: Tensor) -> None:
    doubled = {name: 2 * p.detach() for name, p in training.model.named_parameters()}
    with torch.enable_grad():
        functional_call(training.model, doubled, training.x).sum()


def masked_weights(training: Training, _: Tensor) -> None:
    with torch.enable_grad():
        masked = {name: 0.5 * p for name, p in training.model.named_parameters()}
        functional_call(training.model, masked, training.x).sum().backward()


def another_parameter(training: Training, _: Tensor) -> None:
    training.model[0].bias = nn.Parameter(training.model[0].bias.detach() + 0.5)


def write_to_a_weight(training: Training, _: Tensor) -> None:
    with torch.no_grad():
        training.model[0].weight.mul_(1.5)


def put_another_in_its_place(training: Training, _: Tensor) -> None:
    training.model[0].weight.data = 1.5 * training.model[0].weight.detach()


def put_another_module_in_its_place(training: Training, _: Tensor) -> None:
    training.model[1] = nn.Sigmoid()


def write_to_a_buffer(training: Training, _: Tensor) -> None:
    training.model[2].running_mean.add_(0.5)


def write_to_the_inputs(training: Training, _: Tensor) -> None:
    training.x.mul_(1.5)


def write_to_the_logits(_: Training, logits: Tensor) -> None:
    logits.detach().mul_(1.5)


def equal_inputs(training: Training, _: Tensor) -> None:
    training.x = training.x.clone()


def a_part_of_the_inputs(training: Training, _: Tensor) -> None:
    training.x = training.x[:8]


def autocast(training: Training, _: Tensor) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        training.forward()


def micro_batches(training: Training, _: Tensor) -> None:
    training.forward(training.x[:8])
    nn.functional.cross_entropy(training.model(training.x[8:]), Y[8:]).backward()


BETWEEN = (
    other_batch, other_weights, masked_weights, another_parameter, write_to_a_weight, put_another_in_its_place,
    put_another_module_in_its_place, write_to_the_inputs, write_to_the_logits, equal_inputs, a_part_of_the_inputs,
    autocast, micro_batches,
)  # fmt: skip


@pytest.mark.parametrize("between", BETWEEN)
def test_not_taken_after(between):
    assert not both(network, between).reused


def test_not_taken_after_a_write_to_a_buffer():
    assert not both(lambda: network(nn.BatchNorm1d(9)).eval(), write_to_a_buffer).reused


def test_micro_batches_count_one_by_one():
    """The step that is measured on the last micro-batch takes its logits."""
    training = Training(network())
    training.forward(training.x[:8])
    last = training.x[8:]
    nn.functional.cross_entropy(training.model(last), Y[8:]).backward()
    assert training.clip.step(last).reused


def test_inputs_by_keyword_and_by_place():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = network()

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return self.body(x + 2 * y)

    model, y = Mixed(), X.flip(0)
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1))
    for inputs in ((X, y), {"x": X, "y": y}):
        for _ in range(2):
            logits = model(**inputs) if isinstance(inputs, dict) else model(*inputs)
            nn.functional.cross_entropy(logits, Y).backward()
            last = clip.step(inputs)
    assert last.reused
    # The same tensors in another form, or by other names, are another call.
    nn.functional.cross_entropy(model(X, y), Y).backward()
    assert not clip.step({"x": X, "y": y}).reused
    kept = TrainingLogits(model)
    kept.watch()
    for inputs, is_same in (({"x": X, "y": y}, True), ({"y": X, "x": y}, False), ({"x": X}, False)):
        model(x=X, y=y)
        assert (kept.take(inputs) is not None) == is_same


def test_a_closure_makes_its_passes_too_late():
    training = Training(network())

    def closure() -> float:
        return training.forward().sum().item()

    for _ in range(2):
        assert not training.clip.step(training.x, closure=closure).reused


def test_half_precision_makes_its_own_passes():
    model, x = network().to(torch.bfloat16), X.bfloat16()
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1))
    for _ in range(3):
        nn.functional.cross_entropy(model(x).float(), Y).backward()
        last = clip.step(x)
    assert last.backend == "forward_difference" and not last.reused and not model._forward_hooks


class AsksElsewhere(Own):
    """Nothing in the class tells that a function outside of it looks at the mode."""

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x + effect(self) * x.sin())


class Table(nn.Module):
    """Its output is a view of its weights, which the optimizer steps."""

    def __init__(self):
        super().__init__()
        self.rows = nn.Parameter(torch.randn(16, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.rows[: len(x)]


def take_a_larger_step(training: Training, _: Tensor) -> None:
    training.optimizer.param_groups[0]["lr"] = 3.0


def test_logits_that_step_with_the_weights_are_not_taken():
    """Nor where the steps before were too short to tell."""
    assert not both(Table, take_a_larger_step, rate=1e-4).reused


MODES_SEEN: list[bool] = []


def note_mode(module: nn.Module) -> None:
    MODES_SEEN.append(module.training)


class TellsItsMode(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        note_mode(self)
        return x


def test_beside_training_s_logits_the_probe_is_in_evaluation_mode_and_leaves_no_trace():
    model = network(TellsItsMode(), nn.BatchNorm1d(9).eval())
    training = Training(model)
    MODES_SEEN.clear()
    buffers, random = [b.clone() for b in model.buffers()], torch.get_rng_state()
    assert training.last_step(nothing).reused and MODES_SEEN == [True, False]
    assert [m.training for m in model.modules()] == [True, True, True, True, False, True]
    assert all(map(torch.equal, model.buffers(), buffers)) and torch.equal(torch.get_rng_state(), random)


def test_logits_that_are_measured_to_differ_are_never_taken():
    training = Training(AsksElsewhere())
    assert not training.last_step(nothing).reused and not training.model._forward_hooks
    assert both(AsksElsewhere, nothing).measured


def test_logits_of_the_user_that_step_with_the_weights():
    """A view of the weights is no longer what was handed in when the step is measured; that is noticed."""
    radii = []
    for settings in ({}, {"backend": "jvp"}):
        torch.manual_seed(0)
        model = Table()
        clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.3), **settings)
        for _ in range(3):
            logits = model(X)
            nn.functional.cross_entropy(logits, Y).backward()
            last = clip.step(X, logits=None if settings else logits)
        radii.append(last.radius)
    assert radii[0] == pytest.approx(radii[1], rel=1e-3)
