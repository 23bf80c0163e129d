"""A modern GPT, from top to bottom: the same skeleton as GPT-2, with what has proved itself since.

What is different: positions are rotations of queries and keys (RoPE) instead of an added table; norms are
RMSNorm without parameters; queries and keys are normalised (QK-norm); ReLU² replaces GELU; no biases; the
head has its own matrix; and everything that writes into the residual stream starts at zero, so that a new
model is exactly a blind guess. Each alone helps little or hurts; the bundle wins clearly. Source of the
bundle: Jordan et al., modded-nanogpt, and Karpathy, nanochat.

Shapes: B sequences in the batch, T tokens, C = n_embd, H heads, D = C / H, V = vocab_size.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.attention import attention_with_weights, fused_attention
from llmviz.model.config import GPTConfig
from llmviz.model.gpt import GPT, Intermediates
from llmviz.model.linear import Linear


def rms_norm(x: Tensor) -> Tensor:
    """Scale every vector (the last dimension) to a root mean square of 1: x / √(mean(x²) + ε).

    Nothing is learned here. Source: Zhang and Sennrich 2019, "Root Mean Square Layer Normalization".
    """
    return F.rms_norm(x, x.shape[-1:])


def rope_speeds(head_size: int, base: float = 10_000.0) -> Tensor:
    """(D/2,) radians a token: the first pair turns by 1, the last by nearly 1/base."""
    # A quotient, as everybody computes it: base ** (−x) rounds otherwise, and far along a text that shows.
    return 1 / base ** (torch.arange(0, head_size, 2) / head_size)


def complex_product(a: Tensor, b: Tensor) -> Tensor:
    """Two of (…, 2), real and imaginary parts → their products, (…, 2). Multiplying by cos θ + i·sin θ turns
    a pair of numbers by θ, and as one multiplication it is four times faster than as four."""
    if torch.compiler.is_compiling():  # which knows no complex numbers, and needs none to be fast
        (a_re, a_im), (b_re, b_im) = a.unbind(-1), b.unbind(-1)
        return torch.stack([a_re * b_re - a_im * b_im, a_re * b_im + a_im * b_re], dim=-1)
    return torch.view_as_real(torch.view_as_complex(a) * torch.view_as_complex(b))


class Rotary(nn.Module):
    """RoPE: turn each pair of numbers in a query or key by an angle that grows with its position.

    Turned by m·θ and n·θ, two vectors meet at an angle that depends on m − n only: tokens see how far apart
    they are. Every pair has its own speed θ (`rope_speeds`). Source: Su et al. 2021, "RoFormer".
    """

    def __init__(self, block_size: int, speeds: Tensor) -> None:
        super().__init__()
        angles = torch.outer(torch.arange(block_size), speeds)  # (block_size, D/2)
        turns = torch.stack([angles.cos(), angles.sin()], dim=-1)  # (block_size, D/2, 2): real, imaginary
        self.register_buffer("turns", turns, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, anything, D) → the same shape, position t turned by t·θ."""
        wide = torch.promote_types(x.dtype, torch.float32)  # there are no complex numbers of 16 bits
        pairs = x.to(wide).unflatten(-1, (-1, 2))  # (B, T, anything, D/2, 2)
        turns = self.turns[: x.shape[1], None].to(wide)  # (T, 1, D/2, 2)
        return complex_product(pairs, turns).flatten(-2).to(x.dtype)


