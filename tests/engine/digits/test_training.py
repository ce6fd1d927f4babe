"""Seeded training and the stratified split."""

import pytest
import torch

from anisoscope.engine.digits import ARCHITECTURES, accuracy, build, stratified_split, train


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blobs(count: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    """Ten separable classes: the labelled pixel is bright."""
    labels = torch.arange(count) % 10
    images = 0.1 * torch.rand(count, 64, generator=seeded(1))
    images[torch.arange(count), 6 * labels] = 1
    return images, labels


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_training_twice_gives_equal_weights(name):
    ends = []
    for _ in range(2):
        torch.rand(3)  # moves the global generator, which must not matter
        generator = seeded(5)
        *_, end = train(build(name, generator), *blobs(), generator, steps=4, batch_size=16)
        ends.append(end)
    first, second = ends
    assert all(torch.equal(first.weights[key], second.weights[key]) for key in first.weights)
    for key, moment in first.optimizer_state.second_moment.items():
        assert torch.equal(moment, second.optimizer_state.second_moment[key])


def test_snapshots_are_copies_at_the_stated_steps():
    model = build("mlp", seeded())
    snapshots = list(train(model, *blobs(), seeded(), steps=5, every=2))
    assert [snapshot.step for snapshot in snapshots] == [0, 2, 4, 5]
    assert [snapshot.optimizer_state.step for snapshot in snapshots] == [0, 2, 4, 5]
    fresh = build("mlp", seeded()).state_dict()
    assert all(torch.equal(snapshots[0].weights[key], fresh[key]) for key in fresh)
    assert not torch.equal(snapshots[1].weights["0.weight"], snapshots[2].weights["0.weight"])


def test_training_learns():
    model = build("mlp", seeded())
    for _ in train(model, *blobs(), seeded(), steps=60, learning_rate=1e-2, every=60):
        pass
    assert accuracy(model, *blobs()) == 1


def test_split_is_stratified_complete_and_seeded():
    labels = torch.randint(0, 10, (1797,), generator=seeded())
    train_index, test_index = stratified_split(labels, 1438, seeded(2))
    assert len(train_index) == 1438
    assert torch.equal(torch.cat([train_index, test_index]).sort().values, torch.arange(1797))
    exact = torch.bincount(labels) * 1438 / 1797
    assert (torch.bincount(labels[train_index]) - exact).abs().max() < 1
    assert torch.equal(train_index, stratified_split(labels, 1438, seeded(2))[0])
    assert not torch.equal(train_index, stratified_split(labels, 1438, seeded(3))[0])


@pytest.mark.parametrize("size", [0, 60, -1])
def test_split_refuses_a_size_that_leaves_nothing(size):
    with pytest.raises(ValueError, match=rf"train_size={size} .*1 to 59"):
        stratified_split(blobs()[1], size, seeded())
