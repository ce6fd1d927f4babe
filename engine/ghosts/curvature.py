"""Step lengths from the curvature of the mean loss: along a direction, and the largest of all directions."""

import math
from collections.abc import Generator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import grad_and_value, vjp

from .errors import InvalidSweep
from .jvp import cast_parameters, checked_direction, checked_table, logit_function
from .one_at_a_time import math_attention
from .probe import untouched

_PART = 120


class LossAlong(NamedTuple):
    """Of the mean loss at the start, along a direction v: loss, ‖g‖, gᵀv and vᵀHv.

    `quadratic_step` and `polyak_step` are lengths along a v of norm 1, +inf where the model has none.
    """

    loss: float
    gradient_norm: float
    slope: float
    curvature: float

    @property
    def quadratic_step(self) -> float:
        """-2 gᵀv/(vᵀHv): where the quadratic model of the loss is back at its start; 2‖g‖/(vᵀHv) along -g (ours).

        Sao (2026), arXiv:2603.13552, in the appendix on the Hessian takes 2/(vᵀHv) itself, a learning rate, as a length.
        """
        return -2 * self.slope / self.curvature if self.slope < 0 < self.curvature else math.inf

    @property
    def polyak_step(self) -> float:
        """ℓ/(-gᵀv): where the tangent of the loss reaches 0, the least it can be; ℓ/‖g‖ along -g (Polyak 1969)."""
        return self.loss / -self.slope if self.slope < 0 else math.inf

    def sharpness_step(self, largest: float) -> float:
        """2‖g‖/λ: the length of the gradient step of rate 2/λ, beyond which descent on a quadratic diverges."""
        return 2 * self.gradient_norm / largest if largest > 0 else math.inf


class MeanLoss:
    """Mean cross-entropy of a network over a data set, with products of its Hessian; in float64, evaluation mode.

    Reverse over reverse mode, so that attention kernels without a forward mode do not stand in the way. Every
    generator pauses after each part of the samples, and nothing of the network is changed.

    Args:
        model: its output is (batch, classes).
        inputs: (samples, ...), passed as the one argument. labels: (samples,) integers.

    Raises:
        InvalidSweep: on no samples, or labels that are not one integer for each.
    """

    def __init__(self, model: nn.Module, inputs: Tensor, labels: Tensor) -> None:
        if not len(inputs) or labels.shape != (len(inputs),) or labels.is_floating_point():
            found = f"{tuple(labels.shape)} of {labels.dtype}"
            raise InvalidSweep(
                f"labels must be an integer for each of {len(inputs)} samples (at least one), not {found}"
            )
        self.model, self.inputs, self.labels = model, inputs, labels
        self.parameters = cast_parameters(model, torch.float64)

    def gradient_in_parts(self) -> Generator[None, None, tuple[float, dict[str, Tensor]]]:
        """Mean loss and its gradient by parameter name."""
        value, total = 0.0, {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        for part in self._parts():
            with untouched(self.model), math_attention():
                slope, loss = grad_and_value(self._share(part))(self.parameters)
            value += float(loss)
            total = {name: total[name] + slope[name] for name in total}
            yield None
        return value, total

    def product_in_parts(self, v: Mapping[str, Tensor]) -> Generator[None, None, dict[str, Tensor]]:
        """H v by parameter name; missing names of v stand still."""
        along = {
            name: v[name].to(p) if name in v else torch.zeros_like(p) for name, p in self.parameters.items()
        }
        total = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        for part in self._parts():
            with untouched(self.model), math_attention():
                # The Hessian is symmetric: pulling v back through the gradient is multiplying by it.
                pull = vjp(lambda p, part=part: grad_and_value(self._share(part))(p)[0], self.parameters)[1]
                (product,) = pull(along)
            total = {name: total[name] + product[name] for name in total}
            yield None
        return total

    def along_in_parts(self, direction: Mapping[str, Tensor]) -> Generator[None, None, LossAlong]:
        """Loss, gradient and curvature along a direction that is used as it is; parameters it does not name are frozen.

        Raises:
            InvalidDirection: as `logit_jvp`.
        """
        v = {name: tangent.double() for name, tangent in checked_direction(self.model, direction).items()}
        loss, slope = yield from self.gradient_in_parts()
        product = yield from self.product_in_parts(v)
        moving = {name: slope[name] for name in v}
        return LossAlong(loss, math.sqrt(_inner(moving, moving)), _inner(slope, v), _inner(product, v))

    def largest_in_parts(
        self, start: Mapping[str, Tensor], most: int = 24, tolerance: float = 1e-3
    ) -> Generator[float | None, None, None]:
        """The largest eigenvalue of the Hessian by Lanczos's iteration: better from value to value, None to pause.

        Every value is a Ritz value, so none is above the eigenvalue. Full reorthogonalisation; ends once a value moves
        by less than the tolerance, relative, or after `most` products.

        Args:
            start: parameter name -> tensor, not 0; the gradient is a good one. The Hessian is that of the parameters
                it names; the others are frozen.
        """
        basis: list[dict[str, Tensor]] = []
        diagonal: list[float] = []
        beside: list[float] = []
        vector, last = {name: tangent.double() for name, tangent in start.items()}, -math.inf
        while len(basis) < most:
            length = math.sqrt(_inner(vector, vector))
            if length <= 1e-12 * max(1.0, *map(abs, diagonal or [0.0])):
                return
            beside.append(length)
            basis.append({name: value / length for name, value in vector.items()})
            product = yield from self.product_in_parts(basis[-1])
            vector = {name: product[name] for name in start}
            diagonal.append(_inner(vector, basis[-1]))
            for _ in range(2):
                for known in basis:
                    share = _inner(vector, known)
                    vector = {name: value - share * known[name] for name, value in vector.items()}
            now = _largest_ritz(diagonal, beside[1:])
            yield now
            if len(basis) > 2 and abs(now - last) <= tolerance * abs(now):
                return
            last = now

    def _parts(self) -> list[slice]:
        return [slice(begin, begin + _PART) for begin in range(0, len(self.inputs), _PART)]

    def _share(self, part: slice):
        evaluate = logit_function(self.model, self.inputs[part], torch.float64)

        def loss(parameters: dict[str, Tensor]) -> Tensor:
            logits = checked_table(evaluate(parameters))
            return nn.functional.cross_entropy(logits, self.labels[part], reduction="sum") / len(self.inputs)

        return loss


def _inner(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    return float(torch.stack([(one[name] * other[name]).sum() for name in one if name in other]).sum())


def _largest_ritz(diagonal: Sequence[float], beside: Sequence[float]) -> float:
    matrix = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    if beside:
        side = torch.diag(torch.tensor(beside, dtype=torch.float64), 1)
        matrix = matrix + side + side.T
    return float(torch.linalg.eigvalsh(matrix)[-1])
