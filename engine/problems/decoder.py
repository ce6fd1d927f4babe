"""A small causal transformer: characters in, logits of the next character out."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class CausalAttention(nn.Module):
    """Softmax attention to what came before. Four separate square matrices, so each has a spectrum of its own."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (batch, length, width) to the same shape."""
        query, key, value = (
            matrix(tokens).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for matrix in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.output(mixed.transpose(1, 2).flatten(-2))


class DecoderBlock(nn.Module):
    """Pre-norm: attention and a GELU feed-forward, each added to its input."""

    def __init__(self, width: int, heads: int, feed_forward: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = CausalAttention(width, heads)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, feed_forward)
        self.down = nn.Linear(feed_forward, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (batch, length, width) to the same shape."""
        tokens = tokens + self.attention(self.attention_norm(tokens))
        return tokens + self.down(functional.gelu(self.up(self.feed_forward_norm(tokens))))


class Decoder(nn.Module):
    """Learned embeddings of characters and positions, blocks, a norm, a readout of its own (no weight is shared)."""

    def __init__(
        self, characters: int, context: int, width: int, heads: int, blocks: int, feed_forward: int
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, width)
        self.position = nn.Embedding(context, width)
        self.blocks = nn.ModuleList(DecoderBlock(width, heads, feed_forward) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.readout = nn.Linear(width, characters)

    def forward(self, characters: Tensor) -> Tensor:
        """Indices (batch, length ≤ context) to logits (batch, length, alphabet) of the character that follows each."""
        places = torch.arange(characters.shape[1], device=characters.device)
        tokens = self.embedding(characters) + self.position(places)
        for block in self.blocks:
            tokens = block(tokens)
        return self.readout(self.norm(tokens))
