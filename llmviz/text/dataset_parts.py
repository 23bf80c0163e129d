"""The steps from a text to training data: cut it in two, read it as tokens, know how well one could do."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import regex

from llmviz.text.recipes import SOURCE_TEXT, SOURCE_TOKENIZER, TextError, training_chars, unit_of
from llmviz.text.tokenizers import (
    BPETokenizer,
    ByteTokenizer,
    CharTokenizer,
    Tokenizer,
    TokenizerError,
    load_tokenizer,
)

if TYPE_CHECKING:
    from llmviz.settings import DataSettings
    from llmviz.text.corpora import Document

BY_HEART_BYTES = 20_000
FEW_VALIDATION_TOKENS = 500
MAX_WORDS = 100_000
# "don't" is one word. The page finds the words of a sample in the same way (assets/js/words.js).
WORD = regex.compile(r"[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*")


@dataclass(frozen=True)
class Source:
    """A text, and the documents it is made of when we know them."""

    text: str
    documents: Sequence[Document] = field(default=(), repr=False)


def read_source(data: DataSettings, folder: Path) -> Source:
    """Generates the corpus, or reads the text that was stored in the dataset's folder."""
    if data.corpus != "text":
        from llmviz.text.corpora import CORPORA

        made = CORPORA[data.corpus].generate(data.corpus_seed, data.corpus_chars)
        return Source(made.text, made.documents)
    try:
        return Source((folder / SOURCE_TEXT).read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise TextError("The text of this run is not on this machine any more: give it again.") from None
    except UnicodeDecodeError:
        raise TextError("The stored text is not valid UTF-8: give it again.") from None


def make_tokenizer(data: DataSettings, text: str, folder: Path) -> Tokenizer:
    """The tokenizer of the settings, trained on the whole text where it is one that learns."""
    with _as_text_error():
        if data.tokenizer == "chars":
            return CharTokenizer.train(text)
        if data.tokenizer == "bytes":
            return ByteTokenizer()
        if data.tokenizer == "bpe":
            # a pair that occurs once would become a token with a single example to learn it from
            return BPETokenizer.train(text, data.vocab_size, min_frequency=2)
        return load_tokenizer(folder / SOURCE_TOKENIZER)


def split_at(source: Source, validation_fraction: float) -> int:
    """The character where validation begins: at the document border nearest to the fraction, if any.

    A text without documents is cut at the character, as nanoGPT does.
    """
    wanted = training_chars(len(source.text), validation_fraction)
    borders = [document.start for document in source.documents[1:]]
    if not borders:
        return wanted
    i = bisect_left(borders, wanted)
    return min(borders[max(0, i - 1) : i + 1], key=lambda border: abs(border - wanted))


def encode_both(tokenizer: Tokenizer, text: str, cut: int) -> tuple[list[int], list[int]]:
    """The training and the validation ids. Raises `TextError` for a character the tokenizer lacks."""
    with _as_text_error():
        train, val = tokenizer.encode(text[:cut]), tokenizer.encode(text[cut:])
    for ids, part in ((train, "training"), (val, "validation")):
        if len(ids) < 2:
            raise TextError(f"The text is too short: nothing can be predicted in its {part} part.")
    return train, val


@contextmanager
def _as_text_error() -> Iterator[None]:
    try:
        yield
    except TokenizerError as error:
        raise TextError(str(error)) from None


def best_possible(source: Source, cut: int, first_token: bytes, n_predicted: int) -> dict[str, float] | None:
    """How well the true source itself would do on the validation text, all its past known.

    Returns ``nats``, the exact −ln p of the whole validation text, and ``loss``, nats a predicted token;
    None where the source is not one of our generators. Evaluation predicts every token of the validation
    text but the first, so the first token's surprise is no part of the loss. The generators report
    documents, not letters: that one surprise is taken from how often a document begins this way, which
    leaves an error of about a millionth of a nat in the loss of a megabyte.
    """
    validation = [document for document in source.documents if document.start >= cut]
    if not validation or any(document.nats is None for document in validation):
        return None
    nats = math.fsum(document.nats for document in validation)
    starts = [source.text[d.start : d.start + len(first_token)].encode("utf-8") for d in source.documents]
    share = sum(start.startswith(first_token) for start in starts) / len(starts)
    first_nats = -math.log(share)
    return {"nats": nats, "loss": (nats - first_nats) / n_predicted}


def describe(
    data: DataSettings, source: Source, cut: int, tokenizer: Tokenizer, train: list[int], val: list[int]
) -> dict[str, Any]:
    """The facts about a dataset that its ``meta.json`` tells."""
    first_token = tokenizer.token_bytes(val[0])
    n_predicted = len(val) - 1
    val_bytes = len(source.text[cut:].encode("utf-8"))
    val_bytes_predicted = val_bytes - len(first_token)
    best = best_possible(source, cut, first_token, n_predicted)
    return {
        "n_chars": len(source.text),
        "n_train_chars": cut,
        "n_documents": len(source.documents) or None,
        "n_train_tokens": len(train),
        "n_val_tokens": len(val),
        "val_bytes": val_bytes,
        "val_bytes_predicted": val_bytes_predicted,
        "vocab_size": tokenizer.vocab_size,
        "unit": unit_of(tokenizer.kind),
        "best_possible_nats": best["nats"] if best else None,
        "best_possible_loss": best["loss"] if best else None,
        "best_possible_bits_per_byte": best["loss"] * n_predicted / math.log(2) / val_bytes_predicted
        if best
        else None,
        "warnings": warnings_for(data, source.text, len(val), tokenizer),
    }


def distinct_words(text: str) -> list[str]:
    """Every word of the text once, as it is written there, the most frequent first (at most 100,000)."""
    counts = Counter(match.group() for match in WORD.finditer(text))
    return [word for word, _ in counts.most_common(MAX_WORDS)]


def warnings_for(data: DataSettings, text: str, n_val_tokens: int, tokenizer: Tokenizer) -> list[str]:
    """What a reader should know before training on this text, in plain sentences."""
    found = []
    n_bytes = len(text.encode("utf-8"))
    if n_bytes < BY_HEART_BYTES:
        found.append(f"This text has only {n_bytes / 1000:.1f} kB: the model will learn it by heart.")
    if data.corpus != "text" and len(text) < 0.9 * data.corpus_chars:
        found.append(f"There is no more of this text than {len(text):,} letters.")
    if data.tokenizer == "bpe" and tokenizer.vocab_size < data.vocab_size:
        learned = f"{tokenizer.vocab_size:,} of {data.vocab_size:,} tokens"
        found.append(f"This text has too little variety: it gave {learned}.")
    if n_val_tokens < FEW_VALIDATION_TOKENS:
        unit = unit_of(tokenizer.kind)
        found.append(f"Only {n_val_tokens:,} {unit} are left for validation: its loss is a rough estimate.")
    return found
