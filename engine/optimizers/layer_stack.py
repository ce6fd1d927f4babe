"""Layers side by side in one padded block, so that small ones cost one product together instead of one each."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from . import foreach

# below this width a product costs its call, not its arithmetic, and padding is free
NARROW = 64


class LayerStack:
    """Inputs (L, B, n + 1), a last column of ones for the bias, and output gradients (L, B, m), float64, zero-padded.

    The gradient of sample b in layer l is then the outer product of two rows. A weight that does not move has its
    inputs left at zero, a bias that does not move its one.
    """

    def __init__(self, layers: list[nn.Linear], parameters: set[Tensor], samples: int):
        self.layers, first = layers, layers[0].weight
        widths = max(layer.in_features for layer in layers), max(layer.out_features for layer in layers)
        self.inputs = torch.zeros(
            len(layers), samples, widths[0] + 1, dtype=torch.float64, device=first.device
        )
        self.slopes = torch.zeros(len(layers), samples, widths[1], dtype=torch.float64, device=first.device)
        self._inputs_turned, self._slopes_turned = self.inputs.mT, self.slopes.mT
        shape = len(layers), widths[1], widths[0] + 1
        self._block = torch.zeros(shape, dtype=first.dtype, device=first.device)
        self.moving = [layer for layer in layers if layer.weight in parameters]
        self.input_places: list[Tensor] = []
        self.slope_places: list[Tensor] = []
        self.directions: dict[Tensor, Tensor] = {}
        for l, layer in enumerate(layers):
            columns, rows = layer.in_features, layer.out_features
            self.inputs[l, :, columns] = float(layer.bias in parameters)
            self.slope_places.append(self.slopes[l, :, :rows])
            self.directions[layer.weight] = self._block[l, :rows, :columns]
            if layer.weight in parameters:
                self.input_places.append(self.inputs[l, :, :columns])
            if layer.bias is not None:
                self.directions[layer.bias] = self._block[l, :rows, columns]

    def fill(self, inputs: Mapping[nn.Linear, Tensor], slopes: Mapping[nn.Linear, Tensor]) -> None:
        if self.moving:
            foreach.copy_(self.input_places, [inputs[layer] for layer in self.moving])
        foreach.copy_(self.slope_places, [slopes[layer] for layer in self.layers])

    def gram(self) -> Tensor:
        """Σ_l (g gᵀ)∘(x xᵀ + 1), (B, B)."""
        products = torch.bmm(self.slopes, self._slopes_turned).mul_(
            torch.bmm(self.inputs, self._inputs_turned)
        )
        return products[0] if len(self.layers) == 1 else products.sum(0)

    def transpose(self, weights: Tensor) -> None:
        """Σ_b w_b g_b x_bᵀ for each weight and Σ_b w_b g_b for each bias, into `directions`."""
        weighted = self._slopes_turned * weights.to(self.slopes.device)
        self._block.copy_(torch.bmm(weighted, self.inputs))


def layer_stacks(layers: list[nn.Linear], parameters: set[Tensor], samples: int) -> list[LayerStack]:
    """Narrow layers of one dtype and device together, wide ones with those of their own shape."""
    groups: dict[tuple[object, ...], list[nn.Linear]] = {}
    for layer in layers:
        weight = layer.weight
        shape = None if max(weight.shape) <= NARROW else weight.shape
        groups.setdefault((shape, weight.dtype, weight.device), []).append(layer)
    return [LayerStack(group, parameters, samples) for group in groups.values()]
