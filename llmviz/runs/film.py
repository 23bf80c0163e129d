"""The film strip: what the model writes, from the same prompt with the same dice, as it learns."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmviz.model import GPT
    from llmviz.settings import SamplingSettings
    from llmviz.text.tokenizers import Tokenizer

NOT_TEXT = re.compile("[\udc80-\udcff\x00-\x08\x0b-\x1f\x7f]")


def is_film_step(step: int) -> bool:
    """0, 4, 16, 64, 256 …: each row took four times as long as the one above it."""
    power_of_two = step & (step - 1) == 0
    return step == 0 or (power_of_two and step >= 4 and step.bit_length() % 2 == 1)


def readable(pieces: Sequence[bytes]) -> str:
    """Bytes as text; what is not UTF-8, or would not show, stands there as its number: ⟨B5⟩."""
    text = b"".join(pieces).decode("utf-8", errors="surrogateescape")
    return NOT_TEXT.sub(lambda found: f"⟨{ord(found[0]) & 0xFF:02X}⟩", text)


def write_sample(model: "GPT", tokenizer: "Tokenizer", sampling: "SamplingSettings") -> str:
    """What the model writes after `sampling.prompt`; the training's random numbers are left alone.

    Raises ValueError in a plain sentence: a character the tokenizer lacks, or a model that has diverged.
    """
    from llmviz.generation import first_ids, generate

    ids = first_ids(tokenizer, sampling.prompt)
    return readable(tokenizer.tokens(list(generate(model, ids, sampling))))
