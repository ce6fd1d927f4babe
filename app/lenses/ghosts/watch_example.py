"""Records the example of the view "your training": `python -m anisoscope.app.lenses.ghosts.watch_example`.

The MLP of the lens, 240 steps of Adam at 10⁻², batches of 64; from step 60 to 140 the rate is 1000 times as large.
`RadiusClip` caps every step at r = 1, with the radius of all 1438 training samples.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from anisoscope.engine.digits import build
from anisoscope.engine.ghosts import RadiusClip, RadiusRecorder

from .checkpoints import ASSETS, digits

SEED, STEPS, BATCH = 7, 240, 64
RATE, FACTOR, SPIKE = 1e-2, 1000.0, range(60, 140)


def record(path: Path) -> None:
    """Trains and records; an older file is replaced."""
    generator = torch.Generator().manual_seed(SEED)
    model = build("mlp", generator)
    images, labels = digits().train
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    clip = RadiusClip(model, optimizer, samples=images)
    with RadiusRecorder(path, clip, mode="w") as recorder:
        for step in range(STEPS):
            if step in (SPIKE.start, SPIKE.stop):
                factor = FACTOR if step in SPIKE else 1.0
                optimizer.param_groups[0]["lr"] = RATE * factor
                recorder.note(f"learning rate {RATE * factor:g}")
            chosen = torch.randperm(len(images), generator=generator)[:BATCH]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images[chosen]), labels[chosen])
            loss.backward()
            recorder.loss(loss)
            clip.step()


def main() -> None:
    """Command line of the script."""
    # One thread: sums are then always taken in the same order.
    torch.set_num_threads(1)
    target = Path(str(ASSETS)) / "example.radius"
    record(target)
    print(target.name, target.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
