"""Six small classifiers of 8x8 digits: images (batch, 64) with pixels in [0, 1] to logits (batch, 10).

The list of architectures is that of Sao, arXiv:2603.13552, figures 1 and 7; the sizes are ours, small enough
to ship with three stages of training each. Every operation has a forward-mode derivative.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor, nn

SIDE = 8
PIXELS = SIDE * SIDE
CLASSES = 10


class SelfAttention(nn.Module):
    """Multi-head self-attention in plain matrix products; fused kernels have no forward-mode derivative."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project_in = nn.Linear(width, 3 * width)
        self.project_out = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (batch, length, width) to the same shape."""
        batch, length, width = tokens.shape
        projected = self.project_in(tokens).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        # Keys before queries: PyTorch's softmax is slow along a last dimension as short as this.
        scores = key @ query.transpose(-1, -2) / sqrt(width // self.heads)
        mixed = scores.softmax(dim=-2).transpose(-1, -2) @ value
        return self.project_out(mixed.transpose(1, 2).reshape(batch, length, width))


class TransformerBlock(nn.Module):
    """Pre-norm block: attention and a GELU feed-forward of twice the width, each added to its input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (batch, length, width) to the same shape."""
        tokens = tokens + self.attention(self.attention_norm(tokens))
        return tokens + self.feed_forward(self.feed_forward_norm(tokens))


class TinyTransformer(nn.Module):
    """The eight rows of the image are the tokens; their mean after the last block is read out."""

    def __init__(self, width: int = 32, heads: int = 4, layers: int = 2) -> None:
        super().__init__()
        self.embed = nn.Linear(SIDE, width)
        self.position = nn.Parameter(torch.empty(SIDE, width))
        self.blocks = nn.ModuleList(TransformerBlock(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.readout = nn.Linear(width, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Images (batch, 64) to logits (batch, 10)."""
        tokens = self.embed(images.unflatten(-1, (SIDE, SIDE))) + self.position
        for block in self.blocks:
            tokens = block(tokens)
        return self.readout(self.norm(tokens).mean(dim=-2))


def _linear() -> nn.Module:
    return nn.Sequential(nn.Linear(PIXELS, CLASSES))


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(PIXELS, 128), nn.ReLU(), nn.Linear(128, CLASSES))


def _mlp_layernorm() -> nn.Module:
    return nn.Sequential(
        *(nn.Linear(PIXELS, 128), nn.LayerNorm(128), nn.GELU()),
        *(nn.Linear(128, 128), nn.LayerNorm(128), nn.GELU()),
        nn.Linear(128, CLASSES),
    )


def _convolutional(norm: Callable[[int], nn.Module] | None) -> nn.Module:
    layers: list[nn.Module] = [nn.Unflatten(-1, (1, SIDE, SIDE))]
    for channels_in, channels_out in ((1, 16), (16, 32)):
        # Normalised convolutions have no bias: its training gradient is zero, Adam would remember noise.
        layers.append(nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1, bias=norm is None))
        if norm is not None:
            layers.append(norm(channels_out))
        layers += [nn.ReLU(), nn.AvgPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 2 * 2, CLASSES))


def _cnn() -> nn.Module:
    return _convolutional(None)


def _cnn_batchnorm() -> nn.Module:
    return _convolutional(nn.BatchNorm2d)


@dataclass(frozen=True)
class Architecture:
    """A network by its key in files and links, its name for readers, and how it is put together."""

    name: str
    title: str
    assemble: Callable[[], nn.Module]


ARCHITECTURES: dict[str, Architecture] = {
    entry.name: entry
    for entry in (
        Architecture("linear", "Linear", _linear),
        Architecture("mlp", "MLP, ReLU", _mlp),
        Architecture("mlp_layernorm", "MLP + LayerNorm, GELU", _mlp_layernorm),
        Architecture("cnn", "CNN, ReLU", _cnn),
        Architecture("cnn_batchnorm", "CNN + BatchNorm, ReLU", _cnn_batchnorm),
        Architecture("transformer", "Tiny transformer", TinyTransformer),
    )
}


def _initialise(module: nn.Module, generator: torch.Generator) -> None:
    """PyTorch's default distributions, drawn from the given generator instead of the global one."""
    if isinstance(module, (nn.Linear, nn.Conv2d)):
        bound = 1 / sqrt(module.weight[0].numel())
        for parameter in module.parameters(recurse=False):
            nn.init.uniform_(parameter, -bound, bound, generator=generator)
    elif isinstance(module, (nn.LayerNorm, nn.BatchNorm2d)):
        module.reset_parameters()
    elif isinstance(module, TinyTransformer):
        nn.init.normal_(module.position, std=0.02, generator=generator)


def build(name: str, generator: torch.Generator) -> nn.Module:
    """A freshly initialised float32 network on the CPU, in training mode.

    Args:
        name: a key of `ARCHITECTURES`.
        generator: where the initial weights are drawn from; the global generator is not touched.

    Raises:
        ValueError: unknown name.

    >>> build("linear", torch.Generator().manual_seed(0))(torch.zeros(3, 64)).shape
    torch.Size([3, 10])
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"name={name!r} is unknown; allowed: {', '.join(ARCHITECTURES)}")
    # Assembled without storage first: PyTorch's constructors would draw from the global generator.
    with torch.device("meta"):
        model = ARCHITECTURES[name].assemble()
    model = model.to_empty(device="cpu")
    for module in model.modules():
        _initialise(module, generator)
    return model
