"""Handwritten digits and a plain multilayer perceptron."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from .draws import (
    EpochBatches,
    dtype_of,
    hidden_matrices,
    initialised,
    require_integer,
    require_matrices,
)
from .errors import InvalidProblem
from .problem import Problem


class DigitsMLP(Problem):
    """Cross-entropy of a ReLU network on images of digits, in batches from a new permutation each epoch.

    Weights are torch's default for `nn.Linear`, as after `torch.manual_seed(seed)`. Matrices for the optimisers are the
    hidden weights, without the first and the last layer: Muon's practice (Jordan et al., 2024), who leave both to AdamW.

    Args:
        images: (n, pixels) in [0, 1].
        labels: (n,) integers from 0 to widths[-1] − 1.
        widths: of all layers, from pixels to classes.
        batch: samples a step, at most n.
        matrices: "hidden", or "all" for the weights of every layer.

    Raises:
        InvalidProblem: (a ValueError) naming what does not fit.
    """

    slug = "digits-mlp"
    title = "Digits, multilayer perceptron"
    source = "ours"

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        widths: Sequence[int] = (64, 96, 96, 10),
        batch: int = 128,
        matrices: str = "hidden",
    ):
        self.images = torch.as_tensor(images, dtype=torch.float32)
        self.labels = torch.as_tensor(labels).long()
        self.widths = tuple(require_integer("widths", width, 1) for width in widths)
        self.matrices = require_matrices(matrices)
        self._check()
        self.batches = EpochBatches(len(self.images), batch)
        self.batch = batch

    def _check(self) -> None:
        images, labels, widths = self.images, self.labels, self.widths
        if len(widths) < 2:
            raise InvalidProblem(f"widths is {widths}: at least pixels and classes are needed")
        if images.ndim != 2 or images.shape[1] != widths[0]:
            raise InvalidProblem(f"images has shape {tuple(images.shape)}: (n, {widths[0]}) is needed")
        if not bool(((images >= 0) & (images <= 1)).all()):
            raise InvalidProblem("images has values outside [0, 1] or NaN: pixels in [0, 1] are needed")
        if labels.shape != images.shape[:1]:
            raise InvalidProblem(f"labels has shape {tuple(labels.shape)}: ({len(images)},) is needed")
        if labels.numel() and (int(labels.min()) < 0 or int(labels.max()) >= widths[-1]):
            raise InvalidProblem(
                f"labels lie in [{int(labels.min())}, {int(labels.max())}]: 0 to {widths[-1] - 1} are needed"
            )

    def model(self, seed: int, dtype: torch.dtype = torch.float32) -> nn.Module:
        """`nn.Sequential` of linear layers with ReLU between."""
        return initialised(lambda: perceptron(self.widths, nn.ReLU), seed, dtype).to(self.images.device)

    def losses(self, model: nn.Module, step: int, seed: int) -> Tensor:
        """(batch,) cross-entropies."""
        chosen = self.batches.indices(step, seed).to(self.images.device)
        logits = model(self.images[chosen].to(dtype_of(model)))
        return functional.cross_entropy(logits, self.labels[chosen], reduction="none")

    @torch.no_grad()
    def report(self, model: nn.Module) -> dict[str, float]:
        """Mean cross-entropy ("loss") and share of right answers ("accuracy") over all images."""
        logits = model(self.images.to(dtype_of(model))).double()
        right = (logits.argmax(dim=-1) == self.labels).double().mean()
        return {"loss": functional.cross_entropy(logits, self.labels).item(), "accuracy": right.item()}

    def matrix_names(self, model: nn.Module) -> list[str]:
        """Weights of the hidden layers, or of all."""
        return hidden_matrices(model, self.matrices)


def perceptron(widths: Sequence[int], activation: type[nn.Module]) -> nn.Module:
    """Linear layers of the given widths with the activation between them."""
    layers: list[nn.Module] = []
    for inner, outer in pairwise(widths):
        layers += [nn.Linear(inner, outer), activation()]
    return nn.Sequential(*layers[:-1])
