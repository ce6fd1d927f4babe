"""The digits and the trained networks of the lens: those it ships and those a reader brings.

Nothing is unpickled, and what a file declares (names, shapes, dtypes, sizes) is checked before it is read.
How the shipped files are laid out is told in `train.py`, which writes them.
"""

import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from io import BytesIO
from os import PathLike
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from anisoscope.engine.digits import ARCHITECTURES, CLASSES, PIXELS, AdamState, accuracy, build

ASSETS = resources.files("anisoscope.assets") / "ghosts"
STAGES = ("start", "middle", "converged")
BRIGHTEST = 16
LARGEST_SAMPLES = 100_000

Source = str | PathLike[str] | bytes


class CheckpointError(ValueError):
    """A network or data file that cannot be used; names the entry, its value and what is allowed."""

    def __init__(self, entry: str, value: object, allowed: str) -> None:
        super().__init__(f"{entry}={value!r} cannot be used; allowed: {allowed}")
        self.entry = entry
        self.value = value
        self.allowed = allowed


@dataclass(frozen=True)
class Digits:
    """Images (n, 64) float32 with pixels in [0, 1], labels (n,) int64, and which of them train."""

    images: Tensor
    labels: Tensor
    train_index: Tensor
    test_index: Tensor

    @property
    def train(self) -> tuple[Tensor, Tensor]:
        """Images and labels of the training part."""
        return self.images[self.train_index], self.labels[self.train_index]

    @property
    def test(self) -> tuple[Tensor, Tensor]:
        """Images and labels of the part held back."""
        return self.images[self.test_index], self.labels[self.test_index]


@dataclass(frozen=True)
class Checkpoint:
    """A network in evaluation mode at one stage of its training; the model is the caller's own copy."""

    name: str
    title: str
    stage: str
    step: int
    model: nn.Module
    optimizer_state: AdamState
    train_accuracy: float
    test_accuracy: float


def opened_archive(source: Source) -> zipfile.ZipFile:
    """The archive of an `.npz`, or a CheckpointError."""
    try:
        return zipfile.ZipFile(BytesIO(source) if isinstance(source, bytes) else source)
    except (zipfile.BadZipFile, OSError) as error:
        shown = f"{len(source)} bytes" if isinstance(source, bytes) else str(source)
        raise CheckpointError("file", shown, "a readable .npz archive of named arrays") from error


def members(archive: zipfile.ZipFile) -> list[str]:
    """Names of its arrays."""
    return [name.removesuffix(".npy") for name in archive.namelist()]


