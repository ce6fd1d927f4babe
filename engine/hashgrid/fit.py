"""An image fitted by a hash encoding and a small network: plain, turned, split, or split by hash alone."""

import math
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from .errors import InvalidGrid
from .fixed_points import FixedPoints
from .grid import HashGrid
from .images import as_image
from .levels import Convention, checked_count
from .rotations import cycle_angles, golden_angles
from .split import SplitHashGrid
from .utilisation import pixel_centres

FitMode = Literal["plain", "cycle", "golden", "split", "hash-only"]
FIT_MODES: tuple[str, ...] = get_args(FitMode)
# Above this many pixels a step takes a batch of them: the matrices of all would not stay small
_ALL_PIXELS = 1 << 16
_BATCH = 1 << 14


class FitStep(NamedTuple):
    """The state after so many updates.

    Attributes:
        step: updates made.
        psnr: decibels over the pixels that are trained on; in batches, over the batch.
        held_out_psnr: over the others, NaN where there are none or a step takes a batch.
        prediction: (H, W, C), or None where a step takes a batch; see `ImageFit.render`.
    """

    step: int
    psnr: float
    held_out_psnr: float
    prediction: Tensor | None


class ImageFit(nn.Module):
    """An encoding, one hidden layer and Adam, fitted to one image by mean squared error.

    The longer side of the image spans [0, 1], so pixels stay square. Modes are compared with the tables they have:
    plain, hash-only and an unturned split have the same number of parameters; turned dense levels need some more
    rows, so quote `parameter_count` beside the PSNR.

    Args:
        image: anything `as_image` takes.
        mode: plain; cycle or golden turn level against level; split turns `splits` pyramids of features/splits
            features; hash-only is the same split with other hashes and no turn.
        splits: angles of a cycle, pyramids of a split.
        hidden: width of the network's layer.
        learning_rate: of Adam, for tables and network alike.
        held_out: share of the pixels, drawn by the seed, that is not trained on.
        seed: of the tables, the network, the held-out pixels and the batches.

    Raises:
        InvalidGrid: on an image, mode or number that is not allowed, naming it.
    """

    def __init__(
        self,
        image: Tensor,
        mode: FitMode = "plain",
        *,
        splits: int = 4,
        levels: int = 10,
        features: int = 4,
        log2_table_size: int = 9,
        base_resolution: int = 8,
        growth: float = 1.5,
        convention: Convention = "paper",
        hidden: int = 32,
        learning_rate: float = 1e-2,
        held_out: float = 0.0,
        seed: int = 0,
        **more: Any,
    ) -> None:
        super().__init__()
        if not 0 <= held_out < 1 or not 0 < learning_rate < math.inf:
            name, value = (
                ("held_out", held_out) if not 0 <= held_out < 1 else ("learning_rate", learning_rate)
            )
            raise InvalidGrid(f"{name} is {value}: held_out in [0, 1) and learning_rate above 0 are needed")
        self.image = as_image(image)
        self.mode, self.step_count = mode, 0
        shape = (2, levels, features, log2_table_size, base_resolution, growth, convention)
        self.grid = _grid(mode, shape, splits, {"seed": seed, **more})
        self._generator = torch.Generator().manual_seed(seed)
        self.network = _network(
            levels * features, checked_count("hidden", hidden, 1, 1024), self.image.shape[2], self._generator
        )
        self.points = _points(self.image)
        self._trained = torch.rand(len(self.points), generator=self._generator) >= held_out
        if not bool(self._trained.any()):
            raise InvalidGrid(f"held_out is {held_out}: no pixel of {len(self.points)} is left to train on")
        self._all_trained = bool(self._trained.all())
        self._fixed = FixedPoints(self.grid, self.points) if len(self.points) <= _ALL_PIXELS else None
        self._optimizer = torch.optim.Adam(self.parameters(), lr=learning_rate, betas=(0.9, 0.99), eps=1e-15)

    @property
    def parameter_count(self) -> int:
        """Of the tables: the network's are the same for every mode."""
        return self.grid.parameter_count

    @property
    def gathers_per_point(self) -> int:
        return self.grid.gathers_per_point

    def step(self) -> FitStep:
        """One update; what it returns is the state before it, so that nothing is computed twice."""
        targets = self.image.reshape(len(self.points), -1)
        if self._fixed is None:
            pick = self._trained.nonzero()[:, 0]
            pick = pick[torch.randint(len(pick), (_BATCH,), generator=self._generator)]
            output = self.network(self.grid(self.points[pick].float()))
            errors, trained = (output - targets[pick]).square(), None
        else:
            output = self.network(self._fixed())
            errors, trained = (output - targets).square(), self._trained
        whole = trained is None or self._all_trained
        loss = errors.mean() if whole else errors[trained].mean()
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        self.step_count += 1
        rest = math.nan
        if trained is not None and not whole:
            rest = psnr(errors.detach()[~trained].mean().item())
        shown = None if trained is None else output.detach().reshape(self.image.shape)
        return FitStep(self.step_count - 1, psnr(loss.item()), rest, shown)

    @torch.no_grad()
    def render(self) -> Tensor:
        """(H, W, C) as the image is fitted now, not cut to [0, 1]."""
        if self._fixed is not None:
            return self.network(self._fixed()).reshape(self.image.shape)
        parts = [self.network(self.grid(part.float())) for part in self.points.split(_ALL_PIXELS)]
        return torch.cat(parts).reshape(self.image.shape)


