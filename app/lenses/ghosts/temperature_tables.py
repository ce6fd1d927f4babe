"""Sweeps networks trained at six temperatures: `python -m anisoscope.app.lenses.ghosts.temperature_tables`.

Writes `temperature.npz` into the lens's assets: the curves behind the onsets that `sweep.npz` keeps, of the recipe of Sao
(2026, arXiv:2603.13552, fig. 9) as `sweep_tables.py` reads it. On one machine a second run writes the same bytes; half a
minute on one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from .checkpoints import ASSETS
from .sweep_shipped import TEMPERATURES, TRAINED_SEEDS
from .sweep_tables import swept, trained_at


def main() -> None:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description="Write the curves over temperatures of 'Ghosts of softmax'.")
    output = Path(str(ASSETS)) / "temperature.npz"
    parser.add_argument("--output", type=Path, default=output, help="file to write")
    arguments = parser.parse_args()
    # One thread: sums are then always taken in the same order.
    torch.set_num_threads(1)
    rows = [
        [swept(trained_at(t, seed), "-gradient", 0) for t in TEMPERATURES] for seed in range(TRAINED_SEEDS)
    ]
    kept = np.array([[curve.kept.numpy() for curve in row] for row in rows], np.float32)
    radii = np.array([[tuple(curve.radii) for curve in row] for row in rows])
    np.savez_compressed(arguments.output, kept=kept, radii=radii)
    print(arguments.output.name, arguments.output.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
