"""The Jacobian of per-sample residuals, row by row: any model, any parameter shapes."""

import torch
from torch import Tensor


class SampleGradients:
    """J (B, P) as one block (B, …) for each parameter; `chain` is ∂residual/∂loss."""

    def __init__(self, losses: Tensor, parameters: list[Tensor], chain: Tensor):
        rows = torch.diag(chain.to(losses.dtype))
        blocks = torch.autograd.grad(
            losses, parameters, grad_outputs=rows, is_grads_batched=True, allow_unused=True
        )
        self.blocks = [
            torch.zeros(len(losses), *p.shape, dtype=p.dtype, device=p.device) if block is None else block
            for p, block in zip(parameters, blocks, strict=True)
        ]

    def gram(self) -> Tensor:
        """JJᵀ (B, B) in float64."""
        return sum((_rows(block) @ _rows(block).mT for block in self.blocks[1:]), _gram(self.blocks[0]))

    def transposed(self, weights: Tensor) -> list[Tensor]:
        """Jᵀw, shaped as the parameters and in their dtype, summed in float64."""
        return [
            torch.tensordot(weights.to(block.device), block.double(), dims=1).to(block.dtype)
            for block in self.blocks
        ]


def _rows(block: Tensor) -> Tensor:
    return block.double().flatten(1)


def _gram(block: Tensor) -> Tensor:
    return _rows(block) @ _rows(block).mT
