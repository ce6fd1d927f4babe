"""Trainings of digits under `RadiusClip`: what a spike of the learning rate does with it and without."""

from collections.abc import Callable
from importlib import resources

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from anisoscope.engine.digits import accuracy, build
from anisoscope.engine.ghosts import ClipStep, RadiusClip

Data = tuple[Tensor, Tensor, Tensor, Tensor]


@pytest.fixture(scope="module")
def digits() -> Data:
    """Images and labels of the training part, then of the test part."""
    with resources.files("anisoscope.assets").joinpath("ghosts", "digits.npz").open("rb") as file:
        saved = {name: torch.from_numpy(values.astype(np.int64)) for name, values in np.load(file).items()}
    rest = torch.ones(len(saved["labels"]), dtype=torch.bool)
    rest[saved["train_index"]] = False
    images = saved["images"].float() / 16
    return (
        *(images[saved["train_index"]], saved["labels"][saved["train_index"]]),
        *(images[rest], saved["labels"][rest]),
    )


def train(
    digits: Data,
    mode: str | None,
    rate: Callable[[int], float],
    steps: int,
    make: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
    network: str = "mlp",
) -> tuple[list[float], list[ClipStep]]:
    """Test accuracy after each step from step 45, and what the controller did."""
    images, labels, test_images, test_labels = digits
    generator = torch.Generator().manual_seed(0)
    model = build(network, generator)
    optimizer = make(model.parameters(), lr=1.0)
    clip = None if mode is None else RadiusClip(model, optimizer, mode=mode)
    accuracies, found = [], []
    for step in range(steps):
        batch = torch.randint(len(labels), (64,), generator=generator)
        optimizer.param_groups[0]["lr"] = rate(step)
        model.train()
        optimizer.zero_grad()
        logits = model(images[batch])
        nn.functional.cross_entropy(logits, labels[batch]).backward()
        if clip is None:
            optimizer.step()
        else:
            found.append(clip.step(images[batch], logits=logits.detach()))
        if step >= 45:
            accuracies.append(accuracy(model, test_images, test_labels))
    return accuracies, found


def held(step: int) -> float:
    return 10.0 if 50 <= step < 200 else 1e-2


def test_a_held_spike_erases_the_plain_run_and_not_the_capped_one(digits):
    plain, _ = train(digits, None, held, 200)
    capped, found = train(digits, "cap", held, 200)
    assert plain[-1] <= 0.2
    assert capped[-1] >= 0.93
    assert max(step.normalized_step for step in found) > 100
    assert max(step.normalized_step_taken for step in found) <= 1 + 1e-6
    assert not any(step.refused for step in found)


@pytest.mark.parametrize("network", ["mlp", "mlp_layernorm"])
def test_one_step_of_ten_thousandfold_rate_leaves_no_dip(digits, network):
    """The controller acts on Adam's actual step; measured along the gradient accuracy would fall to 0.1."""
    accuracies, found = train(digits, "cap", lambda s: 100.0 if s == 50 else 1e-2, 61, network=network)
    assert found[50].normalized_step > 1000 and found[50].clipped
    assert min(accuracies[5:]) >= 0.9


def test_steps_of_radius_one_train_without_a_learning_rate(digits):
    accuracies, found = train(digits, "set", lambda _: 1e-5, 300, torch.optim.SGD)
    assert accuracies[-1] >= 0.93
    assert max(abs(step.normalized_step_taken - 1) for step in found) < 1e-9


def test_watching_leaves_the_training_as_it_is(digits):
    assert train(digits, None, held, 80)[0] == train(digits, "monitor", held, 80)[0]
