"""Logits of a network and their slopes along a step in parameter space: all a radius needs of it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .classes import as_working_dtype
from .errors import InvalidDirection, InvalidModelOutput, NonFiniteOutput
from .one_at_a_time import jvp
from .probe import cast_floats, untouched

# Largest change of a logit by the finite difference. In float64 the error of a central difference is then
# near 1e-9 of the slope; float32 needs a wide step to rise above its rounding.
_LOGIT_CHANGE = {torch.float64: 1e-4, torch.float32: 5e-2}


class LogitJvp(NamedTuple):
    """z: (batch, classes) logits. a: their slopes, alike. backend: "jvp" or "finite_difference", as used."""

    z: Tensor
    a: Tensor
    backend: str


def logit_jvp(
    model: nn.Module, inputs: object, direction: Mapping[str, Tensor], backend: str = "auto"
) -> LogitJvp:
    """Logits z and slopes a = J v: how fast each logit changes when the parameters move along v.

    Sao (2026), arXiv:2603.13552, section 3. Forward-mode differentiation, or central differences in
    float64 where a kernel has no forward mode (fused attention, `nn.TransformerEncoder`).

    The network is probed in evaluation mode: no dropout, and batch normalisation by its running
    statistics, so that samples do not depend on each other. Each module's own mode, buffers, gradients and
    random numbers are as before afterwards. Autocast is off, half precision is computed in float32.

    Args:
        model: any module whose output is (batch, classes); -inf masks a class.
        inputs: the model's input; a tuple is passed as positional, a dictionary as keyword arguments.
        direction: parameter name -> tensor of that parameter's shape, used as it is, not normalised.
            Missing names stand still. A tied parameter may go by any of its names, but by one only.
        backend: "auto", "jvp" or "finite_difference".

    Returns:
        LogitJvp(z, a, backend), slopes in logits per unit of the direction.

    Raises:
        InvalidDirection: on unknown names, wrong shapes, values that are not finite, integer parameters.
        InvalidModelOutput: on an output that is not a (batch, classes) table of at least one sample; on one
            that holds NaN or +inf its subclass NonFiniteOutput, with the weights that are not finite.
        ValueError: on an unknown backend.

    >>> model = nn.Linear(1, 2, bias=False, dtype=torch.float64)
    >>> v = {"weight": torch.tensor([[1.0], [-2.0]], dtype=torch.float64)}
    >>> z, a, backend = logit_jvp(model, torch.tensor([[3.0]], dtype=torch.float64), v)
    >>> a.tolist(), backend
    ([[3.0, -6.0]], 'jvp')
    """
    if backend not in ("auto", "jvp", "finite_difference"):
        raise ValueError(f"backend must be 'auto', 'jvp' or 'finite_difference', not {backend!r}")
    tangents = checked_direction(model, direction)
    with torch.no_grad(), untouched(model):
        if backend == "jvp":
            return _by_forward_mode(model, inputs, tangents)
        if backend == "auto":
            try:
                return _by_forward_mode(model, inputs, tangents)
            except torch.OutOfMemoryError:
                raise
            # No forward mode for a kernel. A fault of the model itself comes back from the difference below.
            except RuntimeError:
                pass
        return _by_finite_difference(model, inputs, tangents)


def checked_direction(model: nn.Module, direction: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The direction under each parameter's first name."""
    first_name = {id(parameter): name for name, parameter in model.named_parameters()}
    known = dict(model.named_parameters(remove_duplicate=False))
    tangents: dict[str, Tensor] = {}
    for name, tangent in direction.items():
        if name not in known:
            raise InvalidDirection(
                f"direction: the model has no parameter {name!r}; it has {list(known)[:8]}"
            )
        parameter = known[name]
        if not parameter.is_floating_point():
            raise InvalidDirection(
                f"direction[{name!r}]: a parameter of {parameter.dtype} cannot move continuously"
            )
        if not isinstance(tangent, Tensor) or tangent.shape != parameter.shape:
            shape = tuple(tangent.shape) if isinstance(tangent, Tensor) else type(tangent).__name__
            raise InvalidDirection(
                f"direction[{name!r}] must have shape {tuple(parameter.shape)}, not {shape}"
            )
        if not bool(tangent.isfinite().all()):
            raise InvalidDirection(
                f"direction[{name!r}] holds NaN or infinite values; allowed are finite ones"
            )
        if first_name[id(parameter)] in tangents:
            raise InvalidDirection(f"direction[{name!r}]: this tied parameter is named twice")
        tangents[first_name[id(parameter)]] = tangent.detach().to(parameter.device)
    return tangents


def cast_parameters(model: nn.Module, dtype: torch.dtype | None) -> dict[str, Tensor]:
    """The weights, detached, in the dtype of the computation; None lifts half precision alone."""
    return {name: cast_floats(p.detach(), dtype) for name, p in model.named_parameters()}


def logit_function(
    model: nn.Module, inputs: object, dtype: torch.dtype | None
) -> Callable[[dict[str, Tensor]], Tensor]:
    """Output as a function of the parameters; buffers and inputs in the dtype of the computation."""
    buffers = {name: cast_floats(buffer.detach(), dtype) for name, buffer in model.named_buffers()}
    positional, keywords = as_arguments(cast_floats(inputs, dtype))

    def logits(parameters: dict[str, Tensor]) -> Tensor:
        return functional_call(model, {**parameters, **buffers}, positional, keywords)

    return logits


