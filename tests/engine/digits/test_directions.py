"""Directions of a step: unit norm, signs, and Adam's own update."""

import copy
import math

import pytest
import torch

from anisoscope.engine.digits import (
    DIRECTION_KINDS,
    AdamState,
    build,
    mean_loss_gradient,
    step_direction,
    train,
)

NAMES = ("linear", "mlp_layernorm", "cnn_batchnorm", "transformer")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(count: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    generator = seeded(1)
    return torch.rand(count, 64, generator=generator), torch.randint(0, 10, (count,), generator=generator)


def trained(name: str):
    """A model a few steps into its training, and Adam's state there."""
    model = build(name, seeded())
    for snapshot in train(model, *batch(), seeded(), steps=5, learning_rate=1e-2, batch_size=8):
        state = snapshot.optimizer_state
    return model, state


def norm(direction) -> float:
    return math.sqrt(sum(value.double().square().sum().item() for value in direction.values()))


@pytest.mark.parametrize("kind", DIRECTION_KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_every_direction_is_a_unit_vector_over_all_parameters(name, kind):
    model, state = trained(name)
    direction = step_direction(model, *batch(), kind, state, seeded())
    assert list(direction) == [key for key, _ in model.named_parameters()]
    assert all(direction[key].shape == p.shape for key, p in model.named_parameters())
    assert norm(direction) == pytest.approx(1, abs=1e-6)


def test_ascent_is_the_opposite_of_descent_and_descent_descends():
    model, _ = trained("mlp_layernorm")
    down, up = (step_direction(model, *batch(), kind) for kind in ("-gradient", "+gradient"))
    assert all(torch.equal(down[key], -up[key]) for key in down)
    gradient = mean_loss_gradient(model, *batch())
    assert sum((gradient[key] * down[key]).sum() for key in down).item() == pytest.approx(
        -norm(gradient), rel=1e-5
    )


@pytest.mark.parametrize("name", NAMES)
def test_adam_is_the_step_that_torch_takes(name):
    model, state = trained(name)
    model = model.double().eval()
    images, labels = batch()
    stepped = copy.deepcopy(model)
    optimizer = state.optimizer(dict(stepped.named_parameters()))
    torch.nn.functional.cross_entropy(stepped(images.double()), labels).backward()
    optimizer.step()
    before, after = dict(model.named_parameters()), dict(stepped.named_parameters())
    update = {key: (after[key] - before[key]).detach() for key in before}
    direction = step_direction(model, images, labels, "adam", state)
    for key in before:
        torch.testing.assert_close(direction[key], update[key] / norm(update), rtol=1e-6, atol=1e-12)


def test_adam_goes_on_exactly_where_the_state_was_taken():
    model = build("mlp", seeded())
    snapshots = list(train(model, *batch(), seeded(), steps=4, batch_size=40))
    images, labels = batch()
    model.load_state_dict(snapshots[3].weights)
    model.zero_grad()
    optimizer = snapshots[3].optimizer_state.optimizer(dict(model.named_parameters()))
    torch.nn.functional.cross_entropy(model(images), labels).backward()
    optimizer.step()
    # Full batches: only the order of the samples differs between the two.
    for key, value in model.state_dict().items():
        torch.testing.assert_close(value, snapshots[4].weights[key], rtol=1e-4, atol=1e-5)


def test_without_a_state_adam_follows_the_sign_and_momentum_the_gradient():
    model, _ = trained("mlp")
    model = model.double()
    gradient = mean_loss_gradient(model, *batch())
    adam, momentum, down = (
        step_direction(model, *batch(), kind) for kind in ("adam", "momentum", "-gradient")
    )
    for key, value in gradient.items():
        large = value.abs() > 1e-4
        unit = adam[key][large].abs()
        assert torch.equal(adam[key][large].sign(), -value[large].sign())
        torch.testing.assert_close(unit, unit.max().expand_as(unit), rtol=1e-3, atol=0)
        torch.testing.assert_close(momentum[key], down[key])


def test_momentum_is_the_first_moment_that_adam_holds_after_the_step():
    model, state = trained("mlp")
    model = model.double().eval()
    leaves = {key: p.detach().clone() for key, p in model.named_parameters()}
    for key, value in mean_loss_gradient(model, *batch()).items():
        leaves[key].grad = value
    optimizer = state.optimizer(leaves)
    optimizer.step()
    held = {key: optimizer.state[leaf]["exp_avg"] for key, leaf in leaves.items()}
    momentum = step_direction(model, *batch(), "momentum", state)
    for key in held:
        torch.testing.assert_close(momentum[key], -held[key] / norm(held))


def test_a_seed_names_one_random_direction_in_every_precision():
    model, _ = trained("mlp")
    single = step_direction(model, *batch(), "random", generator=seeded(7))
    double = step_direction(model.double(), *batch(), "random", generator=seeded(7))
    other = step_direction(model, *batch(), "random", generator=seeded(8))
    for key in single:
        torch.testing.assert_close(single[key].double(), double[key], rtol=1e-6, atol=1e-9)
    assert abs(sum((double[key] * other[key]).sum().item() for key in double)) < 0.05


def test_model_is_left_as_it_was():
    model, state = trained("cnn_batchnorm")
    model.train()
    model.zero_grad()
    before = copy.deepcopy(model.state_dict())
    for kind in DIRECTION_KINDS:
        step_direction(model, *batch(), kind, state, seeded())
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert all(p.grad is None for p in model.parameters())


def test_refusals_name_what_is_wrong():
    model, _ = trained("linear")
    images, labels = batch()
    with pytest.raises(ValueError, match=r"kind='gradient'.*-gradient"):
        step_direction(model, images, labels, "gradient")
    with pytest.raises(ValueError, match=r"generator=None.*torch\.Generator"):
        step_direction(model, images, labels, "random")
    labels[3] = 10
    with pytest.raises(ValueError, match=r"labels\[3\]=10 .*0 to 9"):
        step_direction(model, images, labels, "-gradient")
    with torch.no_grad():
        model.get_parameter("0.weight").fill_(math.nan)
    with pytest.raises(ValueError, match=r"'-gradient'.*nan.*finite"):
        step_direction(model, images, batch()[1], "-gradient")


def test_state_of_an_optimizer_that_has_not_stepped_is_empty():
    model = build("linear", seeded())
    state = AdamState.of(model, torch.optim.Adam(model.parameters()))
    assert state.step == 0 and not state.first_moment and not state.second_moment
