"""Random draws from private generators: the global random state is neither read nor changed."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from .errors import InvalidProblem


def require_integer(name: str, value: int, least: int) -> int:
    """The value, or an InvalidProblem that names it."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InvalidProblem(f"{name} is {value!r}: an integer of at least {least} is needed")
    return int(value)


def seeded(seed: int) -> torch.Generator:
    """The generator that `torch.manual_seed(seed)` would make of the global one."""
    return torch.Generator().manual_seed(require_integer("seed", seed, 0) % 2**63)


def mixed(*key: int) -> torch.Generator:
    """A generator for a tuple of integers of at least 0; tuples that differ give unrelated draws."""
    state = np.random.SeedSequence(key).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


class EpochBatches:
    """Each epoch a new permutation of the samples, cut into whole batches; the few left over sit that epoch out.

    Args:
        samples: how many there are.
        batch: samples a step, at most `samples`.
    """

    def __init__(self, samples: int, batch: int):
        self.samples = samples
        self.batch = require_integer("batch", batch, 1)
        if batch > samples:
            raise InvalidProblem(f"batch is {batch}: at most the number of samples, {samples}, is needed")
        self.steps_per_epoch = samples // batch
        self._last: tuple[tuple[int, int], Tensor] | None = None

    def indices(self, step: int, seed: int) -> Tensor:
        """(batch,) indices of step 1, 2, …: a pure function of both arguments; the last epoch drawn is kept."""
        require_integer("step", step, 1)
        epoch, within = divmod(step - 1, self.steps_per_epoch)
        key = (require_integer("seed", seed, 0), epoch)
        kept = self._last
        if kept is None or kept[0] != key:
            kept = (key, torch.randperm(self.samples, generator=mixed(*key)))
            self._last = kept
        return kept[1][within * self.batch : (within + 1) * self.batch]


def initialised(build: Callable[[], nn.Module], seed: int, dtype: torch.dtype) -> nn.Module:
    """The module with torch's default weights of `nn.Linear`, as after `torch.manual_seed(seed)`; embeddings N(0, 0.02²).

    Drawn in float32 and then cast, so that a run in float64 starts where that in float32 does.
    """
    if not dtype.is_floating_point:
        raise InvalidProblem(f"dtype is {dtype}: a floating-point type is needed")
    generator = seeded(seed)
    with torch.device("meta"):
        module = build()
    module = module.to(torch.float32).to_empty(device="cpu")
    with torch.no_grad():
        for part in module.modules():
            _reset(part, generator)
    return module.to(dtype)


def _reset(part: nn.Module, generator: torch.Generator) -> None:
    if isinstance(part, nn.Linear):
        nn.init.kaiming_uniform_(part.weight, a=math.sqrt(5), generator=generator)
        if part.bias is not None:
            bound = 1 / math.sqrt(part.in_features)
            nn.init.uniform_(part.bias, -bound, bound, generator=generator)
    elif isinstance(part, nn.Embedding):
        nn.init.normal_(part.weight, std=0.02, generator=generator)
    elif isinstance(part, nn.LayerNorm):
        part.reset_parameters()
    elif next(part.parameters(recurse=False), None) is not None:
        raise InvalidProblem(
            f"build makes a {type(part).__name__}: linear, embedding and norm layers have rules"
        )


def dtype_of(model: nn.Module) -> torch.dtype:
    """The type of the first parameter, in which the data are handed to the model."""
    return next(model.parameters()).dtype


def hidden_matrices(model: nn.Module, which: str) -> list[str]:
    """Names of the linear weights: without the first and the last ("hidden", Muon's practice), or of "all"."""
    names = [f"{name}.weight" for name, part in model.named_modules() if isinstance(part, nn.Linear)]
    return names if which == "all" else names[1:-1]


def require_matrices(which: str) -> str:
    """The option `matrices`, or an InvalidProblem that names it."""
    if which not in ("hidden", "all"):
        raise InvalidProblem(f"matrices is {which!r}: 'hidden' or 'all' is needed")
    return which
