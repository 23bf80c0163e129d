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


def memory_bytes(model: Shape, vocab_size: int, batch_size: int) -> int:
    """About how many bytes training takes beyond the program itself: an estimate, a little on the safe side.

    Weights, gradients and AdamW's two moments are four numbers a parameter; what the forward pass keeps for
    the backward pass is counted per token below.
    """
    states = 4 * n_parameters(model, vocab_size)
    tokens = batch_size * model.block_size
    C = model.n_embd
    # Kept per token and layer: both norms' inputs and outputs (4C), q, k, v and the mixed values (4C), the
    # projection (C), and the MLP's 4C before and after its bend, with its output (9C); then one gradient each
    # of the widest two while going back.
    activations = tokens * (model.n_layer * 18 * C + 8 * C)
    logits = 3 * tokens * vocab_size  # the logits, their log-softmax and their gradient
    return FLOAT * (states + activations + logits)


def flops_per_token(model: Shape, vocab_size: int) -> int:
    """Floating-point operations to train on one token, forward and backward.

    6 for every weight that is multiplied (2 forward, 4 backward) and 12·L·C·T for attention, which multiplies
    activations by one another. Source: Chowdhery et al. 2022, "PaLM", appendix B. Lookups cost nothing.
    """
    C, L = model.n_embd, model.n_layer
    multiplied = L * 12 * C * C + vocab_size * C
    return 6 * multiplied + 12 * L * C * model.block_size
