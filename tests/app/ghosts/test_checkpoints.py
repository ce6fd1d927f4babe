"""The shipped digits and networks, and the refusal of files that cannot be used."""

import io
import math

import numpy as np
import pytest
import torch

from anisoscope.app.lenses.ghosts import checkpoints
from anisoscope.app.lenses.ghosts.checkpoints import (
    ASSETS,
    STAGES,
    CheckpointError,
    digits,
    load,
    load_digits,
    load_file,
)
from anisoscope.app.lenses.ghosts.train import SEED, TRAIN_SIZE, pack, train_stages
from anisoscope.engine.digits import ARCHITECTURES, accuracy, step_direction, stratified_split

SIZE_BUDGET = 1_500_000


def npz(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def weights(name: str, **changed) -> dict[str, np.ndarray]:
    arrays = {key: value.numpy() for key, value in load(name, "converged").model.state_dict().items()}
    return {key: value for key, value in (arrays | changed).items() if value is not None}


def test_data_and_checkpoints_fit_the_budget():
    files = [ASSETS / "digits.npz", *(ASSETS / "checkpoints" / f"{name}.npz" for name in ARCHITECTURES)]
    assert sum(len(file.read_bytes()) for file in files) < SIZE_BUDGET


def test_digits_are_the_published_ones():
    data = digits()
    assert data.images.shape == (1797, 64) and data.images.dtype == torch.float32
    assert data.images.min() == 0 and data.images.max() == 1
    # Class counts and the sum of all pixels (0..16) of the published test part.
    assert torch.bincount(data.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert int((16 * data.images.double()).sum()) == 561718
    assert [len(data.train[1]), len(data.test[1])] == [1438, 359]
    expected, _ = stratified_split(data.labels, TRAIN_SIZE, torch.Generator().manual_seed(SEED))
    assert torch.equal(data.train_index, expected)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_stored_accuracies_are_those_of_the_weights(name, stage):
    checkpoint = load(name, stage)
    data = digits()
    # A sample whose two best logits nearly tie may turn on another machine.
    assert accuracy(checkpoint.model, *data.train) == pytest.approx(checkpoint.train_accuracy, abs=2 / 1438)
    assert accuracy(checkpoint.model, *data.test) == pytest.approx(checkpoint.test_accuracy, abs=2 / 359)
    lowest, highest = {"start": (0, 0.25), "middle": (0.7, 0.85), "converged": (0.95, 1)}[stage]
    assert lowest <= checkpoint.test_accuracy <= highest
    assert checkpoint.optimizer_state.step == checkpoint.step
    assert (checkpoint.step == 0) == (stage == "start")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_stored_moments_belong_to_the_parameters(name):
    checkpoint = load(name, "middle")
    state = checkpoint.optimizer_state
    for key, parameter in checkpoint.model.named_parameters():
        first, second = state.first_moment[key], state.second_moment[key]
        assert first.any() and second.any(), key
        assert first.shape == second.shape == parameter.shape
        # Cauchy-Schwarz on the two running means bounds a step; the slack is that of half precision.
        bias = math.sqrt((1 - 0.9) ** 2 / ((1 - 0.999) * (1 - 0.9**2 / 0.999)))
        assert (first.abs() <= 1.01 * bias * second.sqrt() + 1e-12).all()


def test_half_precision_moments_hardly_turn_the_adam_step():
    data = digits()
    stages = train_stages("mlp", data, steps=12, learning_rate=3e-3)
    snapshot, shipped = stages["middle"], load("mlp", "middle")
    assert snapshot.step == shipped.step
    exact, stored = (
        step_direction(shipped.model.double(), *data.train, "adam", state)
        for state in (snapshot.optimizer_state, shipped.optimizer_state)
    )
    distance = math.sqrt(sum((exact[key] - stored[key]).square().sum().item() for key in exact))
    # Stored with eleven bits: 2^-11 = 4.9e-4 at most for each entry.
    assert distance < 1e-3


def test_script_packs_the_same_bytes_twice():
    packed = [npz(**pack("linear", digits(), train_stages("linear", digits(), 15, 1e-2))) for _ in range(2)]
    assert packed[0] == packed[1]


def test_each_load_is_a_model_of_its_own():
    first = load("mlp", "converged").model
    first.double()
    with torch.no_grad():
        first.get_parameter("0.weight").zero_()
    second = load("mlp", "converged").model
    assert second.get_parameter("0.weight").dtype == torch.float32
    assert second.get_parameter("0.weight").abs().sum() > 0
    assert not second.training


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_own_weights_come_back(name, tmp_path):
    shipped = load(name, "converged")
    path = tmp_path / "mine.npz"
    path.write_bytes(npz(**weights(name)))
    for source in (path, str(path), path.read_bytes()):
        mine = load_file(source, name)
        assert (mine.stage, mine.step, mine.optimizer_state.step) == ("file", 0, 0)
        assert mine.test_accuracy == shipped.test_accuracy
        for key, value in shipped.model.state_dict().items():
            assert torch.equal(mine.model.state_dict()[key], value)


def with_value(array: np.ndarray, value: float) -> np.ndarray:
    changed = array.astype(np.float64)
    changed[2, 5] = value
    return changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"0.bias": np.zeros(11, np.float32)}, r"0\.bias\.shape=\(11,\).*\(10,\)"),
        ({"0.bias": np.zeros((10, 1), np.float32)}, r"0\.bias\.shape=\(10, 1\)"),
        ({"0.bias": None}, r"0\.bias='missing'"),
        ({"1.weight": np.zeros(3)}, r"entry='1\.weight'.*0\.weight, 0\.bias"),
        ({"0.bias": np.zeros(10, np.int32)}, r"0\.bias\.dtype='int32'"),
        ({"0.bias": np.array([None] * 10)}, r"0\.bias\.dtype='object'"),
        ({"0.weight": with_value(np.zeros((10, 64)), math.nan)}, r"0\.weight\[2, 5\]=nan.*finite"),
        ({"0.weight": with_value(np.zeros((10, 64)), 1e300)}, r"0\.weight\[2, 5\]=1e\+300.*finite"),
        ({"0.weight": np.full((10, 64), 3e38)}, r"logits='not finite'"),
    ],
)
def test_unusable_weights_are_refused_by_name(changed, message):
    with pytest.raises(CheckpointError, match=message):
        load_file(npz(**weights("linear", **changed)), "linear")


