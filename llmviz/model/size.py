"""How large a model will be, by arithmetic: no torch, so the page can say it before anything is built.

V = vocab_size, T = block_size, C = n_embd, L = n_layer, H = n_head, K = heads of keys and values,
D = head width, F = MLP width, B = batch_size.
"""

from typing import Protocol

from llmviz.model.choices import MAX_PAIRS, SMEAR_INPUTS, Choices
from llmviz.model.processor import ONEDNN_IS_FASTER, attends_at_once

FLOAT = 4  # bytes in a 32-bit number


class Shape(Protocol):
    """What `ModelSettings` and `GPTConfig` have in common."""

    n_layer: int
    n_head: int
    n_embd: int
    block_size: int
    dropout: float

    @property
    def choices(self) -> Choices:
        """Of the parts."""


def n_parameters(model: Shape, vocab_size: int) -> int:
    """How many numbers the model learns. A tied head counts once."""
    choices, C, V = model.choices, model.n_embd, vocab_size
    if not choices.blocks:
        return V * V
    ends = V * C * (1 if choices.tied else 2)
    ends += model.block_size * C if choices.positions == "learned" else 0
    ends += _norm(choices, C) * (choices.embedding_norm + (choices.norm_place == "pre"))
    ends += min(V * V, MAX_PAIRS) * C if choices.bigram_embeddings else 0
    ends += (choices.ngram_embeddings - 1) * choices.ngram_rows * C if choices.ngram_embeddings else 0
    ends += min(C, SMEAR_INPUTS) + 1 if choices.smear else 0
    return ends + model.n_layer * _block(model, V)


def _block(model: Shape, vocab_size: int) -> int:
    """Numbers learned in one block."""
    choices, C, K, D = model.choices, model.n_embd, model.choices.n_kv_head, model.choices.head_width
    wide = (model.n_head + 2 * K) * D + (2 if choices.activation == "swiglu" else 1) * choices.mlp_width
    biases = wide + 2 * C if choices.bias else 0  # of what widens, and of the two projections back to C
    norms = 2 * _norm(choices, C) + 2 * _norm(choices, D) * choices.qk_norm
    shortcuts = 2 * choices.x0_shortcut + vocab_size * K * D * choices.value_embeddings
    return block_matrices(model) + biases + norms + shortcuts


def block_matrices(model: Shape) -> int:
    """Numbers in the matrices of one block: of attention, C·(H + 2K)·D and H·D·C; of the MLP, two or three
    of C·F."""
    choices, C, H = model.choices, model.n_embd, model.n_head
    attention = C * (2 * H + 2 * choices.n_kv_head) * choices.head_width
    return attention + (3 if choices.activation == "swiglu" else 2) * C * choices.mlp_width


def _norm(choices: Choices, width: int) -> int:
    """Gains, and a LayerNorm's biases."""
    return {"layernorm": 1 + choices.bias, "rmsnorm": 1, "plain-rmsnorm": 0}[choices.norm] * width


# What the forward pass of a layer keeps for the backward pass, with the widest gradients on the way back:
# counted in the code, then set by the peak memory of real training. PyTorch puts RMSNorm and RoPE together
# from smaller parts, each of which keeps something.
_KEPT = 8  # vectors of C numbers a token, in every layer: the stream, two norms, the way out of attention
# Vectors of F numbers, by activation.
_KEPT_BY = {"gelu": 2, "gelu-exact": 2, "relu": 2, "relu2": 2, "swiglu": 4}
ONEDNN = 20_000_000  # bytes: its kernels, compiled for every shape, and transposed copies
# Bytes: kernels, allocator, and the pages of Python and torch that get written to.
WORKSPACE = 40_000_000 + (ONEDNN if ONEDNN_IS_FASTER else 0)
_SCRATCH = 2 * 12  # numbers, times C²: the kernels' copies of one layer's matrices, and gaps between them


def memory_bytes(
    model: Shape, vocab_size: int, batch_size: int, remembered: int | None = None, threads: int = 1
) -> int:
    """About how many bytes training takes at its peak, above a worker that idles. Within 25 % of the memory
    measured for models of 1 to 10 million parameters.

    remembered: how many numbers the optimizer keeps; None: AdamW's two moments, which make four numbers a
    parameter with weights and gradients. threads: how many compute; 0: nobody knows yet, so the most is told.
    The rest grows with the number of tokens in a batch, most of it with every layer.
    """
    tokens = batch_size * model.block_size
    parameters = n_parameters(model, vocab_size)
    states = 2 * parameters + (2 * parameters if remembered is None else remembered)
    if not model.choices.blocks:
        return FLOAT * (states + 4 * tokens * vocab_size) + WORKSPACE
    layers = tokens * model.n_layer * _kept(model)
    ends = tokens * (8 * model.n_embd + 3 * vocab_size)  # embeddings; logits, their log-softmax and gradient
    ends += tokens * vocab_size if model.choices.soft_cap else 0
    # With dropout attention writes every head's (T, T) weights down: the scores, the weights, and what is
    # left of them. Otherwise it does so only where several threads are faster that way.
    looks = tokens * model.n_head * model.block_size
    dropped = model.n_layer * (3 * looks + 3 * tokens * model.n_embd) if model.dropout else 0
    at_once = threads != 1 and not model.dropout and not attention_table(model)
    if at_once and attends_at_once(batch_size, model.n_head, model.block_size):
        layers += (model.n_layer + 2) * looks  # kept; and on the way back, their gradients and the scores'
    scratch = _SCRATCH * model.n_embd**2
    return FLOAT * (states + layers + ends + dropped + scratch + attention_table(model)) + WORKSPACE


def _kept(model: Shape) -> float:
    """Numbers that a layer keeps for one token."""
    choices, C, D = model.choices, model.n_embd, model.choices.head_width
    queries, keys = model.n_head * D, choices.n_kv_head * D
    kept = (_KEPT - 4) * C + 2 * queries + 2 * keys + _KEPT_BY[choices.activation] * choices.mlp_width
    kept += 0 if choices.norm == "layernorm" else 3 * C
    kept += (queries + keys) * ((choices.positions == "rope") + choices.qk_norm)
    kept += 2 * queries if choices.n_kv_head < model.n_head else 0  # keys and values, a copy for each head
    return kept + 2 * C * choices.x0_shortcut + keys * choices.value_embeddings


def attention_table(model: Shape) -> int:
    """How many numbers the table of who may look at whom has, where it is more than "everything before"."""
    if not model.choices.blocks:
        return 0
    if model.choices.positions == "alibi":
        return model.n_head * model.block_size**2
    return model.block_size**2 if model.choices.window < model.block_size else 0


def flops_per_token(model: Shape, vocab_size: int) -> int:
    """Floating-point operations to train on one token, forward and backward.

    6 for every weight that is multiplied (2 forward, 4 backward) and 12·L·H·D·T for attention, which
    multiplies activations by one another. Source: Chowdhery et al. 2022, "PaLM", appendix B. Lookups cost
    nothing, and a sliding window saves nothing here: what it hides is computed first.
    """
    choices = model.choices
    if not choices.blocks:
        return vocab_size  # the gradient of the row that was looked up
    multiplied = model.n_layer * block_matrices(model) + vocab_size * model.n_embd
    return 6 * multiplied + 12 * model.n_layer * model.n_head * choices.head_width * model.block_size
