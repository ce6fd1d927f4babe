"""Directions of a step in parameter space: gradients, Adam's actual update, momentum, and random ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.func import functional_call

DIRECTION_KINDS = ("-gradient", "adam", "momentum", "random", "+gradient")


@dataclass(frozen=True)
class AdamState:
    """What Adam remembers between steps, by parameter name; both moments are empty before the first step."""

    step: int = 0
    first_moment: Mapping[str, Tensor] = field(default_factory=dict)
    second_moment: Mapping[str, Tensor] = field(default_factory=dict)
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8

    def optimizer(self, parameters: Mapping[str, Tensor]) -> torch.optim.Adam:
        """A `torch.optim.Adam` over these named leaves that goes on from here."""
        adam = torch.optim.Adam(
            list(parameters.values()), lr=self.learning_rate, betas=self.betas, eps=self.epsilon
        )
        if self.step:
            for name, leaf in parameters.items():
                adam.state[leaf] = {
                    "step": torch.tensor(float(self.step)),
                    "exp_avg": self.first_moment[name].to(leaf).clone(),
                    "exp_avg_sq": self.second_moment[name].to(leaf).clone(),
                }
        return adam

    @classmethod
    def of(cls, model: nn.Module, adam: torch.optim.Adam) -> "AdamState":
        """A copy of what the optimizer remembers about the model's parameters (one parameter group)."""
        group = adam.param_groups[0]
        remembered = {name: adam.state[p] for name, p in model.named_parameters() if p in adam.state}
        return cls(
            step=int(next(iter(remembered.values()))["step"]) if remembered else 0,
            first_moment={name: entry["exp_avg"].clone() for name, entry in remembered.items()},
            second_moment={name: entry["exp_avg_sq"].clone() for name, entry in remembered.items()},
            learning_rate=group["lr"],
            betas=group["betas"],
            epsilon=group["eps"],
        )


def _check_labels(labels: Tensor, classes: int) -> None:
    outside = ((labels < 0) | (labels >= classes)).nonzero().flatten()
    if len(outside):
        index = int(outside[0])
        raise ValueError(f"labels[{index}]={int(labels[index])} is out of range; allowed: 0 to {classes - 1}")


def mean_loss_gradient(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Gradient of the mean cross-entropy over the batch, with the model in evaluation mode.

    Evaluation mode, because the step is probed in evaluation mode: with batch normalisation the training-mode
    loss is another function, whose gradient need not descend this one. The model's own mode and `.grad` are
    left as they were.

    Args:
        images: (batch, 64), pixels in [0, 1]; cast to the dtype of the parameters.
        labels: (batch,), integers 0..9.

    Raises:
        ValueError: a label out of range.
    """
    parameters = {name: p.detach().clone().requires_grad_() for name, p in model.named_parameters()}
    dtype = next(iter(parameters.values())).dtype
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        logits = functional_call(model, parameters, (images.to(dtype),))
    finally:
        for module, training in modes.items():
            module.training = training
    _check_labels(labels, logits.shape[-1])
    loss = nn.functional.cross_entropy(logits, labels)
    return dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values())), strict=True))


def _adam_update(gradient: dict[str, Tensor], state: AdamState) -> dict[str, Tensor]:
    # Adam without weight decay does not look at the weights, so the step is taken from zero: the update comes
    # out whole instead of as a rounded difference of nearly equal weights.
    leaves = {name: torch.zeros_like(value) for name, value in gradient.items()}
    for name, leaf in leaves.items():
        leaf.grad = gradient[name]
    state.optimizer(leaves).step()
    return {name: leaf.detach() for name, leaf in leaves.items()}


def _momentum_update(gradient: dict[str, Tensor], state: AdamState) -> dict[str, Tensor]:
    decay = state.betas[0]
    return {
        name: -(1 - decay) * value - (decay * state.first_moment[name].to(value) if state.step else 0)
        for name, value in gradient.items()
    }


def _random(model: nn.Module, generator: torch.Generator) -> dict[str, Tensor]:
    # Drawn in float64 whatever the model's dtype, so that a seed names one direction.
    return {
        name: torch.randn(p.shape, generator=generator, dtype=torch.float64).to(p)
        for name, p in model.named_parameters()
    }


def _normalised(direction: dict[str, Tensor], kind: str) -> dict[str, Tensor]:
    length = torch.stack([value.double().square().sum() for value in direction.values()]).sum().sqrt()
    if not torch.isfinite(length) or length == 0:
        raise ValueError(f"kind={kind!r} has a direction of length {length.item()}; allowed: finite, above 0")
    return {name: (value.double() / length).to(value.dtype) for name, value in direction.items()}


def step_direction(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    kind: str,
    optimizer_state: AdamState | None = None,
    generator: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """The unit vector along which the chosen kind of step moves the parameters.

    The gradient is that of `mean_loss_gradient` on this batch. "adam" is the update `torch.optim.Adam` makes
    from the given state with this gradient; without a state it is Adam's first step, close to the sign of the
    gradient. "momentum" is minus the running mean of gradients (Adam's first moment) after it has taken in
    this gradient; without a state it is "-gradient". "random" is uniform on the sphere.

    Args:
        images: (batch, 64), pixels in [0, 1].
        labels: (batch,), integers 0..9.
        kind: one of `DIRECTION_KINDS`.
        optimizer_state: for "adam" and "momentum".
        generator: for "random", required there.

    Returns:
        Parameter name to tensor in the parameter's shape and dtype; the norm over all of them is 1.

    Raises:
        ValueError: unknown kind, "random" without a generator, a label out of range, or a direction of length
            zero or not finite.
    """
    if kind not in DIRECTION_KINDS:
        raise ValueError(f"kind={kind!r} is unknown; allowed: {', '.join(DIRECTION_KINDS)}")
    if kind == "random":
        if generator is None:
            raise ValueError("generator=None with kind='random'; allowed: a torch.Generator")
        return _normalised(_random(model, generator), kind)
    gradient = mean_loss_gradient(model, images, labels)
    state = optimizer_state or AdamState()
    if kind == "adam":
        return _normalised(_adam_update(gradient, state), kind)
    if kind == "momentum":
        return _normalised(_momentum_update(gradient, state), kind)
    sign = -1 if kind == "-gradient" else 1
    return _normalised({name: sign * value for name, value in gradient.items()}, kind)
