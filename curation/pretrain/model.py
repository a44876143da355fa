"""A small GPT. Shapes: B rows, T tokens, W width, H heads, D = W / H head width, V vocabulary.

Pre-normalised blocks with RMSNorm without gain (Zhang and Sennrich 2019), rotary positions (Su et al. 2021),
queries and keys normalised before attention, which bounds its logits and with them a cause of loss spikes
(Dehghani et al. 2023), squared ReLU (So et al. 2021), no biases; as in karpathy/nanochat. Attention is causal
over the whole row: it is not cut at the borders of packed documents.

Input and output embeddings are tied (Press and Wolf 2017): at this size an untied one would be nearly a third
of the weights, and a short training would hardly touch most of its rows; tied, each row is trained by every
prediction.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from curation.errors import RecipeError
from curation.recipe import Pretrain


class GPT(nn.Module):
    """Token ids (B, T) → logits (B, V, T last), for T up to the settings' context."""

    cos: Tensor
    sin: Tensor

    def __init__(self, settings: Pretrain, vocabulary: int) -> None:
        super().__init__()
        check(settings)
        head_width = settings.width // settings.heads
        self.embedding = nn.Embedding(vocabulary, settings.width)
        self.blocks = nn.ModuleList(Block(settings.width, settings.heads) for _ in range(settings.layers))
        frequencies = 10_000 ** -(torch.arange(0, head_width, 2) / head_width)
        angles = torch.outer(torch.arange(settings.context), frequencies)  # (T, D/2)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        self._initialise()

    def forward(self, ids: Tensor) -> Tensor:
        """Logits (B, T, V) of the token after each."""
        cos, sin = self.cos[: ids.shape[1]], self.sin[: ids.shape[1]]
        x = norm(self.embedding(ids))
        for block in self.blocks:
            x = block(x, cos, sin)
        return functional.linear(norm(x), self.embedding.weight)

    @torch.no_grad()
    def _initialise(self) -> None:
        """Matrices uniform with deviation 1/√W; those that write into the residual stream start at 0."""
        width = self.embedding.embedding_dim
        nn.init.normal_(self.embedding.weight, std=0.02)  # small: the first predictions are near uniform
        for name, matrix in self.blocks.named_parameters():
            if name.endswith("out.weight"):
                nn.init.zeros_(matrix)
            else:
                nn.init.uniform_(matrix, -((3 / width) ** 0.5), (3 / width) ** 0.5)


class Block(nn.Module):
    """Attention, then a feed-forward network of four times the width, each added to its input (B, T, W)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_in = nn.Linear(width, 3 * width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.feed_in = nn.Linear(width, 4 * width, bias=False)
        self.feed_out = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self._attend(norm(x), cos, sin)
        return x + self.feed_out(functional.relu(self.feed_in(norm(x))).square())

    def _attend(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        rows, length, width = x.shape
        qkv = self.attention_in(x).view(rows, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = qkv.unbind(0)  # (B, H, T, D) each
        query, key = norm(rotate(query, cos, sin)), norm(rotate(key, cos, sin))
        heads = functional.scaled_dot_product_attention(query, key, value.to(query.dtype), is_causal=True)
        return self.attention_out(heads.transpose(1, 2).reshape(rows, length, width))


def norm(x: Tensor) -> Tensor:
    """Each vector divided by its root mean square."""
    return functional.rms_norm(x, x.shape[-1:])


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """(B, H, T, D) with each pair (i, i + D/2) turned by its position's angle."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)


def check(settings: Pretrain) -> None:
    """RecipeError if no model has this shape."""
    pair = 2 * settings.heads
    if settings.width % pair:
        raise RecipeError(
            f"pretrain.width {settings.width} is not a multiple of {pair}, twice pretrain.heads: "
            f"a head needs an even width. Take {-(-settings.width // pair) * pair}"
        )
