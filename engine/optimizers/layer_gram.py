"""The Gram matrix of per-sample gradients of linear layers from their inputs and output gradients alone.

The gradient of sample b in a layer y = Wx + c is g_b x_bᵀ, so two of them have the product (g_a·g_b)(x_a·x_b + 1).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from types import TracebackType

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, Node

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
        self.outputs: dict[nn.Linear, tuple[Tensor, Node]] = {}
        self.stacks: list[LayerStack] = []
        self._versions: list[int] = []
        self._directions: list[Tensor] = []
        self._made_for: object = None

    def __enter__(self) -> LayerGram:
        """Put `_watch` before each layer's own `forward`.

        It sees Wx + c itself, where a hook sees what earlier hooks made of it; four hooks also cost twenty microseconds.
        """
        self.inputs, self.outputs, self._versions = {}, {}, []
        self._forwards = [vars(layer).get("forward") for layer in self.layers]
        for layer in self.layers:
            vars(layer)["forward"] = partial(self._watch, layer, layer.forward)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for layer, forward in zip(self.layers, self._forwards, strict=True):
            if forward is None:
                del vars(layer)["forward"]
            else:
                vars(layer)["forward"] = forward

    def _watch(self, layer: nn.Linear, forward: Callable[[Tensor], Tensor], input: Tensor) -> Tensor:
        if layer in self.inputs:
            raise InvalidLoss(
                "a linear layer was called twice in the closure: once is needed; model=None takes any"
            )
        if input.ndim != 2:
            raise InvalidLoss(f"a linear layer received shape {tuple(input.shape)}: (B, features) is needed")
        output = forward(input)
        self.inputs[layer] = input
        self._versions.append(input._version)
        if output.grad_fn is not None:
            self.outputs[layer] = output, output.grad_fn
        return output

    def backward(self, losses: Tensor, chain: Tensor, parameters: list[Tensor]) -> None:
        """Output gradients of all samples in one pass: row b belongs to sample b, as no sample sees another.

        Without gradients enabled: what is copied from the graph is not to join it.
        """
        self._check_inputs(losses.shape[0])
        layers, outputs = list(self.outputs), _places([*self.outputs.values()])
        self.outputs = {}
        found: Iterable[Tensor | None] = ()
        if outputs:
            found = torch.autograd.grad(losses, outputs, grad_outputs=chain, allow_unused=True)
        slopes = {layer: slope for layer, slope in zip(layers, found, strict=True) if slope is not None}
        if not slopes:
            raise InvalidLoss(
                "the losses reach no linear layer of the model: model=None takes any parameters"
            )
        self._make_stacks(list(slopes), parameters, losses.shape[0])
        for stack in self.stacks:
            stack.fill(self.inputs, slopes)
        self.inputs = {}

    def _check_inputs(self, count: int) -> None:
        inputs = self.inputs.values()
        if any(x.shape[0] != count for x in inputs):
            raise InvalidLoss(
                f"the closure returned {count} losses: one for each row of the layers' inputs is needed"
            )
        if [x._version for x in inputs] != self._versions:
            raise InvalidLoss(
                "the input of a linear layer was changed in place after it: one that stays is needed"
            )

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
        made_for = samples, layers, [*map(id, parameters)]
        if made_for == self._made_for:
            return
        self.stacks, self._made_for = layer_stacks(layers, set(parameters), samples), made_for
        views = {p: view for stack in self.stacks for p, view in stack.directions.items()}
        self._directions = [views[p] if p in views else torch.zeros_like(p) for p in parameters]


def _places(outputs: list[tuple[Tensor, Node]]) -> list[Tensor] | list[GradientEdge]:
    """Where in the graph they were made: an activation in place gives the tensor another place. Tensors are faster."""
    if all(output.grad_fn is node for output, node in outputs):
        return [output for output, _ in outputs]
    return [GradientEdge(node, 0) for _, node in outputs]
