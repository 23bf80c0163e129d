"""Loss on text the model has not seen, defined once.

The text is cut into consecutive windows of `block_size` tokens, the last one possibly shorter. The model
reads each window by itself, knowing nothing of the one before, and every token but the very first of the text
is predicted exactly once. So the first guesses of a window have little to go on: that is part of the
definition.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from llmviz.model.gpt import GPT, reading

TOKENS_AT_ONCE = 2048  # windows are read in batches of about so many tokens: enough to keep a CPU busy, and
# a worker small: 8192 were no faster and took 30 MB more, for Spark


class SpellsTokens(Protocol):
    """What evaluation needs of a tokenizer."""

    vocab_size: int

    def token_bytes(self, token_id: int, /) -> bytes:
        """The UTF-8 bytes that a token stands for."""


@dataclass(frozen=True)
class Evaluation:
    """What a sweep over text found. An estimate from a subset of windows, unless `full`."""

    loss: float  # mean surprise, in nats a token
    perplexity: float  # e^loss: as unsure as if choosing among so many tokens
    bits_per_byte: float  # nats / ln 2 / UTF-8 bytes predicted: comparable between tokenizers
    accuracy: float  # share of tokens that were the model's first guess
    n_tokens: int  # tokens predicted
    n_bytes: int  # UTF-8 bytes of those tokens
    full: bool


def evaluate(
    model: GPT,
    ids: Sequence[int] | np.ndarray,
    block_size: int,
    tokenizer: SpellsTokens | Sequence[int],
    windows: int | None = None,
    seed: int = 0,
) -> Evaluation:
    """Measure a model on `ids`: all windows, or a fixed subset of `windows` of them that `seed` picks.

    tokenizer: the tokenizer, or already the number of bytes of each token (`token_byte_lengths`).
    Dropout is off and torch's dice are not touched; afterwards the model is in the mode it was in.
    Raises ValueError when there is nothing to predict.
    """
    visited = windows_to_visit(len(ids), block_size, windows, seed)
    lengths = token_byte_lengths(tokenizer) if hasattr(tokenizer, "token_bytes") else tokenizer
    bytes_of = np.asarray(lengths, dtype=np.int64)  # (V,)
    device = next(model.parameters()).device

    nats, right, n_tokens, n_bytes = 0.0, 0, 0, 0
    with reading(model):
        for tokens in _batches(ids, block_size, visited):  # (B, t + 1)
            batch_nats, batch_right = _score(model, torch.from_numpy(tokens).to(device))
            nats += batch_nats
            right += batch_right
            n_tokens += tokens[:, 1:].size
            n_bytes += int(bytes_of[tokens[:, 1:]].sum())

    loss = nats / n_tokens
    return Evaluation(
        loss=loss,
        perplexity=math.exp(loss)
        if loss < 700
        else loss * math.inf,  # e^710 is beyond a float; nan stays nan
        bits_per_byte=nats / math.log(2) / n_bytes if n_bytes else math.nan,
        accuracy=right / n_tokens,
        n_tokens=n_tokens,
        n_bytes=n_bytes,
        full=len(visited) == n_windows(len(ids), block_size),
    )


def n_windows(n_ids: int, block_size: int) -> int:
    """How many windows a text of n_ids tokens has: it holds n_ids − 1 predictions, block_size to a window."""
    return math.ceil((n_ids - 1) / block_size)


def windows_to_visit(n_ids: int, block_size: int, windows: int | None, seed: int) -> list[int]:
    """The numbers of the windows to read, in order. The same arguments always pick the same ones."""
    if n_ids < 2:
        raise ValueError(f"Predicting takes at least 2 tokens; this text has {n_ids}.")
    if windows is not None and windows < 1:
        raise ValueError(f"An estimate takes at least 1 window, not {windows}.")
    total = n_windows(n_ids, block_size)
    if windows is None or windows >= total:
        return list(range(total))
    return sorted(random.Random(seed).sample(range(total), windows))


def token_byte_lengths(tokenizer: SpellsTokens) -> list[int]:
    """How many UTF-8 bytes each token of the vocabulary stands for."""
    return [len(tokenizer.token_bytes(token_id)) for token_id in range(tokenizer.vocab_size)]


def _score(model: GPT, tokens: Tensor) -> tuple[float, int]:
    """(B, t + 1) tokens → the total surprise in nats, and how many first guesses were right."""
    inputs, targets = tokens[:, :-1], tokens[:, 1:].flatten()
    logits = model(inputs).flatten(0, 1)  # (B·t, V)
    surprise = F.cross_entropy(logits, targets, reduction="none")  # (B·t,)
    right = first_guess_is_right(logits, targets).sum()
    # float32 would lose digits over a million tokens, and Apple's graphics have nothing longer.
    return surprise.cpu().double().sum().item(), int(right)


def first_guess_is_right(logits: Tensor, targets: Tensor) -> Tensor:
    """(N, V) logits and (N,) targets → (N,) bool: was the target the model's first guess?

    A new model may give every token the same logit, which is no guess: so the target's has to be the largest
    and beat its neighbour's. (`logits.argmax(-1) == targets` would count token 0, at ten times the cost.)
    """
    rows = targets[:, None]  # (N, 1)
    chosen = logits.gather(-1, rows)
    neighbour = logits.gather(-1, (rows + 1) % logits.shape[-1])
    return ((chosen >= logits.amax(dim=-1, keepdim=True)) & (chosen > neighbour))[:, 0]


def _batches(ids: Sequence[int] | np.ndarray, block_size: int, visited: list[int]) -> Iterator[np.ndarray]:
    """Windows of the same length, stacked: each holds its block_size inputs and one token more to predict."""
    ids = np.asarray(ids)
    whole = [w for w in visited if (w + 1) * block_size < len(ids)]
    at_once = max(1, TOKENS_AT_ONCE // block_size)
    for first in range(0, len(whole), at_once):
        starts = np.array(whole[first : first + at_once]) * block_size
        yield ids[starts[:, None] + np.arange(block_size + 1)].astype(np.int64)
    if len(whole) < len(visited):  # only the last window of the text can be short
        yield ids[None, visited[-1] * block_size :].astype(np.int64)
