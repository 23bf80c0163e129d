"""Which tokens may be chosen: temperature, top-k and top-p, in this order (book, section 5.3).

Each takes logits (…, V) and returns logits (…, V); a token that may not be chosen gets −∞, so that softmax
gives it exactly 0. They compute what the logits processors of `transformers` do; a test holds them equal.
"""

import torch
from torch import Tensor


def filter_logits(logits: Tensor, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> Tensor:
    """(…, V) → (…, V), ready for softmax.

    temperature: 0 leaves only the likeliest token. top_k: 0 is off. top_p: 1 is off.
    """
    if temperature == 0:
        return keep_likeliest(logits)
    logits = logits / temperature  # < 1 stretches the differences between tokens, > 1 levels them
    if top_k > 0:
        logits = keep_top_k(logits, top_k)
    if top_p < 1:
        logits = keep_top_p(logits, top_p)
    return logits


def keep_likeliest(logits: Tensor) -> Tensor:
    """Greedy: what sampling becomes as temperature goes to 0. Of equals, the first."""
    best = logits.argmax(dim=-1, keepdim=True)
    return torch.full_like(logits, -torch.inf).scatter(-1, best, logits.gather(-1, best))


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Keep the k largest logits, and others just as large as the k-th. Source: Fan et al. 2018."""
    kth = logits.topk(min(k, logits.shape[-1])).values[..., -1:]
    return logits.masked_fill(logits < kth, -torch.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Keep the fewest likeliest tokens whose probabilities reach p together: the nucleus.

    Source: Holtzman et al. 2019, "The Curious Case of Neural Text Degeneration".
    """
    ascending, order = logits.sort()
    # Sum from the unlikely end: a token goes while those up to it hold no more than 1 − p together.
    drop = ascending.softmax(dim=-1).cumsum(dim=-1) <= 1 - p
    drop[..., -1] = False  # rounding must never drop the likeliest token
    return logits.masked_fill(torch.zeros_like(drop).scatter(-1, order, drop), -torch.inf)
