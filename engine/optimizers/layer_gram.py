"""The Gram matrix of per-sample gradients of linear layers from their inputs and output gradients alone.

The gradient of sample b in a layer y = Wx + c is g_b x_bᵀ, so two of them have the product (g_a·g_b)(x_a·x_b + 1).
"""

from __future__ import annotations

from collections import Counter
from types import TracebackType

import torch
from torch import Tensor, nn

from .errors import InvalidLoss, InvalidParameter


def linear_layers(model: nn.Module, parameters: list[Tensor]) -> list[nn.Linear]:
    """The `nn.Linear` layers of the model; each parameter must be the weight or bias of exactly one of them."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    owners: Counter[Tensor] = Counter(p for layer in layers for p in layer.parameters(recurse=False))
    for p in parameters:
        if owners[p] != 1:
            raise InvalidParameter(
                f"a parameter of shape {tuple(p.shape)} belongs to {owners[p]} nn.Linear layers of the model:"
                " exactly one is needed; model=None takes any parameters"
            )
    return layers


class LayerGram:
    """Watches one forward pass of linear layers, as a context; then `backward`, `gram`, `transposed`."""

    def __init__(self, layers: list[nn.Linear], parameters: list[Tensor]):
        self.layers, self.parameters = layers, parameters
        self.inputs: dict[nn.Linear, Tensor] = {}
        self.outputs: dict[nn.Linear, Tensor] = {}
        self.slopes: dict[nn.Linear, Tensor] = {}

    def __enter__(self) -> LayerGram:
        self.handles = [layer.register_forward_hook(self._record) for layer in self.layers]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self.handles:
            handle.remove()

    def _record(self, layer: nn.Linear, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if layer in self.outputs:
            raise InvalidLoss(
                "a linear layer was called twice in the closure: once is needed; model=None takes any"
            )
        if inputs[0].ndim != 2:
            raise InvalidLoss(
                f"a linear layer received shape {tuple(inputs[0].shape)}: (B, features) is needed"
            )
        self.inputs[layer], self.outputs[layer] = inputs[0].detach(), output

    def backward(self, losses: Tensor, chain: Tensor) -> None:
        """Output gradients of all samples in one pass: row b belongs to sample b, as no sample sees another."""
        layers = [layer for layer in self.layers if layer in self.outputs]
        if any(len(self.inputs[layer]) != len(losses) for layer in layers):
            raise InvalidLoss(
                f"the closure returned {len(losses)} losses: one for each row of the layers' inputs is needed"
            )
        outputs = [self.outputs[layer] for layer in layers]
        slopes = torch.autograd.grad(losses, outputs, grad_outputs=chain.to(losses.dtype), allow_unused=True)
        reached = zip(layers, slopes, strict=True)
        self.slopes = {layer: slope.double() for layer, slope in reached if slope is not None}
        self.inputs = {layer: self.inputs[layer].double() for layer in self.slopes}

    def gram(self) -> Tensor:
        """JJᵀ (B, B) in float64, over the parameters that move."""
        moving = set(self.parameters)
        total = None
        for layer, g in self.slopes.items():
            x = self.inputs[layer]
            factor = x @ x.mT if layer.weight in moving else x.new_zeros(len(x), len(x))
            if layer.bias in moving:
                factor += 1
            factor *= g @ g.mT
            total = factor if total is None else total.add_(factor)
        if total is None:
            raise InvalidLoss(
                "the losses reach no linear layer of the model: model=None takes any parameters"
            )
        return total

    def transposed(self, weights: Tensor) -> list[Tensor]:
        """Jᵀw, shaped as the parameters, in float64: one product for each layer, no second backward pass."""
        directions: dict[Tensor, Tensor] = {}
        for layer, g in self.slopes.items():
            weighted = weights[:, None] * g
            directions[layer.weight] = weighted.mT @ self.inputs[layer]
            if layer.bias is not None:
                directions[layer.bias] = weighted.sum(0)
        return [directions.get(p, torch.zeros_like(p)) for p in self.parameters]
