"""Which matrices of a model are watched, and how a tensor of a parameter becomes one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .errors import InvalidRecorder

Select = Callable[[str, nn.Parameter], bool]


@dataclass(frozen=True)
class Layer:
    """One parameter seen as a matrix: outputs as rows, everything else as columns, as Muon sees it.

    kept: columns looked at, spread evenly; fewer than `columns` when the matrix is too large.
    """

    name: str
    parameter: nn.Parameter
    optimizer: int
    rows: int
    columns: int
    kept: int

    @property
    def values(self) -> int:
        """Number of singular values."""
        return min(self.rows, self.kept)

    def matrix(self, tensor: Tensor) -> Tensor:
        """A copy (rows, kept) that later changes of the tensor leave alone; sharded tensors are gathered."""
        gather = getattr(tensor, "full_tensor", None)
        full = (gather() if gather else tensor).detach().reshape(self.rows, self.columns)
        if self.kept == self.columns:
            return full.clone()
        step = torch.arange(self.kept, device=full.device)
        return full.index_select(1, step * self.columns // self.kept)


def kept_columns(rows: int, columns: int, limit: int) -> int:
    """Columns to look at, so that min(rows, kept) ≤ limit and rows · kept ≤ 4 limit².

    Rows are never left out: a matrix with too many of them keeps fewer columns.
    """
    kept = columns if min(rows, columns) <= limit else limit
    return min(kept, max(1, 4 * limit * limit // rows))


def watched_layers(
    model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], limit: int, select: Select | None
) -> list[Layer]:
    """Parameters of two or more dimensions that one of the optimizers moves, in the order of the model.

    Raises:
        InvalidRecorder: when there is no matrix or no optimizer, or an optimizer moves none of the model's
            parameters.
    """
    if not optimizers:
        raise InvalidRecorder("optimizer is an empty list: there is no optimizer to watch")
    owner = {
        id(p): index
        for index, opt in enumerate(optimizers)
        for group in opt.param_groups
        for p in group["params"]
    }
    watched = [(name, p) for name, p in model.named_parameters() if id(p) in owner]
    names = _plain([name for name, _ in watched])
    named = [(name, p) for name, (_, p) in zip(names, watched, strict=True)]
    strangers = set(range(len(optimizers))) - {owner[id(p)] for _, p in named}
    if strangers:
        first = min(strangers)
        raise InvalidRecorder(
            f"optimizer {first}, {type(optimizers[first]).__name__}, moves no parameter of the model"
        )
    layers = []
    for name, p in named:
        if p.ndim < 2 or not p.is_floating_point() or 0 in p.shape or (select and not select(name, p)):
            continue
        rows, columns = p.shape[0], p.numel() // p.shape[0]
        layers.append(Layer(name, p, owner[id(p)], rows, columns, kept_columns(rows, columns, limit)))
    if not layers:
        raise InvalidRecorder("no matrix to record: select and the optimizers leave none of the model's")
    return layers


def layer_fields(layer: Layer, optimizers: Sequence[torch.optim.Optimizer]) -> dict[str, Any]:
    """What a file's header says of a layer."""
    return {
        "name": layer.name,
        "shape": list(layer.parameter.shape),
        "rows": layer.rows,
        "columns": layer.columns,
        "kept_columns": layer.kept,
        "values": layer.values,
        "dtype": str(layer.parameter.dtype).removeprefix("torch."),
        "optimizer": type(optimizers[layer.optimizer]).__name__,
    }


def momentum_of(optimizer: torch.optim.Optimizer, parameter: nn.Parameter) -> Tensor | None:
    """First-moment buffer as torch's optimizers name it, and most others with them."""
    # .get: indexing the state would create an entry
    state = optimizer.state.get(parameter, {})
    for key in ("momentum_buffer", "exp_avg"):
        buffer = state.get(key)
        if isinstance(buffer, Tensor) and buffer.shape == parameter.shape:
            return buffer
    return None


def learning_rates(optimizer: torch.optim.Optimizer) -> dict[int, float]:
    """Learning rate by identity of the parameter; 1 for an optimizer that knows none."""
    return {id(p): float(group.get("lr", 1.0)) for group in optimizer.param_groups for p in group["params"]}


def _plain(names: list[str]) -> list[str]:
    """The parameters' names without what wrappers put in front; as they are where two would then be one."""
    plain = [name.replace("_orig_mod.", "").removeprefix("module.") for name in names]
    return plain if len(set(plain)) == len(plain) else names
