"""What a dataset is made from, and so what it is named: the SHA-256 of its recipe.

Equal recipes give equal datasets, so runs share them. A recipe names everything that decides the bytes:
the generator and its version, its seed, the Python whose documentation is read, the hash of a reader's
own text. Light on purpose: the page's server asks for names before any worker builds anything.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmviz.text.files import write_atomically

if TYPE_CHECKING:
    from llmviz.settings import DataSettings

FORMAT = 1  # of what is written into a dataset's folder
SOURCE_TEXT = "source.txt"
SOURCE_TOKENIZER = "source-tokenizer.json"


class TextError(ValueError):
    """A text (or the tokenizer chosen for it) that nothing can be learned from; one plain sentence."""


def recipe(data: DataSettings) -> dict[str, Any]:
    """Everything that decides a dataset's bytes. Raises `TextError` when a reader's text is not named."""
    return {
        "format": FORMAT,
        "text": _text_recipe(data),
        "tokenizer": _tokenizer_recipe(data),
        "validation_fraction": data.validation_fraction,
    }


def recipe_sha256(data: DataSettings) -> str:
    """The dataset's name: 64 hexadecimal digits."""
    canonical = json.dumps(recipe(data), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _text_recipe(data: DataSettings) -> dict[str, Any]:
    if data.corpus == "text":
        if data.text_sha256 is None:
            raise TextError("No text was given: paste one, upload a file, or choose one of the corpora.")
        return {"corpus": "text", "sha256": data.text_sha256}
    from llmviz.text.corpora import CORPORA

    made = {"corpus": data.corpus, "chars": data.corpus_chars, "seed": data.corpus_seed}
    made["generator_version"] = CORPORA[data.corpus].generator_version
    if data.corpus.startswith("python-"):  # its text differs from one Python to the next
        made["python"] = ".".join(map(str, sys.version_info[:3]))
    return made


def _tokenizer_recipe(data: DataSettings) -> dict[str, Any]:
    if data.tokenizer == "file" and data.tokenizer_sha256 is None:
        raise TextError("No tokenizer file was given: choose one, or read the text as letters.")
    details = {"bpe": {"vocab_size": data.vocab_size}, "file": {"sha256": data.tokenizer_sha256}}
    return {"kind": data.tokenizer, **details.get(data.tokenizer, {})}


def sha256_of(text: str | bytes) -> str:
    """The hash by which settings name a reader's text (`text_sha256`) or tokenizer file."""
    content = text if isinstance(text, bytes) else _utf8(text)
    return hashlib.sha256(content).hexdigest()


def decode_text(content: bytes) -> str:
    """An uploaded file as text: UTF-8, or UTF-16 where it says so; line ends become ``\\n``.

    A Windows line end would only teach the model one more invisible letter. Raises `TextError`.
    """
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise TextError(
            f"This file is not plain text in UTF-8 (byte {error.start:,} does not fit):"
            " save it as .txt in UTF-8 and try again."
        ) from None
    if "\0" in text:
        raise TextError("This file holds zero bytes, as pictures and programs do: it is not plain text.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_text(text: str, data: DataSettings, block_size: int | None = None) -> None:
    """Refuses, as far as can be seen without a tokenizer, a text that no model could learn from.

    Raises `TextError`: not UTF-8, empty, one distinct character, or too short for one context of
    `block_size` characters or bytes.
    """
    _utf8(text)
    if not text:
        raise TextError("The text is empty.")
    if len(set(text)) == 1:
        raise TextError(
            f"The text consists of the single character {text[0]!r}, so there is nothing to predict:"
            " choose a text with at least two different characters."
        )
    if block_size is None or data.tokenizer not in ("chars", "bytes"):
        return
    training = text[: training_chars(len(text), data.validation_fraction)]
    n_tokens = len(training) if data.tokenizer == "chars" else len(training.encode("utf-8"))
    check_length(n_tokens, block_size, unit_of(data.tokenizer))


def check_length(n_train_tokens: int, block_size: int, unit: str) -> None:
    """Refuses training text too short for a single window: `block_size` tokens and the one after them."""
    if n_train_tokens <= block_size:
        raise TextError(
            f"The text is too short: {n_train_tokens:,} {unit} are left to train on, and a context of"
            f" {block_size:,} needs at least {block_size + 1:,}."
        )


def training_chars(n_chars: int, validation_fraction: float) -> int:
    """Where a text without documents is cut: so many characters for training, the rest for validation."""
    return int(n_chars * (1 - validation_fraction))


def unit_of(tokenizer: str) -> str:
    """What to call the tokens: people predict letters or bytes more readily than "tokens"."""
    return {"chars": "letters", "bytes": "bytes"}.get(tokenizer, "tokens")


def store_text(root: Path, data: DataSettings, text: str, block_size: int | None = None) -> Path:
    """Puts a reader's text where `build_dataset` will look for it: ``root/<sha256>/source.txt``.

    The bytes are the text's own. Raises `TextError` as `check_text` does, and when the settings name
    another text.
    """
    check_text(text, data, block_size)
    return _store(root, data, SOURCE_TEXT, _utf8(text), data.text_sha256)


def store_tokenizer(root: Path, data: DataSettings, content: bytes) -> Path:
    """Puts a reader's ``tokenizer.json`` into the dataset's folder. Raises `TextError` if it is unusable."""
    from llmviz.text.tokenizers import TokenizerError, parse_tokenizer

    try:
        parse_tokenizer(content)
    except TokenizerError as error:
        raise TextError(str(error)) from None
    return _store(root, data, SOURCE_TOKENIZER, content, data.tokenizer_sha256)


def _store(root: Path, data: DataSettings, name: str, content: bytes, expected_sha256: str | None) -> Path:
    if sha256_of(content) != expected_sha256:
        raise TextError("The text or tokenizer that arrived is not the one that the settings name.")
    folder = Path(root) / recipe_sha256(data)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / name, lambda file: file.write(content))
    return folder / name


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TextError(
            f"The text holds U+{ord(text[error.start]):04X} at position {error.start:,}: half of a character"
            " (a lone surrogate), which is not valid text."
        ) from None
