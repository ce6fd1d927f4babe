"""Powers and traces of symmetric positive semidefinite matrices, in float64."""

import torch
from torch import Tensor

SMALLEST = 1e-12


def inverse_power(A: Tensor, exponent: float) -> Tensor:
    """A^(-exponent) of (..., n, n), eigenvalues below 1e-12 of the largest raised to that; zero for a zero matrix.

    >>> inverse_power(torch.diag(torch.tensor([16.0, 81.0])), 0.25)
    tensor([[0.5000, 0.0000],
            [0.0000, 0.3333]], dtype=torch.float64)
    """
    values, vectors = torch.linalg.eigh(A.double())
    largest = values[..., -1:]
    raised = torch.maximum(values, SMALLEST * largest)
    powers = torch.where(largest > 0, torch.where(raised > 0, raised, 1) ** -exponent, 0)
    return (vectors * powers[..., None, :]) @ vectors.mT


def trace(A: Tensor) -> Tensor:
    """(..., 1, 1), ready to divide by."""
    return A.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]


def symmetric(A: Tensor) -> Tensor:
    return (A + A.mT) / 2


def identities(count: int, like: Tensor) -> Tensor:
    """(count, count) in float64 on the device of `like`."""
    return torch.eye(count, dtype=torch.float64, device=like.device)
