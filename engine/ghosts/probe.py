"""A look at a network that leaves no trace: modes, buffers and random numbers are as they were afterwards."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Evaluation mode for every module inside; each one's own mode, all buffers and the RNG come back.

    Evaluation mode is the choice for batch normalisation too: running statistics make the samples
    independent of each other, which a radius for each sample needs. The loss in training mode, with batch
    statistics, is another.
    """
    # Not model.eval(): user classes override it.
    training = [module for module in _modules(model) if module.training]
    with preserved_buffers(model):
        try:
            _set_modes(training, False)
            yield
        finally:
            _set_modes(training, True)


@contextmanager
def preserved_modes(model: nn.Module) -> Iterator[None]:
    """Each module has its own mode back at the end: a frozen part may be in another than the rest."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def preserved_buffers(model: nn.Module) -> Iterator[None]:
    """Buffers and random number generators have their values back at the end."""
    modules = _modules(model)
    buffers = [b for module in modules for b in module._buffers.values() if b is not None]
    tensors = [p for module in modules for p in module._parameters.values() if p is not None] + buffers
    saved = [(buffer, buffer.detach().clone()) for buffer in buffers]
    kinds = {tensor.device.type for tensor in tensors} | {"cpu"}
    cuda = sorted({tensor.get_device() for tensor in tensors if tensor.is_cuda}) if "cuda" in kinds else []
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=cuda))
        for kind in kinds:
            # A radius in bfloat16 is noise: whoever trains under autocast is probed outside it.
            if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, value in saved:
                    buffer.copy_(value)


def _set_modes(modules: list[nn.Module], training: bool) -> None:
    for module in modules:
        # Past the search for parameters in `nn.Module.__setattr__`, which a flag does not need.
        plain = type(module).__setattr__ is nn.Module.__setattr__
        (object.__setattr__ if plain else setattr)(module, "training", training)


def _modules(model: nn.Module) -> list[nn.Module]:
    """All modules, each once. What `model.modules()` gives, without its names: this runs in training loops."""
    found, waiting = {id(model): model}, [model]
    while waiting:
        for child in waiting.pop()._modules.values():
            if child is not None and id(child) not in found:
                found[id(child)] = child
                waiting.append(child)
    return list(found.values())


def cast_floats(value: Any, dtype: torch.dtype | None) -> Any:
    """Floating tensors in nested tuples, lists and dictionaries, cast; None lifts half to float32."""
    if isinstance(value, Tensor):
        if not value.is_floating_point():
            return value
        if dtype is not None:
            return value.to(dtype)
        return value.float() if value.dtype in (torch.float16, torch.bfloat16) else value
    if isinstance(value, dict):
        return {key: cast_floats(item, dtype) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(cast_floats(item, dtype) for item in value))
    if isinstance(value, (tuple, list)):
        return type(value)(cast_floats(item, dtype) for item in value)
    return value
