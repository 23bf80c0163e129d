"""The full evaluation at the end of a run, in pieces short enough to give up a turn in between."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from llmviz.evaluation import Evaluation
    from llmviz.model import GPT

TOKENS_A_PIECE = 8192


class FullSweep:
    """Goes through all windows of the validation text and adds up; equal to one `evaluate` over all of it."""

    def __init__(self, model: "GPT", ids: np.ndarray, block_size: int, byte_lengths: Sequence[int]) -> None:
        self.model, self.ids, self.block_size, self.byte_lengths = model, ids, block_size, byte_lengths
        self._next = 0  # token at which the next piece begins: always the beginning of a window
        self._parts: list[Evaluation] = []

    def advance(self) -> bool:
        """Evaluate one more piece; whether that was the last one."""
        from llmviz.evaluation import evaluate

        length = max(1, TOKENS_A_PIECE // self.block_size) * self.block_size
        piece = self.ids[self._next : self._next + length + 1]  # + 1: the last token is only predicted
        self._parts.append(evaluate(self.model, piece, self.block_size, self.byte_lengths))
        self._next += length
        return self._next + 1 >= len(self.ids)

    def result(self) -> "Evaluation":
        """The evaluation of the pieces so far."""
        from llmviz.evaluation import Evaluation

        n_tokens = sum(part.n_tokens for part in self._parts)
        n_bytes = sum(part.n_bytes for part in self._parts)
        nats = math.fsum(part.loss * part.n_tokens for part in self._parts)
        loss = nats / n_tokens
        return Evaluation(
            loss=loss,
            perplexity=math.exp(loss) if loss < 700 else loss * math.inf,
            bits_per_byte=nats / math.log(2) / n_bytes if n_bytes else math.nan,
            accuracy=math.fsum(part.accuracy * part.n_tokens for part in self._parts) / n_tokens,
            n_tokens=n_tokens,
            n_bytes=n_bytes,
            full=True,
        )
