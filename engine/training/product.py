"""Singular values of a product of matrices, and how small a value the product can still show."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..spectra import spectrum
from ..spectra.spectrum import checked_matrix, relative_resolution, scaled
from .errors import InvalidChain


class ProductSpectrum(NamedTuple):
    """Singular values (r,) float64, descending, and the floor below which they are rounding errors.

    Products beyond the range of float64 are infinite, or zero.
    """

    sigma: Tensor
    floor: float


def product_spectrum(matrices: Sequence[Tensor]) -> ProductSpectrum:
    """Singular values of A_L … A_2 A_1, the matrices given in the order in which they act, each (outputs, inputs).

    The weights of a chain of linear layers; activations and biases between them are left out. The product is formed in
    float64, every factor and partial product scaled by a power of two, so that nothing overflows or vanishes on the
    way, and decomposed by SVD. Its rounding errors are at most L N ε ∏ᵢ σ₁(Aᵢ), N the largest side and ε the spacing
    of float64, or of the matrices' dtype where that is coarser, as `spectra.resolution` has it. That is `floor`:
    in a product of many factors ∏σ₁ may be far above σ₁ of the product, and then most of its values drown.

    Returns:
        min(outputs of the last, inputs of the first) values; ranks lost in a narrow factor between are at the floor.

    Raises:
        InvalidChain: when there is no matrix, or the outputs of one are not the inputs of the next.
        InvalidMatrix: on NaN, infinities, complex entries.

    >>> product_spectrum([torch.diag(torch.tensor([1.0, 2.0])), torch.diag(torch.tensor([5.0, 3.0]))]).sigma
    tensor([6., 5.], dtype=torch.float64)
    """
    if not matrices:
        raise InvalidChain("matrices is empty: at least one is needed")
    factors = [checked_matrix(A, f"matrices[{index}]") for index, A in enumerate(matrices)]
    for index, A in enumerate(factors):
        if A.ndim != 2:
            raise InvalidChain(f"matrices[{index}] has shape {tuple(A.shape)}: two axes are needed")
        if index and A.shape[1] != factors[index - 1].shape[0]:
            raise InvalidChain(
                f"matrices[{index}] takes {A.shape[1]} inputs: {factors[index - 1].shape[0]},"
                f" the outputs of matrices[{index - 1}], are needed"
            )
    product, exponent = scaled(factors[0])
    norms = [float(torch.linalg.matrix_norm(scaled(A)[0], 2)) for A in factors]
    shift = _log2(exponent)
    bound_shift = sum(_log2(scaled(A)[1]) for A in factors)
    for A in factors[1:]:
        unit, scale = scaled(A)
        product, rest = scaled(unit @ product)
        shift += _log2(scale) + _log2(rest)
    size = max(side for A in factors for side in A.shape)
    bound = len(factors) * max(relative_resolution(size, size, A.dtype) for A in factors) * math.prod(norms)
    return ProductSpectrum(
        _shifted(spectrum(product), shift), float(_shifted(torch.tensor(bound), bound_shift))
    )


def _log2(power: Tensor) -> int:
    return int(torch.frexp(power)[1]) - 1


def _shifted(values: Tensor, shift: int) -> Tensor:
    """values · 2^shift, in two halves: one factor alone may leave the range that the result is in."""
    half = shift // 2
    values = values.double() * 2.0 ** max(-1022, min(1023, half))
    return values * 2.0 ** max(-1022, min(1023, shift - half))
