"""Which part of a network limits a step: its output softmax, attention, activations or normalisations."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from .activations import ACTIVATIONS, UNKNOWN, gelu_pole, kink, singular_steps, variance_steps
from .complex_step import METADATA, PRODUCTS, ModuleNames, refusal
from .continuation import CONTINUED, HOLOMORPHIC, SOFTMAX, attention_scores
from .jvp import cast_parameters, checked_direction, checked_logits, logit_function
from .margin import slope_spread
from .one_at_a_time import jvp
from .probe import untouched

PARTS = ("output", "attention", "feed-forward", "normalisation")

_KNOWN = {*METADATA, *PRODUCTS, *CONTINUED, *HOLOMORPHIC, *ACTIVATIONS}


class LayerRadii(NamedTuple):
    """Radii of one place of the network.

    part: one of `PARTS`. module: its name. function: what is called there. on_line: whether its singularities are
    kinks on the real line. radii: (batch, places) in units of the step, +inf where nothing moves or the function
    is entire. steps: complex (batch, places), where they lie in the upper half plane of the step; NaN where only a
    bound of the radius is known (softmax). kink_distance: |h|/|ḣ| of every activation, whatever the function,
    which is what the paper's controller uses; empty for other parts.
    """

    part: str
    module: str
    function: str
    on_line: bool
    radii: Tensor
    steps: Tensor
    kink_distance: Tensor

    def quantile(self, share: float, kinks: bool = False) -> float:
        """Of the radii, or of |h|/|ḣ|, of all samples and places; by counting: infinite ones do no harm.

        NaN where one of them is: it might be the smallest.
        """
        flat = (self.kink_distance if kinks else self.radii).flatten()
        if bool(flat.isnan().any()):
            return math.nan
        rank = min(flat.numel() - 1, int(share * flat.numel()))
        return flat.kthvalue(rank + 1).values.item()


class _Call(NamedTuple):
    part: str
    module: str
    func: Any
    argument: Tensor
    settings: dict[str, Any]


class _Recorder(TorchFunctionMode):
    """Keeps the arguments of activations, of softmax and of LayerNorm while the forward pass runs."""

    def __init__(self, place: ModuleNames):
        super().__init__()
        self._place = place
        self.calls: list[_Call] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in ACTIVATIONS:
            # What stands second in the call of another function is not a beta.
            beta = args[1] if func is F.softplus and len(args) > 1 else kwargs.get("beta", 1.0)
            form = kwargs.get("approximate", "none")
            self._keep("feed-forward", func, args[0], {"approximate": form, "beta": beta})
        elif func in SOFTMAX:
            dim = kwargs["dim"] if "dim" in kwargs else args[1]
            self._keep("attention", func, args[0], {"dim": dim})
        elif func is F.scaled_dot_product_attention:
            self._keep("attention", func, attention_scores(*args[:2], *args[3:4], **kwargs), {"dim": -1})
        elif func is F.layer_norm:
            shape = kwargs.get("normalized_shape", args[1] if len(args) > 1 else ())
            eps = kwargs.get("eps", args[4] if len(args) > 4 else 1e-5)
            self._keep("normalisation", func, args[0], {"eps": eps, "dims": tuple(range(-len(shape), 0))})
        elif func not in _KNOWN:
            raise refusal(func, self._place.name)
        return func(*args, **kwargs)

    def _keep(self, part: str, func: Any, argument: Tensor, settings: dict[str, Any]) -> None:
        self.calls.append(_Call(part, self._place.name, func, argument, settings))


def layer_radii(model: nn.Module, inputs: object, direction: Mapping[str, Tensor]) -> tuple[LayerRadii, ...]:
    """Radii of every activation, attention softmax and LayerNorm, and of the output, along a direction.

    One forward-mode pass in float64 and evaluation mode gives each argument h and its rate ḣ. Activations:
    distance from the nearest singularity over |ḣ|. Attention: π over the spread of the rates of the scores
    of one query, a bound as ρ_a is. LayerNorm: the zero of its variance (ours). Output: ρ_a. Those of inner
    layers are of the linearised arguments, exact only where no curved layer comes before.
    Sao (2026), arXiv:2603.13552, appendix 2 and section 6.6.

    Args:
        model: as for `logit_jvp`; only kernels with a forward mode.
        inputs: as for `logit_jvp`.
        direction: as for `logit_jvp`.

    Returns:
        In the order of the forward pass, the output last.

    Raises:
        NoContinuation: naming a function whose singularities are not known, and its module.
        InvalidDirection, InvalidModelOutput: as for `logit_jvp`.

    >>> model = nn.Sequential(nn.Linear(1, 2), nn.Tanh()).double()
    >>> v = {"0.bias": torch.tensor([1.0, 2.0])}
    >>> [(layer.part, layer.function) for layer in layer_radii(model, torch.ones(1, 1), v)]
    [('feed-forward', 'tanh'), ('output', 'softmax')]
    """
    tangents = checked_direction(model, direction)
    with torch.no_grad(), untouched(model):
        parameters = cast_parameters(model, torch.float64)
        along = {name: tangent.to(parameters[name]) for name, tangent in tangents.items()}
        function = logit_function(model, inputs, torch.float64)
        kept: list[_Call] = []

        def arguments(moving: dict[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
            with ModuleNames(model) as place, _Recorder(place) as recorder:
                z = function({**parameters, **moving})
            kept[:] = recorder.calls
            return z, [call.argument for call in kept]

        moving = {name: parameters[name] for name in along}
        output = jvp(arguments, (moving,), (along,))
        (z, values), (a, rates) = output[0], output[1]
    checked_logits(model, z)
    layers = [_radii(call, h, rate) for call, h, rate in zip(kept, values, rates, strict=True)]
    return (*layers, _bounded("output", "", (math.pi / slope_spread(z, a))[:, None]))


def _radii(call: _Call, h: Tensor, rate: Tensor) -> LayerRadii:
    if call.part == "attention":
        dim = call.settings["dim"]
        radii = math.pi / (rate.amax(dim) - rate.amin(dim))
        return _bounded(call.part, call.module, radii.reshape(len(rate), -1))
    name = getattr(call.func, "__name__", str(call.func))
    if call.part == "normalisation":
        steps = variance_steps(h, rate, call.settings["eps"], call.settings["dims"])
        steps = steps.reshape(len(h), -1)
        return LayerRadii(
            call.part, call.module, name, False, steps.abs(), steps, steps.real.new_empty(len(h), 0)
        )
    nearest, form = ACTIVATIONS[call.func], call.settings["approximate"]
    if nearest is gelu_pole:
        name = "gelu" if form == "none" else "gelu, tanh form"
        steps = singular_steps(h, rate, lambda x: gelu_pole(x, form))
    else:
        # Softplus is log(1 + exp(βh))/β, all others have no β.
        beta = call.settings["beta"]
        steps = singular_steps(beta * h, beta * rate, nearest)
    proxy = singular_steps(h, rate, kink).abs().flatten(1)
    steps = steps.flatten(1)
    return LayerRadii(call.part, call.module, name, nearest is kink, steps.abs(), steps, proxy)


def _bounded(part: str, module: str, radii: Tensor) -> LayerRadii:
    """A softmax: π over the spread of its rates, which says how near the nearest zero can be, not where it is."""
    unknown = torch.full(radii.shape, UNKNOWN, dtype=torch.complex128, device=radii.device)
    return LayerRadii(part, module, "softmax", False, radii, unknown, radii.new_empty(len(radii), 0))


class Limit(NamedTuple):
    """radius: (by part) what `limiting_part` compares. part: the smallest, ρ_net = radius[part]."""

    radius: dict[str, float]
    part: str


def limiting_part(layers: tuple[LayerRadii, ...], share: float = 0.01, kinks: bool = False) -> Limit:
    """ρ_net = min(ρ_out, ρ_attn, ρ_ffn) as Sao (2026), section 6.6, takes it, with that of LayerNorm beside it (ours).

    Output, attention and normalisation by their smallest radius over samples and places; activations by the
    quantile `share` of each layer, smallest layer: of thousands of neurons some always stand at their kink.

    Args:
        layers: from `layer_radii`.
        share: of the activations' radii that may lie below ρ_ffn.
        kinks: activations by |h|/|ḣ| whatever the function, as the paper's controller does, even where it is
            entire; False: by the distance from the function's own singularities.

    Returns:
        Limit; a part the network does not have is +inf, one with a radius that is NaN is NaN and chosen before
        all others. The part is chosen without the normalisation, which the paper does not count.

    >>> output = _bounded("output", "", torch.tensor([[2.0], [3.0]]))
    >>> limiting_part((output,))
    Limit(radius={'output': 2.0, 'attention': inf, 'feed-forward': inf, 'normalisation': inf}, part='output')
    """
    found: dict[str, float] = dict.fromkeys(PARTS, math.inf)
    for layer in layers:
        inner = layer.part == "feed-forward"
        smallest = layer.quantile(share if inner else 0.0, kinks and inner)
        # `min` would pass over a NaN.
        found[layer.part] = float(np.minimum(found[layer.part], smallest))
    return Limit(found, PARTS[int(np.argmin([found[part] for part in PARTS[:3]]))])
