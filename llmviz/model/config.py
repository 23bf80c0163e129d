"""What fixes a GPT: seven sizes, and the choices of its parts. No torch here: the page reads them too."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmviz.model.choices import ARCHITECTURES, Choices, sized

if TYPE_CHECKING:
    from llmviz.settings import ModelSettings


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """Shape of a model: the reader's `ModelSettings` plus the vocabulary size that the tokenizer brings.

    Raises ValueError, in a plain sentence, for a shape that cannot be built.
    """

    architecture: str = "gpt2"
    vocab_size: int
    block_size: int  # the longest context, in tokens
    n_layer: int
    n_head: int
    n_embd: int  # width of the residual stream; every head gets n_embd / n_head of it
    dropout: float = 0.0
    choices: Choices = None  # type: ignore[assignment]  # of its parts; None: those of the architecture

    @classmethod
    def from_settings(cls, model: "ModelSettings", vocab_size: int) -> "GPTConfig":
        """The reader's choices and the tokenizer's vocabulary size, put together."""
        return cls(
            architecture=model.architecture,
            vocab_size=vocab_size,
            block_size=model.block_size,
            n_layer=model.n_layer,
            n_head=model.n_head,
            n_embd=model.n_embd,
            dropout=model.dropout,
            choices=model.choices,
        )

    @property
    def head_size(self) -> int:
        """How many numbers each head works with: its share of `n_embd`, if nothing else was chosen."""
        return self.choices.head_width

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ValueError(
                f"There is no architecture {self.architecture!r}; choose one of {tuple(ARCHITECTURES)}."
            )
        for name in ("vocab_size", "block_size", "n_layer", "n_head", "n_embd"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"Dropout is a share from 0 up to, but not including, 1; {self.dropout} is not.")
        object.__setattr__(self, "choices", sized(self.choices or ARCHITECTURES[self.architecture], self))
        if self.choices.blocks:
            self._check_heads()

    def _check_heads(self) -> None:
        heads = self.choices
        if not heads.head_width:
            raise ValueError(f"{self.n_head} heads cannot share a width of {self.n_embd} evenly.")
        if self.n_head % heads.n_kv_head:
            raise ValueError(f"{self.n_head} heads cannot share {heads.n_kv_head} heads of keys evenly.")
        if heads.positions == "rope" and heads.head_width % 2:
            raise ValueError(
                f"RoPE turns pairs of numbers, so each head needs an even width; "
                f"{self.n_embd} / {self.n_head} gives {heads.head_width}."
            )
