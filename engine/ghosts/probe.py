"""A look at a network that leaves no trace: modes, buffers and random numbers are as they were afterwards."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..onlookers import looks_on


class Parts(NamedTuple):
    """What a network is made of.

    modules: each once. tensors: their parameters, then their buffers, tied ones repeatedly. weights: how many of
    the tensors are parameters.
    """

    modules: list[nn.Module]
    tensors: list[Tensor]
    weights: int


def parts_of(model: nn.Module) -> Parts:
    """What `model.modules()`, `parameters()` and `buffers()` give, without names: this runs in training loops."""
    modules, found = [model], {id(model)}
    weights: list[Tensor | None] = []
    buffers: list[Tensor | None] = []
    for module in modules:
        if module._modules:
            for child in module._modules.values():
                if child is not None and id(child) not in found:
                    found.add(id(child))
                    modules.append(child)
        if module._parameters:
            weights += module._parameters.values()
        if module._buffers:
            buffers += module._buffers.values()
    kept = [tensor for tensor in weights if tensor is not None]
    count = len(kept)
    kept += [tensor for tensor in buffers if tensor is not None]
    return Parts(modules, kept, count)


def untouched(model: nn.Module, parts: Parts | None = None) -> AbstractContextManager[None]:
    """Evaluation mode for every module inside; each one's own mode, all buffers and the RNG come back.

    Evaluation mode is the choice for batch normalisation too: running statistics make the samples
    independent of each other, which a radius for each sample needs. The loss in training mode, with batch
    statistics, is another. The parts of the model are looked up where they are not given.
    """
    return _Untouched(parts or parts_of(model))


@contextmanager
def preserved_modes(model: nn.Module) -> Iterator[None]:
    """Each module has its own mode back at the end: a frozen part may be in another than the rest."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def preserved_buffers(model: nn.Module) -> AbstractContextManager[None]:
    """Buffers and random number generators have their values back at the end; autocast is off inside."""
    return _Kept(parts_of(model))


class _Kept(AbstractContextManager[None]):
    """Buffers and states of the generators as they are now; autocast is off until they are put back.

    Does what `torch.random.fork_rng` does, at a third of its time: this runs in training loops.
    """

    def __init__(self, parts: Parts):
        self._parts = parts

    def __enter__(self) -> None:
        tensors, weights = self._parts.tensors, self._parts.weights
        self._buffers = [(t, t.detach().clone()) for t in tensors[weights:]]
        generators = [] if looks_on() else [torch.default_generator]
        # Where nothing is on a device, nothing draws there.
        if generators and torch.cuda.is_initialized():
            places = {tensor.get_device() for tensor in tensors if tensor.is_cuda}
            generators += [torch.cuda.default_generators[index] for index in places]
        self._states = [(generator, generator.get_state()) for generator in generators]
        # A radius in bfloat16 is noise: whoever trains under autocast is probed outside it.
        self._pauses = [torch.autocast(kind, enabled=False) for kind in autocast_kinds(tensors)]
        for pause in self._pauses:
            pause.__enter__()

    def __exit__(self, *_: object) -> None:
        for pause in self._pauses:
            pause.__exit__(None, None, None)
        for generator, state in self._states:
            generator.set_state(state)
        if self._buffers:
            with torch.no_grad():
                for buffer, value in self._buffers:
                    buffer.copy_(value)


class _Untouched(_Kept):
    """Evaluation mode besides."""

    def __enter__(self) -> None:
        super().__enter__()
        # Not model.eval(): user classes override it.
        self._training = [module for module in self._parts.modules if module.training]
        try:
            _set_modes(self._training, False)
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        _set_modes(self._training, True)
        super().__exit__()


def autocast_kinds(tensors: Iterable[Tensor]) -> list[str]:
    """The kinds of device, of the processor and of these tensors, that autocast is on for."""
    # Cheap, and nearly always all there is to do.
    if not torch._C._is_any_autocast_enabled():
        return []
    kinds = {tensor.device.type for tensor in tensors} | {"cpu"}
    return [k for k in kinds if torch.amp.is_autocast_available(k) and torch.is_autocast_enabled(k)]


def _set_modes(modules: list[nn.Module], training: bool) -> None:
    for module in modules:
        # Past the search for parameters in `nn.Module.__setattr__`, which a flag does not need.
        plain = type(module).__setattr__ is nn.Module.__setattr__
        (object.__setattr__ if plain else setattr)(module, "training", training)


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
