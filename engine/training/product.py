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
    product, exponent, bound = scaled(factors[0])[0], 0.0, 0.0
    for index, A in enumerate(factors):
        unit, scale = scaled(A)
        bound += math.log2(float(torch.linalg.matrix_norm(unit, 2)) or 1.0)
        if index:
            product, rest = scaled(unit @ product)
            exponent += math.log2(float(rest))
        exponent += math.log2(float(scale))
        bound += math.log2(float(scale))
    size = max(side for A in factors for side in A.shape)
    share = len(factors) * max(relative_resolution(size, size, A.dtype) for A in factors)
    return ProductSpectrum(torch.ldexp(spectrum(product), torch.tensor(int(exponent))), share * _power(bound))


def _power(exponent: float) -> float:
    return math.inf if exponent > 1023.9 else 2.0**exponent