class CausalSelfAttention(nn.Module):
    """The heads of one layer. Queries and keys are normalised and turned; values are left alone."""

    def __init__(self, config: GPTConfig, rotary: Rotary) -> None:
        super().__init__()
        self.n_head = config.n_head
        self.rotary = rotary
        self.c_attn = Linear(config.n_embd, 3 * config.n_embd, bias=False)
        self.c_proj = Linear(config.n_embd, config.n_embd, bias=False)
        self.attn_dropout = nn.Dropout(config.dropout)
        self.resid_dropout = nn.Dropout(config.dropout)

    def queries_keys_values(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, C) → three of (B, H, T, D)."""
        H, D = self.n_head, x.shape[-1] // self.n_head
        qk, v = self.c_attn(x).unflatten(-1, (3 * H, D)).split((2 * H, H), dim=2)
        # QK-norm: lengths are fixed, directions decide, no score can run away (Dehghani et al. 2023).
        q, k = self.rotary(rms_norm(qk)).split(H, dim=2)  # both at once: half the calls
        return q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)

    def join_heads(self, y: Tensor) -> Tensor:
        """(B, H, T, D) → (B, T, C)."""
        return self.resid_dropout(self.c_proj(y.transpose(1, 2).flatten(2)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C), the fast way."""
        q, k, v = self.queries_keys_values(x)
        return self.join_heads(fused_attention(q, k, v, self.dropout_now))

    def forward_with_attention(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, C) → the same (B, T, C) and the weights (B, H, T, T), the readable way."""
        q, k, v = self.queries_keys_values(x)
        y, weights = attention_with_weights(q, k, v, self.dropout_now)
        return self.join_heads(y), weights

    @property
    def dropout_now(self) -> float:
        """The share of attention weights to drop: none outside of training."""
        return self.attn_dropout.p if self.training else 0.0


class MLP(nn.Module):
    """Each token by itself: widen four times, keep the positive part and square it, narrow again."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.c_fc = Linear(config.n_embd, 4 * config.n_embd, bias=False)
        self.c_proj = Linear(4 * config.n_embd, config.n_embd, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C). ReLU²: So et al. 2021, "Primer"."""
        return self.dropout(self.c_proj(F.relu(self.c_fc(x)).square()))


class Block(nn.Module):
    """Attention, then MLP, each reading a normalised copy of the residual stream and adding to it."""

    def __init__(self, config: GPTConfig, rotary: Rotary) -> None:
        super().__init__()
        self.attn = CausalSelfAttention(config, rotary)
        self.mlp = MLP(config)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        x = x + self.attn(rms_norm(x))
        return x + self.mlp(rms_norm(x))

    def forward_with_intermediates(self, x: Tensor) -> tuple[Tensor, Intermediates]:
        """(B, T, C) → the same (B, T, C), and what happened on the way."""
        norm_1 = rms_norm(x)
        mixed, weights = self.attn.forward_with_attention(norm_1)
        x = x + mixed
        norm_2 = rms_norm(x)
        return x + self.mlp(norm_2), Intermediates(norm_1, weights, x, norm_2)


class ModernGPT(GPT):
    """Normalised token embeddings, `n_layer` blocks, a last norm and a head of its own."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__(config)
        # One table of angles for all layers.
        rotary = Rotary(config.block_size, rope_speeds(config.head_size))
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config, rotary) for _ in range(config.n_layer))
        self.lm_head = Linear(config.n_embd, config.vocab_size, bias=False)
        self.init_weights()

    def embed(self, ids: Tensor) -> Tensor:
        """(B, T) token ids → (B, T, C). Positions are not added here: `Rotary` brings them in."""
        return self.drop(rms_norm(self.wte(ids)))

    def unembed(self, x: Tensor) -> Tensor:
        """(…, C) → (…, V)."""
        return self.lm_head(rms_norm(x))

    def init_weights(self) -> None:
        """Uniform weights of variance 1/C, and zeros wherever something is added or read off."""
        # The norm after it hides the size, but short vectors turn faster in training: validation loss 0.02
        # lower than with a standard deviation of 1 (tiny Shakespeare, 500 steps, rates 3e-3 and 6e-3).
        nn.init.normal_(self.wte.weight, std=0.02)
        bound = math.sqrt(3 / self.config.n_embd)  # uniform on ±√3·σ has standard deviation σ
        for block in self.blocks:
            nn.init.uniform_(block.attn.c_attn.weight, -bound, bound)
            nn.init.uniform_(block.mlp.c_fc.weight, -bound, bound)
            nn.init.zeros_(block.attn.c_proj.weight)
            nn.init.zeros_(block.mlp.c_proj.weight)
        nn.init.zeros_(self.lm_head.weight)