def as_arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments of a call: tuples are the first, dictionaries the second."""
    if isinstance(inputs, dict):
        return (), inputs
    return (inputs if isinstance(inputs, tuple) else (inputs,)), {}


def _by_forward_mode(model: nn.Module, inputs: object, tangents: dict[str, Tensor]) -> LogitJvp:
    parameters, function = cast_parameters(model, None), logit_function(model, inputs, None)
    moving = {name: parameters[name] for name in tangents}
    if not moving:
        z = checked_logits(model, function(parameters))
        return LogitJvp(z, torch.zeros_like(z), "jvp")
    along = {name: tangent.to(parameters[name].dtype) for name, tangent in tangents.items()}
    output = jvp(lambda some: function({**parameters, **some}), (moving,), (along,))
    z, a = checked_logits(model, output[0]), as_working_dtype(output[1])
    return LogitJvp(z, _checked_slopes(a), "jvp")


def _by_finite_difference(model: nn.Module, inputs: object, tangents: dict[str, Tensor]) -> LogitJvp:
    z = checked_logits(model, logit_function(model, inputs, None)(cast_parameters(model, None)))
    a = _finite_difference(model, inputs, tangents).to(z.dtype)
    return LogitJvp(z, _checked_slopes(a), "finite_difference")


def _finite_difference(model: nn.Module, inputs: object, tangents: dict[str, Tensor]) -> Tensor:
    """Central difference, in float64 where the device and the model allow it."""
    devices = {parameter.device.type for parameter in model.parameters()}
    if "mps" not in devices:
        try:
            return _central_difference(model, inputs, tangents, torch.float64)
        except torch.OutOfMemoryError:
            raise
        # A model that fixes float32 somewhere inside: its own forward has just succeeded in float32.
        except RuntimeError:
            pass
    return _central_difference(model, inputs, tangents, None)


def _central_difference(
    model: nn.Module, inputs: object, tangents: dict[str, Tensor], dtype: torch.dtype | None
) -> Tensor:
    parameters, function = cast_parameters(model, dtype), logit_function(model, inputs, dtype)

    def slopes(step: float) -> Tensor:
        high, low = (
            function({**parameters, **{n: parameters[n] + sign * step * v for n, v in along.items()}})
            for sign in (1, -1)
        )
        # A class masked on both sides does not move; -inf minus -inf would be NaN.
        return torch.where(high == low, 0.0, high - low) / (2 * step)

    along = {name: tangent.to(parameters[name].dtype) for name, tangent in tangents.items()}
    length = _norm(along.values())
    if length == 0:
        return torch.zeros_like(function(parameters))
    # Of all parameters: those that move may start at zero, as biases do.
    size = _norm(parameters.values()) or 1.0
    working = next(iter(along.values())).dtype
    precision = torch.finfo(working).eps
    # The first difference only finds the scale of the slopes; the second moves the logits by a chosen amount.
    pilot = slopes(size / length * precision ** (1 / 3))
    steepest = (pilot.amax(-1) - pilot.amin(-1)).amax().item()
    if not 0 < steepest < float("inf"):
        return pilot
    return slopes(min(_LOGIT_CHANGE[working] / steepest, 0.1 * size / length))


def _norm(tensors: Iterable[Tensor]) -> float:
    return sum(float(tensor.double().square().sum()) for tensor in tensors) ** 0.5


def checked_table(z: object) -> Tensor:
    """The output where it has the form of logits; what the values are is not looked at."""
    if not isinstance(z, Tensor) or z.ndim != 2 or z.shape[1] == 0 or not z.is_floating_point():
        found = f"{tuple(z.shape)} of {z.dtype}" if isinstance(z, Tensor) else type(z).__name__
        raise InvalidModelOutput(
            f"model: the output must be real logits of shape (batch, classes), not {found}"
        )
    if z.shape[0] == 0:
        raise InvalidModelOutput("inputs: the batch is empty; at least one sample is needed")
    return z


def checked_logits(model: nn.Module, z: object) -> Tensor:
    """The output where it is a table of logits that are finite or masked by -inf, in working precision."""
    z = checked_table(z)
    if bool((z.isnan() | (z == torch.inf)).any()):
        broken = [name for name, p in model.named_parameters() if not bool(p.isfinite().all())]
        cause = (
            f"weights that are not finite in {broken[:4]}"
            if broken
            else "finite weights: are the inputs finite?"
        )
        samples = (z.isnan() | (z == torch.inf)).any(-1).nonzero().flatten()[:8].tolist()
        raise NonFiniteOutput(f"model: NaN or +inf logits in samples {samples}, with {cause}")
    return as_working_dtype(z)


def _checked_slopes(a: Tensor) -> Tensor:
    if not bool(a.isfinite().all()):
        samples = (~a.isfinite().all(-1)).nonzero().flatten()[:8].tolist()
        raise NonFiniteOutput(
            f"model: slopes that are not finite in samples {samples}; is the direction too large?"
        )
    return a
