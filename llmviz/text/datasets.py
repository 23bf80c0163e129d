"""Datasets: a text as training data, on disk, built once and shared by every run that asks for the same.

``root/<sha256 of the recipe>/`` holds

    text.txt         the whole text                  train.npy, val.npy   token ids, uint16 or uint32
    tokenizer.json   the Hugging Face format         words.txt            its distinct words, one a line
    meta.json        sizes, hashes, best possible loss, warnings; written last: it makes the dataset exist

Numpy is imported where it is needed, so that the server can ask for names without it.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import shutil
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmviz.text.files import TEMPORARY, sync_folder, write_atomically
from llmviz.text.folder_lock import folder_lock
from llmviz.text.recipes import (
    TextError,
    check_length,
    check_text,
    decode_text,
    recipe,
    recipe_sha256,
    sha256_of,
    store_text,
    store_tokenizer,
)

if TYPE_CHECKING:
    import numpy as np

    from llmviz.settings import DataSettings
    from llmviz.text.tokenizers import Tokenizer

__all__ = [
    "Dataset",
    "DatasetDamaged",
    "TextError",
    "build_dataset",
    "check_text",
    "decode_text",
    "open_dataset",
    "prune_datasets",
    "recipe",
    "recipe_sha256",
    "sha256_of",
    "store_text",
    "store_tokenizer",
]

FILES = ("text.txt", "train.npy", "val.npy", "tokenizer.json", "words.txt")
_META_COUNTS = ("n_chars", "n_train_tokens", "n_val_tokens", "val_bytes", "vocab_size")
_MAX_META_BYTES = 100_000
_DELETED = ".deleted-"


class DatasetDamaged(TextError):
    """A dataset's folder is incomplete, or its files are not those that were written."""


