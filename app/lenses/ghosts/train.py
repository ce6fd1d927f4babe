"""Trains the networks that the lens ships: `python -m anisoscope.app.lenses.ghosts.train`.

Writes `digits.npz` and `checkpoints/<network>.npz` into the lens's assets; on one machine a second run writes
the same bytes. With `--csv` the digits are first converted from the comma-separated table (gzip) of the test
part of "Optical recognition of handwritten digits" (Alpaydin & Kaynak 1998, UCI, CC BY 4.0) as scikit-learn
distributes it; without, the digits in the assets are used.

Layout of a checkpoint file, for each stage in start, middle, converged:
`<stage>/weights/<name>` every parameter and buffer, float32; `<stage>/first_moment` and
`<stage>/root_second_moment` Adam's moments of all parameters, flattened in order and joined, float16 (the
second as its square root), each tensor divided by the power of two in `<stage>/…_scale`; and `meta`, JSON.
Half precision keeps eleven bits of the moments, which is what fits all stages of six networks into 1.5 MB.
"""

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from anisoscope.engine.digits import ARCHITECTURES, Snapshot, accuracy, build, stratified_split, train

from .checkpoints import ASSETS, STAGES, Digits, digits

SEED = 2603
TRAIN_SIZE = 1438
MIDDLE_ACCURACY = 0.75
# Steps and learning rate by network: as few steps as bring the test accuracy to its plateau.
SCHEDULES = {
    "linear": (600, 1e-2),
    "mlp": (400, 3e-3),
    "mlp_layernorm": (300, 1e-3),
    "cnn": (600, 1e-2),
    "cnn_batchnorm": (400, 1e-3),
    "transformer": (600, 3e-3),
}


def convert_digits(csv: Path, target: Path) -> None:
    """The gzipped table of 64 pixels and a label a line, as unsigned bytes, with the split into two parts."""
    with gzip.open(csv, "rt") as lines:
        table = np.loadtxt(lines, delimiter=",").astype(np.uint8)
    generator = torch.Generator().manual_seed(SEED)
    train_index, _ = stratified_split(torch.from_numpy(table[:, 64]).long(), TRAIN_SIZE, generator)
    np.savez_compressed(
        target, images=table[:, :64], labels=table[:, 64], train_index=train_index.numpy().astype(np.uint16)
    )


def train_stages(name: str, data: Digits, steps: int, learning_rate: float) -> dict[str, Snapshot]:
    """The network at its start, at the first step where the training accuracy reaches 0.75, and at the end.

    Its seed is the same for all networks. Where the accuracy is never reached, the last step is the middle.
    """
    generator = torch.Generator().manual_seed(SEED)
    model = build(name, generator)
    images, labels = data.train
    stages: dict[str, Snapshot] = {}
    for snapshot in train(model, images, labels, generator, steps, learning_rate):
        stages.setdefault("start", snapshot)
        if "middle" not in stages and (
            accuracy(model, images, labels) >= MIDDLE_ACCURACY or snapshot.step == steps
        ):
            stages["middle"] = snapshot
        stages["converged"] = snapshot
    return stages


def _half(tensors: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    # The largest entry of each tensor lands in [2^14, 2^15): the normal numbers of float16 reach 29 binary
    # orders of magnitude below it.
    largest = np.array([np.abs(tensor).max(initial=0) for tensor in tensors])
    exponents = np.where(largest > 0, np.frexp(largest)[1] - 15, 0)
    scales = np.ldexp(1.0, exponents).astype(np.float32)
    joined = np.concatenate([(t / s).ravel() for t, s in zip(tensors, scales, strict=True)])
    return joined.astype(np.float16), scales


def pack(name: str, data: Digits, stages: dict[str, Snapshot]) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint file."""
    model = build(name, torch.Generator())
    arrays: dict[str, np.ndarray] = {}
    described: dict[str, object] = {}
    for stage in STAGES:
        snapshot = stages[stage]
        for key, value in snapshot.weights.items():
            arrays[f"{stage}/weights/{key}"] = value.numpy()
        state = snapshot.optimizer_state
        if state.step:
            first = [value.numpy() for value in state.first_moment.values()]
            second = [value.sqrt().numpy() for value in state.second_moment.values()]
            for kind, tensors in (("first_moment", first), ("root_second_moment", second)):
                arrays[f"{stage}/{kind}"], arrays[f"{stage}/{kind}_scale"] = _half(tensors)
        model.load_state_dict(snapshot.weights)
        described[stage] = {
            "step": snapshot.step,
            "learning_rate": state.learning_rate,
            "train_accuracy": accuracy(model, *data.train),
            "test_accuracy": accuracy(model, *data.test),
        }
    arrays["meta"] = np.array(json.dumps({"network": name, "seed": SEED, "stages": described}))
    return arrays


def main() -> None:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description="Train the networks of the lens 'Ghosts of softmax'.")
    parser.add_argument("--csv", type=Path, help="digits.csv.gz to convert first")
    parser.add_argument("--output", type=Path, default=Path(str(ASSETS)), help="folder to write into")
    parser.add_argument("networks", nargs="*", metavar="network", help="default: all")
    arguments = parser.parse_args()
    # One thread: sums are then always taken in the same order.
    torch.set_num_threads(1)
    (arguments.output / "checkpoints").mkdir(parents=True, exist_ok=True)
    if arguments.csv:
        convert_digits(arguments.csv, arguments.output / "digits.npz")
    data = digits()
    for name in arguments.networks or ARCHITECTURES:
        arrays: dict[str, Any] = pack(name, data, train_stages(name, data, *SCHEDULES[name]))
        target = arguments.output / "checkpoints" / f"{name}.npz"
        np.savez_compressed(target, **arrays)
        print(target.name, target.stat().st_size, "bytes")
        for stage, entry in json.loads(str(arrays["meta"]))["stages"].items():
            print(f"  {stage:9} {entry}")


if __name__ == "__main__":
    main()
