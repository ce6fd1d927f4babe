"""What a training problem is: weights from a seed, batches from a step and a seed, a report."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn


class Problem(ABC):
    """A loss with its starting weights and its batches, all of them pure functions of integers.

    Every optimiser that is given the same seed starts at the same weights and meets the same batches, and a run can be
    taken up at any step. The global random state is neither read nor changed.
    """

    slug: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    """paper and section, or "ours" """
    batch: int | None = None
    """samples a step; None: all of them"""
    minimum: float | None = None
    """f* where it is known"""
    shown_divisor: float = 1.0
    """`loss` over this number stands beside `report()["loss"]`; other than 1 where the authors minimise a sum"""

    @property
    def stochastic(self) -> bool:
        """Whether two steps can see different data."""
        return self.batch is not None

    @abstractmethod
    def model(self, seed: int, dtype: torch.dtype = torch.float32) -> nn.Module:
        """A new model; equal weights for equal seeds, those of another dtype being the same numbers rounded."""

    @abstractmethod
    def losses(self, model: nn.Module, step: int, seed: int) -> Tensor:
        """The losses (B,) of the samples of step 1, 2, …, with graph; (1,) where the objective is no sum over samples."""

    def loss(self, model: nn.Module, step: int, seed: int) -> Tensor:
        """The scalar that is minimised: the mean of `losses` where nothing else is said."""
        return self.losses(model, step, seed).mean()

    @abstractmethod
    def report(self, model: nn.Module) -> dict[str, float]:
        """Numbers about the whole data, "loss" among them, without graph."""

    @abstractmethod
    def matrix_names(self, model: nn.Module) -> list[str]:
        """Names of the parameters that optimisers of matrices take; the rest is left to AdamW."""