def test_files_that_are_no_archives_are_refused(tmp_path):
    whole = npz(**weights("linear"))
    for source in (b"", b"\x80\x04no", whole[: len(whole) // 2], tmp_path / "absent.npz", tmp_path):
        with pytest.raises(CheckpointError, match=r"file=.*readable \.npz"):
            load_file(source, "linear")
    damaged = bytearray(whole)
    damaged[120:160] = bytes(40)
    with pytest.raises(CheckpointError, match=r"0\.weight='unreadable'"):
        load_file(bytes(damaged), "linear")


def test_negative_running_variance_is_refused():
    with pytest.raises(CheckpointError, match="logits"):
        load_file(npz(**weights("cnn_batchnorm", **{"2.running_var": -np.ones(16)})), "cnn_batchnorm")


def test_unknown_names_and_stages_are_refused():
    with pytest.raises(CheckpointError, match=r"name='resnet'.*linear, mlp"):
        load("resnet", "start")
    with pytest.raises(CheckpointError, match=r"stage='end'.*start, middle, converged"):
        load("mlp", "end")
    with pytest.raises(CheckpointError, match=r"name='resnet'"):
        load_file(b"", "resnet")
    assert issubclass(CheckpointError, ValueError)


def table(**changed) -> bytes:
    arrays = {
        "images": np.full((4, 64), 16, np.uint8),
        "labels": np.array([0, 9, 3, 3], np.uint8),
        "train_index": np.array([0, 2], np.uint16),
    }
    return npz(**(arrays | changed))


def test_own_digits_are_read():
    data = load_digits(table())
    assert data.images.shape == (4, 64) and data.images.max() == 1
    assert data.train_index.tolist() == [0, 2] and data.test_index.tolist() == [1, 3]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": np.array([0, 10, 3, 3])}, r"labels\[1\]=10.*0 to 9"),
        ({"labels": np.array([0, 1, -3, 3])}, r"labels\[2\]=-3.*0 to 9"),
        ({"labels": np.array([0, 1, 3])}, r"labels\.shape=\(3,\).*\(4,\)"),
        ({"images": np.full((4, 64), 17)}, r"images\[0, 0\]=17.*0 to 16"),
        ({"images": np.zeros((4, 8, 8), np.uint8)}, r"images\.shape=\(4, 8, 8\).*\(n, 64\)"),
        ({"images": np.zeros((4, 64))}, r"images\.dtype='float64'"),
        ({"images": np.zeros((0, 64), np.uint8)}, r"images\.shape=\(0, 64\)"),
        ({"train_index": np.array([0, 4])}, r"train_index\[1\]=4.*0 to 3"),
    ],
)
def test_unusable_digits_are_refused_by_name(changed, message):
    with pytest.raises(CheckpointError, match=message):
        load_digits(table(**changed))


def test_size_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(checkpoints, "LARGEST_SAMPLES", 3)
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("was read"))
    with pytest.raises(CheckpointError, match=r"images\.shape=\(4, 64\)"):
        load_digits(table())
