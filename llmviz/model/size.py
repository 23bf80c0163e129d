"""How large a model will be, by arithmetic: no torch, so the page can say it before anything is built.

V = vocab_size, T = block_size, C = n_embd, L = n_layer, H = n_head, B = batch_size.
"""

from typing import Protocol

FLOAT = 4  # bytes in a 32-bit number


class Shape(Protocol):
    """What `ModelSettings` and `GPTConfig` have in common."""

    architecture: str
    n_layer: int
    n_head: int
    n_embd: int
    block_size: int
    dropout: float


def n_parameters(model: Shape, vocab_size: int) -> int:
    """How many numbers the model learns. A tied head counts once."""
    return _COUNT[model.architecture](model, vocab_size)


def _gpt2(model: Shape, vocab_size: int) -> int:
    C = model.n_embd
    matrices = 12 * C * C  # 3C² queries, keys, values; C² projection; 4C² + 4C² in the MLP
    biases = 9 * C  # 3C + C + 4C + C
    norms = 2 * 2 * C  # two LayerNorms, each a gain and a bias
    return (vocab_size + model.block_size) * C + model.n_layer * (matrices + biases + norms) + 2 * C


def _modern(model: Shape, vocab_size: int) -> int:
    C = model.n_embd
    return 2 * vocab_size * C + model.n_layer * 12 * C * C  # no positions, biases or gains; a head of its own


_COUNT = {"gpt2": _gpt2, "modern": _modern}


# What the forward pass of a layer keeps for the backward pass, in vectors of C numbers a token, with the
# widest gradients on the way back: counted in the code, then set by the peak memory of real training. The
# modern model keeps more, because PyTorch puts its norms together from smaller parts.
_KEPT = {"gpt2": 16, "modern": 23}
_WORKSPACE = 40_000_000  # bytes: kernels, allocator, and the pages of Python and torch that get written to
_SCRATCH = 2 * 12  # numbers, times C²: the kernels' copies of one layer's matrices, and gaps between them


def memory_bytes(model: Shape, vocab_size: int, batch_size: int, remembered: int | None = None) -> int:
    """About how many bytes training takes at its peak, above a worker that idles. Within 25 % of the memory
    measured for models of 1 to 10 million parameters.

    remembered: how many numbers the optimizer keeps; None: AdamW's two moments, which make four numbers a
    parameter with weights and gradients. The rest grows with the number of tokens in a batch, most of it with
    every layer.
    """
    tokens = batch_size * model.block_size
    parameters = n_parameters(model, vocab_size)
    states = 2 * parameters + (2 * parameters if remembered is None else remembered)
    layers = tokens * model.n_layer * _KEPT[model.architecture] * model.n_embd
    ends = tokens * (8 * model.n_embd + 3 * vocab_size)  # embeddings; logits, their log-softmax and gradient
    # With dropout attention writes every head's (T, T) weights down, which it never does otherwise: the
    # scores, the weights, and what is left of them.
    per_token = 3 * model.n_head * model.block_size + 3 * model.n_embd
    dropped = tokens * model.n_layer * per_token if model.dropout else 0
    scratch = _SCRATCH * model.n_embd**2
    return FLOAT * (states + layers + ends + dropped + scratch) + _WORKSPACE


def flops_per_token(model: Shape, vocab_size: int) -> int:
    """Floating-point operations to train on one token, forward and backward.

    6 for every weight that is multiplied (2 forward, 4 backward) and 12·L·C·T for attention, which multiplies
    activations by one another. Source: Chowdhery et al. 2022, "PaLM", appendix B. Lookups cost nothing.
    """
    C, L = model.n_embd, model.n_layer
    multiplied = L * 12 * C * C + vocab_size * C
    return 6 * multiplied + 12 * L * C * model.block_size
