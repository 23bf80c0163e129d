"""The bigram: for every token, a row of scores for what comes next. Nothing else of the text is seen.

The simplest language model there is, and the baseline that attention has to beat. Source: Shannon 1948,
"A mathematical theory of communication", section 3; as a network: Karpathy's makemore.
"""

from torch import Tensor, nn

from llmviz.model.config import GPTConfig
from llmviz.model.gpt import GPT


class Bigram(GPT):
    """A table of V × V and no blocks: the "stream" is the row of scores itself.

    Shapes: B sequences in the batch, T tokens, V = vocab_size.
    """

    def __init__(self, config: GPTConfig) -> None:
        super().__init__(config)
        self.wte = nn.Embedding(config.vocab_size, config.vocab_size)
        self.blocks = nn.ModuleList()
        nn.init.zeros_(self.wte.weight)  # a blind guess: all tokens equally likely

    def embed(self, ids: Tensor) -> Tensor:
        """(B, T) token ids → (B, T, V)."""
        return self.wte(ids)

    def unembed(self, x: Tensor) -> Tensor:
        """(…, V) → (…, V): the scores are there already."""
        return x
