"""Sven's two regressions. Sven (2026), arXiv:2604.01279; data as in the authors' code of April 2026 (MIT)."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn

from .digits_mlp import perceptron
from .draws import (
    EpochBatches,
    dtype_of,
    hidden_matrices,
    initialised,
    require_integer,
    require_matrices,
    seeded,
)
from .problem import Problem


class _Regression(Problem):
    """Squared errors of a GELU network on standardised targets, train and validation."""

    def __init__(
        self,
        train: tuple[Tensor, Tensor],
        validation: tuple[Tensor, Tensor],
        hidden: Sequence[int],
        batch: int,
        matrices: str,
    ):
        self.inputs, raw = train
        self.validation_inputs, validation_raw = validation
        mean, deviation = self._scale(raw)
        self.targets = ((raw - mean) / deviation).float()
        self.validation_targets = ((validation_raw - mean) / deviation).float()
        self.inputs, self.validation_inputs = self.inputs.float(), self.validation_inputs.float()
        self.widths = (self.inputs.shape[1], *(require_integer("hidden", width, 1) for width in hidden), 1)
        self.matrices = require_matrices(matrices)
        self.batches = EpochBatches(len(raw), batch)
        self.batch = batch

    def _scale(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        return raw.mean(), raw.std()

    def model(self, seed: int, dtype: torch.dtype = torch.float32) -> nn.Module:
        """`nn.Sequential` of linear layers with GELU between, torch's default weights."""
        return initialised(lambda: perceptron(self.widths, nn.GELU), seed, dtype)

    def losses(self, model: nn.Module, step: int, seed: int) -> Tensor:
        """(batch,) squared errors."""
        chosen = self.batches.indices(step, seed)
        dtype = dtype_of(model)
        return (model(self.inputs[chosen].to(dtype))[:, 0] - self.targets[chosen].to(dtype)).square()

    @torch.no_grad()
    def report(self, model: nn.Module) -> dict[str, float]:
        """Mean squared errors over the training data ("loss") and the validation data ("validation")."""
        return {
            "loss": _mean_square(model, self.inputs, self.targets),
            "validation": _mean_square(model, self.validation_inputs, self.validation_targets),
        }

    def matrix_names(self, model: nn.Module) -> list[str]:
        """Weights between hidden layers, or of every layer."""
        return hidden_matrices(model, self.matrices)


class SvenToy(_Regression):
    """y = exp(−10x²) sin 2x for x uniform on (−1, 1), standardised; a GELU network 1-16-16-16-1, batch 32.

    Inputs and targets are those of the authors' `Toy1DRegressionDataset` for the same seed.

    Args:
        samples: of training, as many again of validation.
        hidden: widths between.
        batch: samples a step.
        data_seed: of the inputs; the default is the authors'.
        matrices: "hidden", or "all" for the weights of every layer.

    Raises:
        InvalidProblem: (a ValueError) naming what is out of range.
    """

    slug = "sven-toy"
    title = "Regression of a bump"
    source = "Sven, arXiv:2604.01279, toy regression"

    def __init__(
        self,
        samples: int = 10_000,
        hidden: Sequence[int] = (16, 16, 16),
        batch: int = 32,
        data_seed: int = 54631,
        matrices: str = "hidden",
    ):
        require_integer("samples", samples, 2)
        generator = seeded(data_seed)
        parts = []
        for _ in range(2):
            x = 2 * torch.rand(samples, 1, generator=generator) - 1
            parts.append((x, (torch.exp(-10 * x**2) * torch.sin(2 * x))[:, 0]))
        super().__init__(parts[0], parts[1], hidden, batch, matrices)


class SvenPolynomial(_Regression):
    """A "random polynomial" of six normal variables as the authors' code of April 2026 draws it; GELU network 6-16-16-16-1.

    That code *adds* the powers where a polynomial multiplies them: a term with exponents p is 1 + Σⱼ xⱼ^pⱼ, and its list
    of exponents leaves out the constant and every pure power xⱼ^d of total degree d, linear terms among them. What is
    left is c + Σⱼ (a₁ xⱼ + a₂ xⱼ² + a₃ xⱼ³): an additive cubic in disguise, of 185 coefficients but 19 features. Since
    September 2026 the authors keep it under the name `AdditiveCubicDataset` and multiply in a new class. The numbers
    published in the paper belong to the additive one, so it is what stands here, with their draws for the same seed.

    Args:
        degree: at most so many powers in a term, at least 2.
        variables: inputs, at least 2.
        samples, hidden, batch, data_seed, matrices: as in `SvenToy`; the default draw is the authors' as well.

    Raises:
        InvalidProblem: (a ValueError) naming what is out of range.
    """

    slug = "sven-polynomial"
    title = "Regression of a polynomial"
    source = "Sven, arXiv:2604.01279, polynomial regression, as coded"

    def __init__(
        self,
        degree: int = 4,
        variables: int = 6,
        samples: int = 10_000,
        hidden: Sequence[int] = (16, 16, 16),
        batch: int = 32,
        data_seed: int = 57728,
        matrices: str = "hidden",
    ):
        require_integer("samples", samples, 2)
        require_integer("degree", degree, 2)
        self.exponents = _exponents(degree, require_integer("variables", variables, 2))
        rng = np.random.default_rng(require_integer("data_seed", data_seed, 0))
        self.coefficients = torch.from_numpy(rng.normal(size=len(self.exponents)))
        parts = []
        for _ in range(2):
            x = torch.from_numpy(rng.normal(size=(samples, variables)))
            parts.append((x, self._target(x)))
        super().__init__(parts[0], parts[1], hidden, batch, matrices)

    def _target(self, x: Tensor) -> Tensor:
        # Σ_terms c (1 + Σⱼ xⱼ^pⱼ) gathered by power: Σⱼ Σ_k w[j, k] xⱼ^k, instead of 185 terms over 10 000 samples.
        powers = torch.arange(int(self.exponents.max()) + 1)
        chosen = (self.exponents[:, :, None] == powers).double()
        weights = torch.einsum("t,tjk->jk", self.coefficients, chosen)
        return self.coefficients.sum() + torch.einsum("jk,njk->n", weights, x[:, :, None] ** powers)

    def _scale(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        # NumPy's deviation, which divides by n.
        return raw.mean(), raw.std(correction=0)


def _exponents(degree: int, variables: int) -> Tensor:
    """(terms, variables) of the exponents below d that add up to d, for d = 0 … degree."""
    terms = [p for d in range(degree + 1) for p in product(range(d), repeat=variables) if sum(p) == d]
    return torch.tensor(terms)


def _mean_square(model: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    errors = model(inputs.to(dtype_of(model)))[:, 0].double() - targets.double()
    return errors.square().mean().item()
