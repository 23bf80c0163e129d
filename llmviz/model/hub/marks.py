"""Which tokens stand for the beginning and the end of a text: what a model starts from, and where it is done.

A config.json names them, and run.json keeps what that of an imported model said. Models of ours have the one
token that GPT-2 has for both, if their tokenizer has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmviz.text.tokenizers import Tokenizer

END_OF_TEXT = "<|endoftext|>"
LARGEST = 10_000_000  # tokens of a vocabulary
MOST_ENDS = 20


@dataclass(frozen=True)
class Marks:
    """Ids of tokens. A chat model has several ends: of a text, of what it says."""

    begin: int | None = None
    ends: tuple[int, ...] = ()

    def as_config(self) -> dict[str, Any]:
        """As a config.json says it: one end is a number, several are a list."""
        ends = self.ends[0] if len(self.ends) == 1 else list(self.ends) or None
        return {"bos_token_id": self.begin, "eos_token_id": ends}

    def known(self) -> dict[str, Any]:
        """The same without what there is not."""
        return {name: value for name, value in self.as_config().items() if value is not None}


def marks_in(config: Mapping[str, Any], vocab_size: int = LARGEST) -> Marks:
    """Those that a config.json, or the source in somebody's run.json, names. What is no token is left out."""
    begin, ends = config.get("bos_token_id"), config.get("eos_token_id")
    found = [
        one if type(one) is int and 0 <= one < vocab_size else None
        for one in (begin, *(ends if isinstance(ends, list) else [ends]))
    ]
    return Marks(found[0], tuple(end for end in found[1:] if end is not None)[:MOST_ENDS])


def marks_for(tokenizer: "Tokenizer", source: Mapping[str, Any] | None = None) -> Marks:
    """Those of a model with this tokenizer: what the makers of an imported one named, else what it has."""
    theirs = marks_in(source or {}, tokenizer.vocab_size)
    end_of_text = tokenizer.special_tokens.get(END_OF_TEXT)
    before_a_text = next(iter(tokenizer.begin), end_of_text)
    return Marks(
        before_a_text if theirs.begin is None else theirs.begin,
        theirs.ends or (() if end_of_text is None else (end_of_text,)),
    )
