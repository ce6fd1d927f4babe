"""Fits of this process: one image fitted four ways, kept while it may be looked at again."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from anisoscope.engine.alone import alone
from anisoscope.engine.hashgrid import ImageFit, InvalidGrid

from ...errors import RequestError
from ...request import Request
from . import images
from .scales import WAYS

KEPT = 4
"""Image fits that a process keeps, those not looked at the longest go first; one that ended holds pictures only."""

BASE = 8
"""Coarsest resolution: some sixteen pixels a cell."""

SETTINGS = (
    "picture", "image", "fit_steps", "fit_log2_table", "fit_levels", "fit_features", "fit_growth", "fit_turn",
    "splits", "held_out", "seed", "fit_take",
)  # fmt: skip
"""Parameters that a fit depends on."""

HIGHEST = 150.0
"""Decibels that stand for no error at all: float32 tells no less apart."""


class Turn(NamedTuple):
    """What all four have come to: their step, −1 before the first, and the picture (H, W, C) that each makes there."""

    head: int
    pictures: tuple[Tensor, ...]


class Fits:
    """Four fits of one image, a step of each in turn.

    Attributes:
        target: what is fitted.
        steps: the last step; step 0 is untrained.
        turn: the last whole one, to be taken once for a frame: another thread may fit on meanwhile.
        psnr, held_out: (4, steps + 1) decibels, NaN where nothing is held out; whole up to the step of `turn`.
        parameters, gathers: of each way's tables; gathers are rows read for one point.
    """

    def __init__(self, request: Request) -> None:
        self.target = images.target(request["picture"], request["image"])
        self.steps = int(request["fit_steps"])
        self.psnr = np.full((len(WAYS), self.steps + 1), np.nan)
        self.held_out = self.psnr.copy()
        self.turn = Turn(-1, (torch.ones_like(self.target.values),) * len(WAYS))
        self._pictures: list[Tensor] = []
        self.parameters, self.gathers = [0] * len(WAYS), [0] * len(WAYS)
        self.seconds, self._turns = 0.0, 0
        self._request = request
        self._fits: list[ImageFit] = []

    @property
    def head(self) -> int:
        return self.turn.head

    @property
    def done(self) -> bool:
        return self.head >= self.steps

    @property
    def milliseconds(self) -> float:
        """Of one step of one way, in the mean."""
        return 1e3 * self.seconds / max(1, self._turns)

    def advance(self, seconds: float) -> None:
        """Steps for so long, alone; building the four encodings comes first, one between two looks at the clock.

        Raises:
            RequestError: the engine does not take the settings.
        """
        end = time.perf_counter() + seconds
        with alone():
            while not self.done and time.perf_counter() < end:
                if len(self._fits) < len(WAYS):
                    self._build(len(self._fits))
                else:
                    self._step()
            if self.done:
                self._fits = []

    def _build(self, k: int) -> None:
        asked = self._request
        try:
            fit = ImageFit(
                self.target.values,
                ("plain", asked["fit_turn"], "split", "hash-only")[k],
                splits=asked["splits"],
                levels=asked["fit_levels"],
                features=asked["fit_features"],
                log2_table_size=asked["fit_log2_table"],
                base_resolution=BASE,
                growth=asked["fit_growth"],
                held_out=asked["held_out"],
                seed=asked["seed"],
            )
        except InvalidGrid as error:
            raise RequestError("fit_levels", asked["fit_levels"], str(error)) from error
        self._fits.append(fit)
        self.parameters[k], self.gathers[k] = fit.parameter_count, fit.gathers_per_point

    def _step(self) -> None:
        began, k = time.perf_counter(), self._turns % len(WAYS)
        state = self._fits[k].step()
        self.psnr[k, state.step] = min(state.psnr, HIGHEST)
        self.held_out[k, state.step] = min(state.held_out_psnr, HIGHEST)
        # of an image that is small enough for a live fit, the engine always gives all pixels
        assert state.prediction is not None
        self._pictures.append(state.prediction)
        self._turns += 1
        self.seconds += time.perf_counter() - began
        if len(self._pictures) == len(WAYS):
            self.turn, self._pictures = Turn(state.step, tuple(self._pictures)), []


def fits_of(request: Request) -> Fits:
    """The fits that are asked for, as far as they have come.

    Raises:
        RequestError: the splits do not divide the features, the finest grid is too fine, or as `images.target`.
    """
    _checked(request)
    key = tuple(request[name] for name in SETTINGS)
    with alone():
        if key not in _kept:
            _kept[key] = Fits(request)
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return _kept[key]


def _checked(request: Request) -> None:
    splits, features = request["splits"], request["fit_features"]
    if features % splits:
        nearest = max(n for n in range(1, splits) if features % n == 0)
        allowed = f"must divide the features F = {features}: each pyramid has F / M of them"
        raise RequestError("splits", splits, allowed, nearest)
    levels, growth = request["fit_levels"], request["fit_growth"]
    if BASE * growth ** (levels - 1) > 1e6:
        most = math.floor(100 * (1e6 / BASE) ** (1 / (levels - 1))) / 100
        finest = f"{BASE * growth ** (levels - 1):.1e}"
        raise RequestError("fit_growth", growth, f"makes a finest grid of {finest} cells, at most 10⁶", most)


_kept: OrderedDict[tuple[object, ...], Fits] = OrderedDict()