def read_array(archive: zipfile.ZipFile, entry: str, shape: tuple[int | None, ...], kinds: str) -> np.ndarray:
    """One array; `None` in the shape stands for a free number of samples, `kinds` are NumPy dtype kinds."""
    wanted = str(tuple("n" if size is None else size for size in shape)).replace("'", "")
    try:
        with archive.open(f"{entry}.npy") as stream:
            version = np.lib.format.read_magic(stream)
            if version != (1, 0):
                raise CheckpointError(entry, f"npy version {version}", "npy version (1, 0)")
            declared, _, dtype = np.lib.format.read_array_header_1_0(stream)
        fits = len(declared) == len(shape) and all(
            size == limit if limit is not None else 0 < size <= LARGEST_SAMPLES
            for size, limit in zip(declared, shape, strict=True)
        )
        if not fits:
            raise CheckpointError(f"{entry}.shape", declared, wanted)
        if dtype.kind not in kinds:
            raise CheckpointError(f"{entry}.dtype", str(dtype), f"a dtype of kind {' or '.join(kinds)}")
        with archive.open(f"{entry}.npy") as stream:
            array = np.lib.format.read_array(stream, allow_pickle=False)
    except KeyError as error:
        raise CheckpointError(entry, "missing", f"an array of shape {wanted}") from error
    except CheckpointError:
        raise
    except (ValueError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
        # RuntimeError: the archive is encrypted or compressed in a way Python cannot read.
        raise CheckpointError(entry, "unreadable", f"a whole array of shape {wanted}") from error
    return array


def _read_float32(archive: zipfile.ZipFile, entry: str, shape: tuple[int | None, ...]) -> np.ndarray:
    array = read_array(archive, entry, shape, "f")
    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    infinite = np.argwhere(~np.isfinite(single))
    if len(infinite):
        place = tuple(int(i) for i in infinite[0])
        raise CheckpointError(f"{entry}{list(place)}", float(array[place]), "numbers finite in float32")
    return single


def _check_range(entry: str, values: np.ndarray, highest: int) -> None:
    outside = np.argwhere((values < 0) | (values > highest))
    if len(outside):
        place = tuple(outside[0])
        index = ", ".join(str(int(i)) for i in place)
        raise CheckpointError(f"{entry}[{index}]", values[place].item(), f"integers 0 to {highest}")


def load_digits(source: Source) -> Digits:
    """Digits from an `.npz` of `images` (n, 64) 0..16, `labels` (n,) 0..9 and `train_index`, all integers.

    Raises:
        CheckpointError: an array is missing, has another shape or dtype, or a value out of range.
    """
    with opened_archive(source) as archive:
        images = read_array(archive, "images", (None, PIXELS), "ui")
        labels = read_array(archive, "labels", (None,), "ui")
        train_index = read_array(archive, "train_index", (None,), "ui")
    if len(labels) != len(images):
        raise CheckpointError("labels.shape", labels.shape, f"({len(images)},), one for each image")
    _check_range("images", images, BRIGHTEST)
    _check_range("labels", labels, CLASSES - 1)
    _check_range("train_index", train_index, len(images) - 1)
    held_back = np.setdiff1d(np.arange(len(images)), train_index)
    return Digits(
        images=torch.from_numpy(images.astype(np.float32) / BRIGHTEST),
        labels=torch.from_numpy(labels.astype(np.int64)),
        train_index=torch.from_numpy(train_index.astype(np.int64)),
        test_index=torch.from_numpy(held_back),
    )


@cache
def digits() -> Digits:
    """The 1797 shipped digits, 1438 of which train; shared, so not to be written to."""
    return load_digits((ASSETS / "digits.npz").read_bytes())


def _check_name(name: str) -> None:
    if name not in ARCHITECTURES:
        raise CheckpointError("name", name, ", ".join(ARCHITECTURES))


def _expected(name: str) -> dict[str, Tensor]:
    return build(name, torch.Generator()).state_dict()


def _read_weights(archive: zipfile.ZipFile, name: str, prefix: str) -> dict[str, Tensor]:
    weights = {}
    for key, tensor in _expected(name).items():
        if tensor.is_floating_point():
            array = _read_float32(archive, f"{prefix}{key}", tuple(tensor.shape))
        else:
            array = read_array(archive, f"{prefix}{key}", tuple(tensor.shape), "iu").astype(np.int64)
        weights[key] = torch.from_numpy(array)
    return weights


def _read_moment(
    archive: zipfile.ZipFile, parameters: Iterable[tuple[str, Tensor]], entry: str
) -> dict[str, Tensor]:
    named = list(parameters)
    joined = _read_float32(archive, entry, (sum(p.numel() for _, p in named),))
    scales = _read_float32(archive, f"{entry}_scale", (len(named),))
    moment, begin = {}, 0
    for (key, parameter), scale in zip(named, scales, strict=True):
        end = begin + parameter.numel()
        moment[key] = torch.from_numpy(joined[begin:end] * scale).reshape(parameter.shape)
        begin = end
    return moment


@dataclass(frozen=True)
class _Stage:
    weights: Mapping[str, Tensor]
    optimizer_state: AdamState
    meta: Mapping[str, Any]


@cache
def _stages(name: str) -> dict[str, _Stage]:
    stages = {}
    parameters = list(build(name, torch.Generator()).named_parameters())
    with opened_archive((ASSETS / "checkpoints" / f"{name}.npz").read_bytes()) as archive:
        described = json.loads(str(read_array(archive, "meta", (), "U")))["stages"]
        for stage in STAGES:
            meta = described[stage]
            first, second = {}, {}
            if meta["step"]:
                first = _read_moment(archive, parameters, f"{stage}/first_moment")
                root = _read_moment(archive, parameters, f"{stage}/root_second_moment")
                second = {key: value.square() for key, value in root.items()}
            state = AdamState(meta["step"], first, second, meta["learning_rate"])
            stages[stage] = _Stage(_read_weights(archive, name, f"{stage}/weights/"), state, meta)
    return stages


def _model(name: str, weights: Mapping[str, Tensor]) -> nn.Module:
    model = build(name, torch.Generator())
    model.load_state_dict(dict(weights))
    return model.eval()


def load(name: str, stage: str) -> Checkpoint:
    """A shipped network at one stage; files are read once, the model is new at every call.

    Args:
        name: a key of `anisoscope.engine.digits.ARCHITECTURES`.
        stage: one of `STAGES`: before the first step, at about three quarters right, at the end.

    Raises:
        CheckpointError: unknown name or stage.
    """
    _check_name(name)
    if stage not in STAGES:
        raise CheckpointError("stage", stage, ", ".join(STAGES))
    found = _stages(name)[stage]
    return Checkpoint(
        name=name,
        title=ARCHITECTURES[name].title,
        stage=stage,
        step=found.meta["step"],
        model=_model(name, found.weights),
        optimizer_state=found.optimizer_state,
        train_accuracy=found.meta["train_accuracy"],
        test_accuracy=found.meta["test_accuracy"],
    )


def architecture_of(source: Source) -> str:
    """Which of the architectures an `.npz` of weights is for, by the names of its arrays.

    Raises:
        CheckpointError: it is not readable, or its names are those of none.
    """
    with opened_archive(source) as archive:
        names = set(members(archive))
    for name in ARCHITECTURES:
        if set(_expected(name)) == names:
            return name
    shown = ", ".join(sorted(names)[:6])
    raise CheckpointError("entries", shown, f"the state_dict() of one of {', '.join(ARCHITECTURES)}")


def load_file(source: Source, name: str) -> Checkpoint:
    """A reader's own weights for one of the architectures, with accuracies measured on the shipped digits.

    Args:
        source: path or content of an `.npz` whose arrays are named as in the model's `state_dict()`.
        name: the architecture they are for.

    Returns:
        A checkpoint of stage "file" at step 0 without optimizer state: "adam" is then Adam's first step.

    Raises:
        CheckpointError: unknown name, unreadable file, arrays missing, unknown, of another shape or dtype, or
            not finite, or logits that are not finite.
    """
    _check_name(name)
    with opened_archive(source) as archive:
        expected = _expected(name)
        for entry in members(archive):
            if entry not in expected:
                raise CheckpointError("entry", entry, ", ".join(expected))
        model = _model(name, _read_weights(archive, name, ""))
    data = digits()
    # Finite weights may still overflow, and a negative running variance has no square root.
    if not model(data.images).isfinite().all():
        raise CheckpointError("logits", "not finite", "weights whose logits of the shipped digits are finite")
    return Checkpoint(
        name=name,
        title=ARCHITECTURES[name].title,
        stage="file",
        step=0,
        model=model,
        optimizer_state=AdamState(),
        train_accuracy=accuracy(model, *data.train),
        test_accuracy=accuracy(model, *data.test),
    )