@dataclass(frozen=True)
class Dataset:
    """A dataset on disk. The ids are memory maps: workers that share them hold them in memory once."""

    path: Path
    meta: dict[str, Any]

    @cached_property
    def train(self) -> np.ndarray:
        """(n_train_tokens,) ids to train on."""
        return self._ids("train")

    @cached_property
    def val(self) -> np.ndarray:
        """(n_val_tokens,) ids the model never trains on. All but the first are predicted in a full sweep."""
        return self._ids("val")

    @cached_property
    def tokenizer(self) -> Tokenizer:
        from llmviz.text.tokenizers import load_tokenizer

        return load_tokenizer(self.path / "tokenizer.json")

    @property
    def words(self) -> list[str]:
        """The distinct words of the text, most frequent first."""
        return (self.path / "words.txt").read_text(encoding="utf-8").splitlines()

    def require_length(self, block_size: int) -> None:
        """Raises `TextError` when the training text is too short for a single window."""
        check_length(self.meta["n_train_tokens"], block_size, self.meta["unit"])

    def _ids(self, split: str) -> np.ndarray:
        import numpy as np

        try:
            ids = np.load(self.path / f"{split}.npy", mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DatasetDamaged(f"The {split} ids of this dataset can't be read.") from error
        if ids.dtype not in (np.uint16, np.uint32) or ids.shape != (self.meta[f"n_{split}_tokens"],):
            raise DatasetDamaged(f"The {split} ids of this dataset are not what its description says.")
        return ids


def open_dataset(path: Path, *, verify: bool = False) -> Dataset:
    """Opens a built dataset. `verify` also reads every file and compares its hash.

    Raises `DatasetDamaged` when it is missing, incomplete, or (with `verify`) changed.
    """
    path = Path(path)
    meta = _read_meta(path)
    for name in FILES:
        stored = meta["files"].get(name, {})
        try:
            n_bytes = (path / name).stat().st_size
        except OSError:
            raise DatasetDamaged(f"The dataset lacks its file {name}.") from None
        changed = n_bytes != stored.get("bytes")
        if changed or (verify and _file_sha256(path / name) != stored.get("sha256")):
            raise DatasetDamaged(f"The file {name} of this dataset was changed after it was built.")
    dataset = Dataset(path, meta)
    if verify:
        _check_vocabulary(dataset)
    return dataset


def _check_vocabulary(dataset: Dataset) -> None:
    try:
        vocab_size = dataset.tokenizer.vocab_size
    except ValueError as error:
        raise DatasetDamaged(str(error)) from None
    largest = max(int(dataset.train.max()), int(dataset.val.max()))
    if vocab_size != dataset.meta["vocab_size"] or largest >= vocab_size:
        raise DatasetDamaged("This dataset holds ids that its tokenizer lacks.")


def build_dataset(data: DataSettings, root: Path, block_size: int | None = None) -> Dataset:
    """The dataset of the settings: opened if it is there and whole, else built, once for all who ask.

    Raises `TextError` for a text that can't be learned from, or is too short for `block_size`.
    """
    folder = Path(root) / recipe_sha256(data)
    with folder_lock(folder):
        try:
            dataset = open_dataset(folder, verify=True)
        except DatasetDamaged:
            _build(data, folder)
            dataset = open_dataset(folder)
    if block_size is not None:
        dataset.require_length(block_size)
    return dataset


def prune_datasets(root: Path, used: set[str], *, grace_seconds: float = 300.0) -> list[str]:
    """Deletes datasets whose name is not in `used`; returns the names of those deleted.

    One that somebody is building, or that changed within `grace_seconds`, stays: the run that needs it
    may not have been written down yet.
    """
    deleted = []
    for folder in sorted(Path(root).glob("*")):
        if folder.name.startswith(_DELETED):
            shutil.rmtree(folder, ignore_errors=True)  # a deletion that was interrupted
        if not re.fullmatch("[0-9a-f]{64}", folder.name) or folder.name in used:
            continue
        if time.time() - folder.stat().st_mtime < grace_seconds:
            continue
        with folder_lock(folder, wait=False) as mine:
            if mine:  # renamed first, so that nobody finds half a dataset
                shutil.rmtree(folder.rename(folder.with_name(_DELETED + folder.name)))
                deleted.append(folder.name)
    return deleted


def _build(data: DataSettings, folder: Path) -> None:
    """Writes every file of a dataset; the caller holds its lock."""
    from llmviz.text import dataset_parts as parts

    source = parts.read_source(data, folder)
    check_text(source.text, data)
    tokenizer = parts.make_tokenizer(data, source.text, folder)
    cut = parts.split_at(source, data.validation_fraction)
    train, val = parts.encode_both(tokenizer, source.text, cut)
    files = {
        "text.txt": source.text.encode("utf-8"),
        "train.npy": _npy(train, tokenizer.vocab_size),
        "val.npy": _npy(val, tokenizer.vocab_size),
        "tokenizer.json": json.dumps(tokenizer.to_json(), ensure_ascii=False).encode("utf-8"),
        "words.txt": "".join(f"{word}\n" for word in parts.distinct_words(source.text)).encode("utf-8"),
    }
    meta = {
        "sha256": folder.name,
        "recipe": recipe(data),
        **parts.describe(data, source, cut, tokenizer, train, val),
        "files": {
            name: {"bytes": len(content), "sha256": sha256_of(content)} for name, content in files.items()
        },
    }
    _write_all(folder, files, meta)


def _write_all(folder: Path, files: dict[str, bytes], meta: dict[str, Any]) -> None:
    """An old meta.json goes first and the new one comes last: where there is one, all else is whole."""
    (folder / "meta.json").unlink(missing_ok=True)
    sync_folder(folder)
    for name, content in (files | {"meta.json": json.dumps(meta, indent=1).encode("utf-8")}).items():
        for leftover in folder.glob(f".{name}.*{TEMPORARY}"):  # of a builder that was killed
            leftover.unlink()
        write_atomically(folder / name, lambda file, content=content: file.write(content))


def _npy(ids: list[int], vocab_size: int) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    dtype = np.uint16 if vocab_size <= 2**16 else np.uint32
    np.save(buffer, np.asarray(ids, dtype=dtype), allow_pickle=False)
    return buffer.getvalue()


def _read_meta(path: Path) -> dict[str, Any]:
    try:
        with (path / "meta.json").open("rb") as file:
            meta = json.loads(file.read(_MAX_META_BYTES))
        whole = _is_meta(meta)
    except FileNotFoundError:
        raise DatasetDamaged("There is no dataset here, or it was never finished.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        whole = False
    if not whole:
        raise DatasetDamaged("The description of this dataset (meta.json) can't be read.")
    return meta


def _is_meta(meta: dict[str, Any]) -> bool:
    """Whether the values have the types that readers count on: a run from elsewhere brings its own."""
    best = [meta["best_possible_nats"], meta["best_possible_loss"]]
    return (
        all(isinstance(file, dict) for file in meta["files"].values())
        and all(type(meta[name]) is int and meta[name] > 0 for name in _META_COUNTS)
        and all(value is None or (type(value) is float and math.isfinite(value)) for value in best)
        and meta["unit"] in ("letters", "bytes", "tokens")
        and all(isinstance(warning, str) for warning in meta["warnings"])
    )


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
