"""Logits of the true network at complex steps: its forward pass, with every function continued off the real line."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._pytree import tree_leaves

from .continuation import CONTINUED, HOLOMORPHIC, POWERS, QUOTIENTS
from .denominators import DENOMINATORS
from .errors import InvalidDirection, InvalidModelOutput, NoContinuation
from .jvp import as_arguments, cast_parameters, checked_direction
from .probe import cast_floats, untouched

PRODUCTS: dict[Any, Callable[..., Tensor]] = {F.linear: F.linear, F.conv1d: F.conv1d, F.conv2d: F.conv2d}
_WITH_WEIGHTS = {F.layer_norm, F.batch_norm}
_BINARY = {
    *(Tensor.add, Tensor.__add__, Tensor.__radd__, torch.add),
    *(Tensor.sub, Tensor.__sub__, Tensor.__rsub__, torch.sub),
    *(Tensor.mul, Tensor.__mul__, Tensor.__rmul__, torch.mul, Tensor.__matmul__, torch.matmul),
}
METADATA = {
    *(Tensor.size, Tensor.dim, Tensor.numel, Tensor.is_complex, Tensor.is_floating_point, Tensor.__len__),
    *(
        getattr(Tensor, name).__get__
        for name in ("shape", "ndim", "dtype", "device", "is_cuda", "requires_grad", "is_nested")
    ),
}


def complex_logits(model: nn.Module, inputs: object, direction: Mapping[str, Tensor], t: Tensor) -> Tensor:
    """z(θ0 + t v) of the true network at complex t, one step for each sample.

    The forward pass of the model runs as it is written; every function it calls is replaced by its
    continuation (`continuation.CONTINUED`), and products with weights by W x + t (V x), so that a batch of
    steps costs about four forward passes of as many samples. Evaluation mode, in complex128; modes, buffers
    and random numbers of the model are as before afterwards (ours).

    Args:
        model: as for `logit_jvp`. Its functions must be analytic: no ReLU, no maximum.
        inputs: (batch, ...) tensors, the first dimension is that of t.
        direction: parameter name -> tensor, as for `logit_jvp`.
        t: (batch,) complex or real steps, on any device.

    Returns:
        (batch, classes) complex128 on the device of the inputs; infinite or NaN where a function overflows or has a pole.

    Raises:
        NoContinuation: naming the function and the module that has none.
        InvalidDirection: as for `logit_jvp`; on steps that are not one for each sample.
        InvalidModelOutput: on an output that is not (batch, classes).

    >>> model = nn.Linear(1, 2, bias=False, dtype=torch.float64)
    >>> _ = nn.init.zeros_(model.weight)
    >>> v = {"weight": torch.tensor([[1.0], [-2.0]])}
    >>> complex_logits(model, torch.tensor([[3.0]]), v, torch.tensor([1j])).tolist()
    [[3j, -6j]]
    """
    return complex_forward(model, inputs, direction, t)[0]


class Denominators(NamedTuple):
    """What the network divides by: where it vanishes, the logits themselves have a pole or branch point.

    part: "attention" (the sum of a softmax), "normalisation" (the variance of a LayerNorm) or "feed-forward"
    (cosh of a tanh's argument, 1 + exp of a sigmoid's). module: where. logs: (batch, places) complex logarithms.
    """

    part: str
    module: str
    logs: Tensor


def complex_forward(
    model: nn.Module, inputs: object, direction: Mapping[str, Tensor], t: Tensor
) -> tuple[Tensor, list[Denominators]]:
    """As `complex_logits`; beside the logits all denominators in the order of the forward pass."""
    tangents = checked_direction(model, direction)
    positional, keywords = as_arguments(cast_floats(inputs, torch.float64))
    first = next(leaf for leaf in tree_leaves((positional, keywords)) if isinstance(leaf, Tensor))
    steps = torch.as_tensor(t).to(first.device, torch.complex128)
    if steps.shape != first.shape[:1]:
        raise InvalidDirection(
            f"t must have shape {tuple(first.shape[:1])}, one for each sample, not {tuple(steps.shape)}"
        )
    positional, keywords = _lifted(positional), _lifted(keywords)
    with torch.no_grad(), untouched(model):
        parameters = cast_parameters(model, torch.float64)
        buffers = {name: cast_floats(b.detach(), torch.float64) for name, b in model.named_buffers()}
        moving = {
            id(parameters[name]): (parameters[name], v.to(parameters[name])) for name, v in tangents.items()
        }
        with ModuleNames(model) as place, _Continuation(moving, steps, place) as pass_:
            z = functional_call(model, {**parameters, **buffers}, positional, keywords)
    if not isinstance(z, Tensor) or z.ndim != 2:
        found = tuple(z.shape) if isinstance(z, Tensor) else type(z).__name__
        raise InvalidModelOutput(f"model: the output must have shape (batch, classes), not {found}")
    return z.to(torch.complex128), pass_.denominators


def _lifted(value: Any) -> Any:
    """Floating tensors of the inputs as complex ones."""
    return cast_floats(value, torch.complex128)


class ModuleNames:
    """Which module is running: the name of the innermost one, while inside this context."""

    def __init__(self, model: nn.Module):
        self._model, self._running = model, [""]
        self._handles: list[Any] = []

    @property
    def name(self) -> str:
        return self._running[-1]

    def __enter__(self) -> "ModuleNames":
        for name, module in self._model.named_modules():
            enter = self._enter(name)
            self._handles += [module.register_forward_pre_hook(enter)]
            self._handles += [module.register_forward_hook(self._leave, always_call=True)]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _enter(self, name: str) -> Callable[..., None]:
        return lambda *_: self._running.append(name)

    def _leave(self, *_: object) -> None:
        self._running.pop()


def refusal(func: Any, module: str, more: str = "") -> NoContinuation:
    """The error that names this function and module."""
    name = (resolve_name(func) or getattr(func, "__name__", str(func))).removeprefix("torch.")
    return NoContinuation(name + more, module)


class _Continuation(TorchFunctionMode):
    """Every function the forward pass calls, at complex arguments and at the weights of each sample's step."""

    def __init__(self, moving: dict[int, tuple[Tensor, Tensor]], t: Tensor, place: ModuleNames):
        super().__init__()
        self._moving, self._t, self._place = moving, t, place
        self.denominators: list[Denominators] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        leaves = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        weights = [leaf for leaf in leaves if id(leaf) in self._moving]
        if func in METADATA or not (weights or any(leaf.is_complex() for leaf in leaves)):
            return func(*args, **kwargs)
        if func in PRODUCTS:
            return self._product(PRODUCTS[func], *args, **kwargs)
        if weights:
            if func not in _WITH_WEIGHTS and (func not in _BINARY or len(weights) == len(leaves)):
                raise self._refusal(func, " of a parameter alone")
            ndim = max(leaf.ndim for leaf in leaves if id(leaf) not in self._moving)
            args = [self._moved(value, ndim) for value in args]
            kwargs = {name: self._moved(value, ndim) for name, value in kwargs.items()}
        if func in DENOMINATORS:
            part, logarithm = DENOMINATORS[func]
            logs = logarithm(*args, **kwargs)
            if logs is not None:
                self.denominators.append(Denominators(part, self._place.name, logs.reshape(len(logs), -1)))
        if func in CONTINUED:
            return CONTINUED[func](*args, **kwargs)
        if func not in HOLOMORPHIC:
            raise self._refusal(func)
        second = next(iter((*args[1:], *kwargs.values())), None)
        if func in POWERS and not (isinstance(second, int) and second >= 0):
            raise self._refusal(func, f" with exponent {second}")
        if func in QUOTIENTS and isinstance(second, Tensor) and second.is_complex():
            raise self._refusal(func, " by what moves with the step")
        return func(*args, **kwargs)

    def _refusal(self, func: Any, more: str = "") -> NoContinuation:
        return refusal(func, self._place.name, more)

    def _steps(self, ndim: int) -> Tensor:
        return self._t.view(-1, *[1] * (ndim - 1))

    def _moved(self, value: Any, ndim: int) -> Any:
        """p + t v, the samples first, its own dimensions last."""
        if id(value) not in self._moving:
            return value
        weight, tangent = self._moving[id(value)]
        ndim = max(ndim, weight.ndim + 1)
        return weight + self._steps(ndim) * tangent

    def _product(
        self, func: Callable[..., Tensor], x: Tensor, weight: Tensor, bias: Tensor | None = None, *args: Any
    ) -> Tensor:
        """W x + t V x + b + t c: products of real matrices with the two parts of x."""

        def times(matrix: Tensor) -> Tensor:
            return torch.complex(func(x.real, matrix, None, *args), func(x.imag, matrix, None, *args))

        if not x.is_complex():
            x = x.to(torch.complex128)
        product = times(weight)
        if id(weight) in self._moving:
            product = product + self._steps(product.ndim) * times(self._moving[id(weight)][1])
        if bias is None:
            return product
        shape = (-1,) if func is F.linear else (-1, *[1] * (product.ndim - 2))
        product = product + bias.view(shape)
        if id(bias) in self._moving:
            product = product + self._steps(product.ndim) * self._moving[id(bias)][1].view(shape)
        return product
