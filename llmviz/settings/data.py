"""Settings of the data: which text, and how it is cut into tokens (book, chapter 2)."""

from typing import Literal

from llmviz.settings.base import Room, setting

CorpusName = Literal["stories", "dinosaurs", "rhymes", "python-docs", "python-source", "text"]
TokenizerKind = Literal["chars", "bytes", "bpe", "file"]
ANY_TEXT = "0" * 64  # in place of the hash of a text of one's own, while there is none yet


class DataSettings(Room):
    """Which text to learn from and how the model reads it."""

    corpus: CorpusName = setting(
        "stories",
        label="Text",
        chapter="2.1",
        help="What the model reads: one of our generators, Python's own text, or a text of yours.",
    )
    corpus_chars: int = setting(
        1_000_000,
        ge=1_000,
        le=20_000_000,
        label="Length of the text",
        unit="letters",
        chapter="2.1",
        help="How much text a generator writes before training starts.",
    )
    corpus_seed: int = setting(
        1,
        ge=0,
        le=2**31 - 1,
        label="Seed of the text",
        chapter="2.1",
        help="The same seed writes the same text; another seed writes another one.",
    )
    text_sha256: str | None = setting(
        None,
        derived=True,
        pattern="^[0-9a-f]{64}$",
        label="Hash of your text",
        help="Names a pasted or uploaded text by its SHA-256 hash, so that the text itself is in no link.",
    )
    validation_fraction: float = setting(
        0.1,
        gt=0.0,
        le=0.5,
        step=0.05,
        label="Kept for validation",
        chapter="5.1.3",
        help="The share at the end of the text that the model never trains on; it shows what was learned.",
    )
    tokenizer: TokenizerKind = setting(
        "chars",
        label="Read as",
        chapter="2.2",
        help="Letters, raw bytes, or byte-pair tokens learned from the text itself.",
    )
    vocab_size: int = setting(
        1024,
        ge=257,
        le=50_257,
        label="Vocabulary",
        unit="tokens",
        chapter="2.5",
        help="How many tokens byte-pair encoding may learn: the 256 bytes and one more for each merge.",
    )
    tokenizer_sha256: str | None = setting(
        None,
        derived=True,
        pattern="^[0-9a-f]{64}$",
        label="Hash of your tokenizer",
        help="Names a tokenizer file of yours by its SHA-256 hash.",
    )