def fit_image(image: Tensor, mode: FitMode = "plain", *, steps: int = 120, **more: Any) -> Iterator[FitStep]:
    """Fit an image, one `FitStep` after another: steps 0 (untrained) to `steps`.

    Arguments beyond these are those of `ImageFit`, which gives more hold: pause, render, count.

    >>> [state.step for state in fit_image(torch.rand(8, 8), steps=2, levels=3)]
    [0, 1, 2]
    """
    fit = ImageFit(image, mode, **more)
    for _ in range(checked_count("steps", steps, 0, 10**6) + 1):
        yield fit.step()


def psnr(mean_square: float) -> float:
    """Peak signal to noise in decibels, −10 log₁₀ of the mean squared error; infinite for none."""
    return -10 * math.log10(mean_square) if mean_square > 0 else math.inf


def _grid(mode: FitMode, shape: Any, splits: int, more: dict[str, Any]) -> HashGrid | SplitHashGrid:
    if mode == "plain":
        return HashGrid(*shape, **more)
    if mode in ("cycle", "golden"):
        angles = cycle_angles(shape[1], splits) if mode == "cycle" else golden_angles(shape[1])
        return HashGrid(*shape, rotation=angles, **more)
    if mode in ("split", "hash-only"):
        return SplitHashGrid(*shape, splits=splits, rotated=mode == "split", **more)
    raise InvalidGrid(f"mode is {mode!r}: one of {', '.join(FIT_MODES)} is needed")


def _network(inputs: int, hidden: int, outputs: int, generator: torch.Generator) -> nn.Sequential:
    """Drawn as torch draws linear layers, from a generator of our own."""
    network = nn.Sequential(
        nn.utils.skip_init(nn.Linear, inputs, hidden),
        nn.ReLU(),
        nn.utils.skip_init(nn.Linear, hidden, outputs),
    )
    for parameters, fan in zip(
        (network[0].parameters(), network[2].parameters()), (inputs, hidden), strict=True
    ):
        for parameter in parameters:
            nn.init.uniform_(parameter, -(fan**-0.5), fan**-0.5, generator=generator)
    return network


def _points(image: Tensor) -> Tensor:
    height, width = image.shape[:2]
    sides = torch.tensor([height, width], dtype=torch.float64)
    return pixel_centres(height, width) * (sides / sides.max())
