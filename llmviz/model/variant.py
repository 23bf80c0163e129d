"""A GPT put together from parts that were chosen: the skeleton of GPT-2, with a slot for each of them.

`gpt2.py` and `modern.py` are the same skeleton written out for one choice of parts each, to be read. Tests
hold them equal to this one. Names are theirs, so that weights fit wherever parts do.

Shapes: B sequences in the batch, T tokens, C = n_embd, H heads, V = vocab_size.
"""

import torch
from torch import Tensor, nn

from llmviz.model.activations import make_mlp
from llmviz.model.config import GPTConfig
from llmviz.model.gpt import GPT, Intermediates
from llmviz.model.heads import CausalSelfAttention
from llmviz.model.initial import make_initial
from llmviz.model.linear import Linear, linear
from llmviz.model.ngrams import make_ngram_embedding
from llmviz.model.norms import make_norm
from llmviz.model.positions import added_positions, turned_positions
from llmviz.model.shortcuts import make_embeddings_again, make_pair_embedding, make_smear
from llmviz.model.views import make_view


class Block(nn.Module):
    """Pre-norm: attention, then MLP, each reading a normalised copy of the stream and adding to it."""

    def __init__(self, config: GPTConfig, turn: nn.Module, view: nn.Module) -> None:
        super().__init__()
        self.mix = make_embeddings_again(config)
        self.ln_1 = make_norm(config, config.n_embd)
        self.attn = CausalSelfAttention(config, turn, view)
        self.ln_2 = make_norm(config, config.n_embd)
        self.mlp = make_mlp(config)

    def forward(self, x: Tensor, x0: Tensor, ids: Tensor) -> Tensor:
        """The stream, the embeddings (both B, T, C) and the tokens (B, T) → the stream."""
        x = self.mix(x, x0)
        x = x + self.attn(self.ln_1(x), ids)
        return x + self.mlp(self.ln_2(x))

    def forward_with_intermediates(self, x: Tensor, x0: Tensor, ids: Tensor) -> tuple[Tensor, Intermediates]:
        """The same stream, and what happened on the way."""
        x = self.mix(x, x0)
        norm_1 = self.ln_1(x)
        mixed, weights = self.attn.forward_with_attention(norm_1, ids)
        x = x + mixed
        norm_2 = self.ln_2(x)
        return x + self.mlp(norm_2), Intermediates(norm_1, weights, x, norm_2)


class PostNormBlock(Block):
    """Post-norm: the sum is normalised, so that the stream never grows, and no gradient passes it untouched.

    Source: Vaswani et al. 2017, section 3.1; what it does to gradients: Xiong et al. 2020.
    """

    def forward(self, x: Tensor, x0: Tensor, ids: Tensor) -> Tensor:
        """The stream, the embeddings (both B, T, C) and the tokens (B, T) → the stream."""
        x = self.mix(x, x0)
        x = self.ln_1(x + self.attn(x, ids))
        return self.ln_2(x + self.mlp(x))

    def forward_with_intermediates(self, x: Tensor, x0: Tensor, ids: Tensor) -> tuple[Tensor, Intermediates]:
        """The same stream, and what happened on the way."""
        x = self.mix(x, x0)
        mixed, weights = self.attn.forward_with_attention(x, ids)
        norm_1 = self.ln_1(x + mixed)
        norm_2 = self.ln_2(norm_1 + self.mlp(norm_1))
        return norm_2, Intermediates(norm_1, weights, norm_1, norm_2)


class TiedHead(nn.Module):
    """The embedding table once more. It is lent, not owned, so that the weights hold it once."""

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        self.lent = (table,)

    def forward(self, x: Tensor) -> Tensor:
        """(…, C) → (…, V)."""
        return linear(x, self.lent[0].weight)


class SoftCap(nn.Module):
    """Bends scores towards ±cap: cap · tanh(x / cap). Source: Gemma Team 2024, "Gemma 2"."""

    def __init__(self, cap: float) -> None:
        super().__init__()
        self.cap = cap

    def forward(self, logits: Tensor) -> Tensor:
        """Any shape → the same shape."""
        return self.cap * torch.tanh(logits / self.cap)


_BLOCKS = {"pre": Block, "post": PostNormBlock}


class VariantGPT(GPT):
    """Embeddings, `n_layer` blocks, a last norm where the blocks leave the stream as it is, and a head."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__(config)
        choices, turn, view = config.choices, turned_positions(config), make_view(config)
        make_block = _BLOCKS[choices.norm_place]
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        self.pairs = make_pair_embedding(config)
        self.ngrams = make_ngram_embedding(config)
        self.wpe = added_positions(config)
        self.ln_0 = make_norm(config, config.n_embd) if choices.embedding_norm else nn.Identity()
        self.smear = make_smear(config)
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(make_block(config, turn, view) for _ in range(config.n_layer))
        self.ln_f = make_norm(config, config.n_embd) if choices.norm_place == "pre" else nn.Identity()
        self.lm_head = TiedHead(self.wte)
        if not choices.tied:
            self.lm_head = Linear(config.n_embd, config.vocab_size, bias=False)
        self.soft_cap = SoftCap(choices.soft_cap) if choices.soft_cap else nn.Identity()
        self.initial = make_initial(config)
        self.initial.fill(self)

    def embed(self, ids: Tensor) -> Tensor:
        """(B, T) token ids → (B, T, C)."""
        x = self.wpe(self.ngrams(self.pairs(self.wte(ids), ids), ids))
        return self.drop(self.smear(self.ln_0(x)))

    def told(self, ids: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        """What every block is told besides the stream: the embeddings and the tokens."""
        return x, ids

    def unembed(self, x: Tensor) -> Tensor:
        """(…, C) → (…, V)."""
        return self.soft_cap(self.lm_head(self.ln_f(x)))

    def lr_multipliers(self) -> dict[str, float]:
        """What the way the weights began asks of the optimizer."""
        return self.initial.lr_multipliers(self)
