"""Next characters of a text, by a small decoder."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from .decoder import Decoder
from .draws import initialised, mixed, require_integer, require_matrices
from .errors import InvalidProblem
from .problem import Problem

HELD_OUT = 0.05
"""share of the text, its end, that no batch sees"""


class CharacterTransformer(Problem):
    """Cross-entropy of the next character, in nats; a pre-norm decoder without dropout.

    A batch is windows of `context` + 1 characters at places drawn anew each step. Linear weights are torch's default,
    embeddings N(0, 0.02²). Matrices for the optimisers are the weights within the blocks: query, key, value, output and
    the two of the feed-forward; embeddings and readout are left to AdamW (Jordan et al., 2024).

    Args:
        text: the alphabet is the set of its characters; its last 5 % are held out and must hold a whole window.
        width, heads, blocks, feed_forward: of the decoder; heads divide the width; feed_forward None takes 2·width.
        context: characters a prediction can look back on.
        batch: windows a step.
        matrices: "hidden", or "all" to add the readout.

    Raises:
        InvalidProblem: (a ValueError) naming what does not fit.
    """

    slug = "character-transformer"
    title = "Characters, transformer"
    source = "ours"

    def __init__(
        self,
        text: str,
        width: int = 64,
        heads: int = 2,
        blocks: int = 2,
        context: int = 64,
        batch: int = 16,
        feed_forward: int | None = None,
        matrices: str = "hidden",
    ):
        self.context = require_integer("context", context, 1)
        self.windows = require_integer("batch", batch, 1)
        self.batch = self.windows
        self.matrices = require_matrices(matrices)
        sizes = {"width": width, "heads": heads, "blocks": blocks}
        sizes["feed_forward"] = 2 * width if feed_forward is None else feed_forward
        self.sizes = {name: require_integer(name, value, 1) for name, value in sizes.items()}
        if width % heads:
            raise InvalidProblem(f"heads is {heads}: a divisor of the width, {width}, is needed")
        self.alphabet = "".join(sorted(set(text)))
        characters = self.encode(text)
        held_out = int(HELD_OUT * len(characters))
        if held_out <= context:
            raise InvalidProblem(
                f"text has {len(text)} characters: {HELD_OUT:.0%} of it must exceed the context, {context}"
            )
        self.characters, self.held_out = characters[:-held_out], characters[-held_out:]

    def encode(self, text: str) -> Tensor:
        """(length,) places of the characters in `alphabet`."""
        places = {character: i for i, character in enumerate(self.alphabet)}
        unknown = sorted(set(text) - places.keys())
        if unknown:
            raise InvalidProblem(f"text has {unknown[0]!r}: characters of the alphabet are needed")
        return torch.tensor([places[character] for character in text], dtype=torch.int64)

    def model(self, seed: int, dtype: torch.dtype = torch.float32) -> nn.Module:
        """A `Decoder`."""
        return initialised(lambda: Decoder(len(self.alphabet), self.context, **self.sizes), seed, dtype)

    def windows_at(self, step: int, seed: int) -> Tensor:
        """(batch, context + 1) characters of step 1, 2, …"""
        generator = mixed(require_integer("seed", seed, 0), require_integer("step", step, 1))
        starts = torch.randint(len(self.characters) - self.context, (self.windows,), generator=generator)
        return self.characters[starts[:, None] + torch.arange(self.context + 1)]

    def losses(self, model: nn.Module, step: int, seed: int) -> Tensor:
        """(batch,) means over the positions of each window."""
        windows = self.windows_at(step, seed)
        logits = model(windows[:, :-1])
        return functional.cross_entropy(logits.mT, windows[:, 1:], reduction="none").mean(dim=-1)

    @torch.no_grad()
    def report(self, model: nn.Module) -> dict[str, float]:
        """Nats a character ("loss") and share of right guesses ("accuracy") over the held-out text, window by window."""
        count = (len(self.held_out) - 1) // self.context
        inputs = self.held_out[: count * self.context].view(count, self.context)
        following = self.held_out[1 : count * self.context + 1].view(count, self.context)
        logits = model(inputs).double()
        return {
            "loss": functional.cross_entropy(logits.mT, following).item(),
            "accuracy": (logits.argmax(dim=-1) == following).double().mean().item(),
        }

    def matrix_names(self, model: nn.Module) -> list[str]:
        """Weights of the blocks' linear layers, and of the readout with matrices="all"."""
        names = [f"{name}.weight" for name, part in model.named_modules() if isinstance(part, nn.Linear)]
        return names if self.matrices == "all" else names[:-1]
