"""Sweeps the shipped networks along six directions: `python -m anisoscope.app.lenses.ghosts.sweep_tables`.

Writes `assets/ghosts/sweep.npz`; on one machine a second run writes the same bytes. Two minutes on one core, nearly all of
it forward passes of the convolutional networks and the transformer (30 to 45 ms for the 1438 samples, in float64).

Beside the six networks, converged, at T = 1, two answers to the collapse over temperatures: the same networks at other T
along −∇ of the loss at that T, and the recipe of Sao (2026, arXiv:2603.13552, fig. 9): an MLP 64-128-128-10 with GELU
trained for 120 steps of Adam at rate 0.01 at each T. The batch is the whole training set: the paper does not say.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from anisoscope.engine.digits import step_direction, train
from anisoscope.engine.ghosts import SmallestRadii, StepSweep, logit_jvp, onset, smallest_radii, step_sweep

from .checkpoints import ASSETS, digits, load
from .sweep_shipped import DIRECTIONS, NETWORKS, RATIOS, TEMPERATURES, TRAINED_SEEDS

DOUBLED = 2.0
TRAINED_STEPS, TRAINED_RATE = 120, 1e-2


class Tempered(nn.Module):
    """A network whose logits are divided by T: its loss, gradient and radii are those at T."""

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network, self.temperature = network, temperature

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 64) to (batch, 10)."""
        return self.network(images) / self.temperature


class Curve(NamedTuple):
    """What is kept of one network and direction."""

    radii: SmallestRadii
    steps: Tensor
    sweep: StepSweep
    start: StepSweep

    @property
    def kept(self) -> Tensor:
        return self.sweep.accuracy / self.start.accuracy

    @property
    def loss(self) -> Tensor:
        return self.sweep.loss / self.start.loss

    @property
    def onset(self) -> float:
        return onset(self.steps, self.kept)

    @property
    def doubling(self) -> float:
        return onset(self.steps, -self.loss, -DOUBLED)


def swept(model: nn.Module, kind: str, seed: int) -> Curve:
    """One network along one direction, all training samples."""
    images, labels = digits().train
    images = images.double()
    model = model.double().eval()
    generator = torch.Generator().manual_seed(seed)
    direction = step_direction(model, images, labels, kind, generator=generator)
    z, a, _ = logit_jvp(model, images, direction)
    radii = smallest_radii(z, a)
    steps = radii.bound * torch.from_numpy(RATIOS)
    found = step_sweep(model, images, labels, direction, torch.cat((torch.zeros(1), steps)), start=z)
    start = StepSweep(*(row[:1] for row in found))
    return Curve(radii, steps, StepSweep(*(row[1:] for row in found)), start)


def trained_at(temperature: float, seed: int) -> nn.Module:
    """The paper's MLP, trained on the loss at T."""
    torch.manual_seed(seed)
    layers = (nn.Linear(64, 128), nn.GELU(), nn.Linear(128, 128), nn.GELU(), nn.Linear(128, 10))
    model = Tempered(nn.Sequential(*layers), temperature)
    images, labels = digits().train
    generator = torch.Generator().manual_seed(seed)
    for _ in train(
        model,
        images,
        labels,
        generator,
        TRAINED_STEPS,
        TRAINED_RATE,
        batch_size=len(labels),
        every=TRAINED_STEPS,
    ):
        continue
    return model


def architectures() -> dict[str, np.ndarray]:
    """The six networks at T = 1."""
    rows = [[swept(load(name, "converged").model, *at) for at in DIRECTIONS] for name in NETWORKS]

    def table(of: str) -> np.ndarray:
        return np.array([[getattr(curve, of).numpy() for curve in row] for row in rows], np.float32)

    return {
        "kept": table("kept"),
        "loss": table("loss"),
        "flipped": np.array([[curve.sweep.flipped.numpy() for curve in row] for row in rows], np.float32),
        "radii": np.array([[tuple(curve.radii) for curve in row] for row in rows]),
        "onset": np.array([[curve.onset for curve in row] for row in rows]),
    }


def temperatures() -> dict[str, np.ndarray]:
    """The six networks, and those trained for the purpose, along −∇ of the loss at each T."""
    tempered = [
        [swept(Tempered(load(name, "converged").model, t), "-gradient", 0) for t in TEMPERATURES]
        for name in NETWORKS
    ]
    trained = [
        [swept(trained_at(t, seed), "-gradient", 0) for t in TEMPERATURES] for seed in range(TRAINED_SEEDS)
    ]
    return {
        "tempered_onset": np.array([[curve.onset for curve in row] for row in tempered]),
        "tempered_bound": np.array([[curve.radii.bound for curve in row] for row in tempered]),
        "trained_onset": np.array([[curve.onset for curve in row] for row in trained]),
        "trained_double": np.array([[curve.doubling for curve in row] for row in trained]),
        "trained_bound": np.array([[curve.radii.bound for curve in row] for row in trained]),
    }


def main() -> None:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description="Write the sweeps of the lens 'Ghosts of softmax'.")
    parser.add_argument("--output", type=Path, default=Path(str(ASSETS)) / "sweep.npz", help="file to write")
    arguments = parser.parse_args()
    # One thread: sums are then always taken in the same order.
    torch.set_num_threads(1)
    np.savez_compressed(arguments.output, **architectures(), **temperatures())  # pyright: ignore[reportArgumentType]
    print(arguments.output.name, arguments.output.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
