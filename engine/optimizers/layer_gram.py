"""The Gram matrix of per-sample gradients of linear layers from their inputs and output gradients alone.

The gradient of sample b in a layer y = Wx + c is g_b x_bᵀ, so two of them have the product (g_a·g_b)(x_a·x_b + 1).
"""

from __future__ import annotations

from collections import Counter
from types import TracebackType

import torch
from torch import Tensor, nn

from .errors import InvalidLoss, InvalidParameter
from .layer_stack import LayerStack, layer_stacks


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

    def __init__(self, layers: list[nn.Linear]):
        self.layers = layers
        self.inputs: dict[nn.Linear, Tensor] = {}
        self.outputs: dict[nn.Linear, Tensor] = {}
        self.stacks: list[LayerStack] = []
        self._directions: list[Tensor] = []
        self._made_for: object = None

    def __enter__(self) -> LayerGram:
        self.inputs, self.outputs = {}, {}
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
        self.inputs[layer], self.outputs[layer] = inputs[0], output

    def backward(self, losses: Tensor, chain: Tensor, parameters: list[Tensor]) -> None:
        """Output gradients of all samples in one pass: row b belongs to sample b, as no sample sees another.

        Without gradients enabled: what is copied from the graph is not to join it.
        """
        layers, outputs = list(self.outputs), list(self.outputs.values())
        if any(len(output) != len(losses) for output in outputs):
            raise InvalidLoss(
                f"the closure returned {len(losses)} losses: one for each row of the layers' inputs is needed"
            )
        found = torch.autograd.grad(losses, outputs, grad_outputs=chain.to(losses.dtype), allow_unused=True)
        self.outputs = {}
        slopes = {layer: slope for layer, slope in zip(layers, found, strict=True) if slope is not None}
        if not slopes:
            raise InvalidLoss(
                "the losses reach no linear layer of the model: model=None takes any parameters"
            )
        self._make_stacks(list(slopes), parameters, len(losses))
        for stack in self.stacks:
            stack.fill(self.inputs, slopes)
        self.inputs = {}

    def gram(self) -> Tensor:
        """JJᵀ (B, B) in float64, over the parameters that move."""
        first, *others = self.stacks
        total = first.gram()
        for stack in others:
            total += stack.gram().to(total.device)
        return total

    def transposed(self, weights: Tensor) -> list[Tensor]:
        """Jᵀw, shaped as the parameters and in their dtype, overwritten by the next; no second backward pass."""
        for stack in self.stacks:
            stack.transpose(weights)
        return self._directions

    def _make_stacks(self, layers: list[nn.Linear], parameters: list[Tensor], samples: int) -> None:
        """New blocks where the step is for other layers, parameters or another batch size than the last one."""
        # asked in every step: an attribute of a module is looked up slowly, its dictionary is not
        owned = [p for layer in layers for p in layer._parameters.values() if p is not None]
        made_for = [samples, layers, [*map(id, parameters)], [(id(p), p.requires_grad) for p in owned]]
        if made_for == self._made_for:
            return
        self.stacks, self._made_for = layer_stacks(layers, samples), made_for
        views = {p: view for stack in self.stacks for p, view in stack.directions.items()}
        self._directions = [views[p] if p in views else torch.zeros_like(p) for p in parameters]
