"""GPT-2, from top to bottom: the model that the book builds (chapter 4).

Names are those of the original, so that its weights and other people's code look familiar. Source: Radford
et al. 2019, "Language Models are Unsupervised Multitask Learners".

Shapes: B sequences in the batch, T tokens, C = n_embd, H heads, D = C / H, V = vocab_size.
"""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.attention import attention_with_weights, fused_attention
from llmviz.model.config import GPTConfig
from llmviz.model.gpt import GPT, Intermediates
from llmviz.model.linear import Linear, linear


class CausalSelfAttention(nn.Module):
    """The heads of one layer: tokens exchange what they know."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.n_head = config.n_head
        # One matrix makes queries, keys and values for all heads: one large product beats 3·H small ones.
        self.c_attn = Linear(config.n_embd, 3 * config.n_embd)
        self.c_proj = Linear(config.n_embd, config.n_embd)
        self.attn_dropout = nn.Dropout(config.dropout)
        self.resid_dropout = nn.Dropout(config.dropout)

    def queries_keys_values(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, C) → three of (B, H, T, D)."""
        B, T, C = x.shape
        qkv = self.c_attn(x).view(B, T, 3, self.n_head, C // self.n_head)
        return qkv.permute(2, 0, 3, 1, 4).unbind()

    def join_heads(self, y: Tensor) -> Tensor:
        """(B, H, T, D) → (B, T, C): the heads side by side, then mixed by one more matrix."""
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
    """Each token by itself: widen four times, bend, narrow again."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.c_fc = Linear(config.n_embd, 4 * config.n_embd)
        self.c_proj = Linear(4 * config.n_embd, config.n_embd)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        # GPT-2 approximated GELU with tanh, because the exact one was slow in 2018; its weights expect that.
        x = F.gelu(self.c_fc(x), approximate="tanh")  # (B, T, 4C)
        return self.dropout(self.c_proj(x))


class Block(nn.Module):
    """Attention, then MLP, each reading a normalised copy of the residual stream and adding to it."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd)
        self.mlp = MLP(config)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))

    def forward_with_intermediates(self, x: Tensor) -> tuple[Tensor, Intermediates]:
        """(B, T, C) → the same (B, T, C), and what happened on the way."""
        norm_1 = self.ln_1(x)
        mixed, weights = self.attn.forward_with_attention(norm_1)
        x = x + mixed
        norm_2 = self.ln_2(x)
        return x + self.mlp(norm_2), Intermediates(norm_1, weights, x, norm_2)


class GPT2(GPT):
    """Token and position embeddings, `n_layer` blocks, a last norm, and the embeddings again as the head."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__(config)
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)  # what each token means
        self.wpe = nn.Embedding(config.block_size, config.n_embd)  # where it stands
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.n_embd)
        self.init_weights()

    def embed(self, ids: Tensor) -> Tensor:
        """(B, T) token ids → (B, T, C)."""
        T = ids.shape[1]
        return self.drop(self.wte(ids) + self.wpe.weight[:T])

    def unembed(self, x: Tensor) -> Tensor:
        """(…, C) → (…, V). The head is tied: a token is likely when the stream points along its embedding."""
        return linear(self.ln_f(x), self.wte.weight)

    def init_weights(self) -> None:
        """GPT-2's start: small normal weights, zero biases, and quieter projections in deeper models."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
        # 2·n_layer projections add to the stream; scaled by 1/√(2·n_layer), their sum stays as large as one.
        for name, weight in self.named_parameters():
            if name.endswith("c_proj.weight"):
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * self.config.n_layer))
