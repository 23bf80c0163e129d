"""Shapes in comments, with the numbers of the model in view: after (B, H, T, D) comes = (1, 4, 23, 32)."""

import re

from llmviz.settings import ModelSettings

_SIZE = r"(?:…|\d*[A-Z](?:/2)?|\d+|n_layer|block_size|vocab_size)"
_SHAPE = re.compile(rf"\({_SIZE}(?:, {_SIZE})*,?\)")
_NAME = re.compile(r"(\d*)([A-Za-z_]+)(/2)?")


def sizes_of(model: ModelSettings, tokens: int, vocab_size: int | None) -> dict[str, int]:
    """{letter: number} while this model reads one text of so many tokens. The letters are those that every
    file of the model explains at its top."""
    choices = model.choices
    sizes = {
        "B": 1,
        "T": min(tokens, model.block_size),
        "C": model.n_embd,
        "H": model.n_head,
        "K": choices.n_kv_head,
        "D": choices.head_width,
        "F": choices.mlp_width,
        "N": max(0, choices.ngram_embeddings - 1),
        "n_layer": model.n_layer,
        "block_size": model.block_size,
    }
    return sizes | ({"V": vocab_size, "vocab_size": vocab_size} if vocab_size else {})


def with_numbers(comment: str, sizes: dict[str, int]) -> list[tuple[str, str]]:
    """(kind, text) parts: "quiet" is the comment itself, "shape" what is added to it."""
    parts, at = [], 0
    for found in _SHAPE.finditer(comment):
        if numbers := _numbers(found[0], sizes):
            parts += [("quiet", comment[at : found.end()]), ("shape", f" = {numbers}")]
            at = found.end()
    return [*parts, ("quiet", comment[at:])] if at < len(comment) else parts


def _numbers(shape: str, sizes: dict[str, int]) -> str | None:
    """The shape in numbers; None where it holds none that we know, or one that we do not."""
    names = _NAME.findall(shape)
    if not names or any(name not in sizes for _, name, _ in names):
        return None
    return _NAME.sub(lambda found: str(int(found[1] or 1) * sizes[found[2]] // (2 if found[3] else 1)), shape)
