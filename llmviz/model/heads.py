"""The attention of a variant: heads that may share their keys and values, be normalised, turned, and more.

Shapes: B sequences in the batch, T tokens, C = n_embd, H heads, K heads of keys and values, D = head width.
"""

import math

from torch import Tensor, nn

from llmviz.model.config import GPTConfig
from llmviz.model.linear import Linear
from llmviz.model.norms import make_norm
from llmviz.model.shortcuts import make_value_embedding

MUP_HEAD = 16  # the width of a head at which µP's attention is the usual one


class CausalSelfAttention(nn.Module):
    """The heads of one layer. What is optional is a module that was chosen, or one that changes nothing."""

    def __init__(self, config: GPTConfig, turn: nn.Module, view: nn.Module) -> None:
        super().__init__()
        choices, D = config.choices, config.head_size
        self.n_head, self.n_kv_head, self.head_size = config.n_head, choices.n_kv_head, D
        self.c_attn = Linear(config.n_embd, (config.n_head + 2 * choices.n_kv_head) * D, bias=choices.bias)
        self.c_proj = Linear(config.n_head * D, config.n_embd, bias=choices.bias)
        # QK-norm: lengths are fixed, directions decide, no score can run away (Dehghani et al. 2023).
        self.q_norm = make_norm(config, D) if choices.qk_norm else nn.Identity()
        self.k_norm = make_norm(config, D) if choices.qk_norm else nn.Identity()
        self.q_scale = Scale(math.sqrt(MUP_HEAD / D)) if choices.init == "mup" else nn.Identity()
        self.turn = turn
        served = config.n_head // choices.n_kv_head
        self.share = Share(served) if served > 1 else nn.Identity()
        self.values = make_value_embedding(config)
        self.view = view
        self.attn_dropout = nn.Dropout(config.dropout)
        self.resid_dropout = nn.Dropout(config.dropout)

    def queries_keys_values(self, x: Tensor, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, C) and the tokens (B, T) → three of (B, H, T, D)."""
        H, K = self.n_head, self.n_kv_head
        q, k, v = self.c_attn(x).unflatten(-1, (H + 2 * K, self.head_size)).split((H, K, K), dim=2)
        q, k = self.turn(self.q_scale(self.q_norm(q))), self.turn(self.k_norm(k))
        v = self.values(v, ids)
        return q.transpose(1, 2), self.share(k.transpose(1, 2)), self.share(v.transpose(1, 2))

    def join_heads(self, y: Tensor) -> Tensor:
        """(B, H, T, D) → (B, T, C): the heads side by side, then mixed by one more matrix."""
        return self.resid_dropout(self.c_proj(y.transpose(1, 2).flatten(2)))

    def forward(self, x: Tensor, ids: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C), the fast way."""
        q, k, v = self.queries_keys_values(x, ids)
        return self.join_heads(self.view.fused(q, k, v, self.dropout_now))

    def forward_with_attention(self, x: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, C) → the same (B, T, C) and the weights (B, H, T, T), the readable way."""
        q, k, v = self.queries_keys_values(x, ids)
        y, weights = self.view.with_weights(q, k, v, self.dropout_now)
        return self.join_heads(y), weights

    @property
    def dropout_now(self) -> float:
        """The share of attention weights to drop: none outside of training."""
        return self.attn_dropout.p if self.training else 0.0


class Share(nn.Module):
    """Grouped queries: each head of keys (or values) serves several heads of queries that follow one another.

    With one for all it is multi-query attention. It saves memory when writing, and a little quality. Source:
    Ainslie et al. 2023, "GQA"; Shazeer 2019, "Fast transformer decoding".
    """

    def __init__(self, served: int) -> None:
        super().__init__()
        self.served = served

    def forward(self, x: Tensor) -> Tensor:
        """(B, K, T, D) → (B, H, T, D)."""
        return x.repeat_interleave(self.served, dim=1)


class Scale(nn.Module):
    """Times a number. µP divides scores by D, not by √D: learned queries and keys point the same way, so that
    their product grows with D. Source: Yang et al. 2022, "Tensor Programs V", definition 4.1."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Any shape → the same shape."""
        return x * self.factor
