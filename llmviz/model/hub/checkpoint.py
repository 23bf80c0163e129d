"""The files of one model as `transformers` writes them: config.json, tokenizer.json, model.safetensors.

Large models come in several weight files and an index that says which tensor lies where. Older repositories
hold pickled weights only (`pytorch_model.bin`): unpickling runs whatever the file says, so those are refused.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmviz.model.hub.errors import ForeignModelError

if TYPE_CHECKING:
    from torch import Tensor

CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
MAX_JSON = 10_000_000  # bytes of a configuration or an index; GPT-2's have one and none
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")


@dataclass(frozen=True)
class Checkpoint:
    """One model's files: its configuration, and where its weights and its tokenizer lie."""

    folder: Path
    config: dict[str, Any]
    weight_files: tuple[Path, ...]

    @property
    def tokenizer(self) -> Path:
        """The tokenizer, which may be missing."""
        return self.folder / TOKENIZER

    def tensors(self) -> "StoredTensors":
        """The weights, each read from the disk when it is asked for. Raises ForeignModelError."""
        return StoredTensors.of(self.weight_files)


def open_checkpoint(folder: Path) -> Checkpoint:
    """The model in a folder. Raises ForeignModelError where there is none that can be used."""
    folder = Path(folder)
    config = read_object(folder / CONFIG)
    return Checkpoint(folder, config, tuple(folder / name for name in weight_names(folder)))


def weight_names(folder: Path) -> list[str]:
    """The names of a folder's weight files. Raises ForeignModelError if it has none that are safetensors."""
    if (folder / WEIGHTS).exists():
        return [WEIGHTS]
    if (folder / INDEX).exists():
        return indexed_files(read_object(folder / INDEX))
    if any(path for pattern in PICKLED for path in folder.glob(pattern)):
        raise ForeignModelError(
            "This model's weights are pickled, and opening such a file would run whatever is in it: only "
            "safetensors are read here. Save it again with transformers' save_pretrained."
        )
    raise ForeignModelError(f"There are no weights in {folder.name}: it has no {WEIGHTS}.")


def indexed_files(index: dict[str, Any]) -> list[str]:
    """The weight files that an index names. Raises ForeignModelError if they could lie anywhere else."""
    placed = index.get("weight_map")
    names = sorted({str(name) for name in placed.values()}) if isinstance(placed, dict) else []
    plain = all(name.endswith(".safetensors") and Path(name).name == name for name in names)
    if not names or not plain:
        raise ForeignModelError(f"The {INDEX} of this model does not name files of weights beside it.")
    return names


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object. Raises ForeignModelError."""
    try:
        if path.stat().st_size > MAX_JSON:
            raise ForeignModelError(f"The {path.name} of this model is too long to be one.")
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ForeignModelError(
            f"There is no {path.name} in {path.parent.name}: this is not a folder that transformers wrote."
        ) from None
    except OSError as error:
        raise ForeignModelError(f"{path} cannot be read: {error.strerror}.") from None
    except RecursionError:
        content = None
    except ValueError as error:
        if isinstance(error, ForeignModelError):
            raise
        content = None
    if not isinstance(content, dict):
        raise ForeignModelError(f"The {path.name} of this model is not a JSON object.")
    return content


@dataclass(frozen=True)
class StoredTensors(Mapping[str, "Tensor"]):
    """{name: tensor} over one or several files; a tensor is read when it is asked for."""

    files: dict[str, Any] = field(repr=False)  # {name of a tensor: the open file that holds it}
    asked: set[str] = field(default_factory=set, repr=False)

    @classmethod
    def of(cls, paths: tuple[Path, ...]) -> "StoredTensors":
        """The tensors of these files. Raises ForeignModelError for a file that is not whole."""
        from safetensors import SafetensorError, safe_open

        files = {}
        for path in paths:
            try:
                opened = safe_open(path, framework="pt")
                files |= dict.fromkeys(opened.keys(), opened)
            except FileNotFoundError:
                raise ForeignModelError(
                    f"There is no {path.name} in {path.parent.name}, though its index names it: fetch the "
                    "rest of the model."
                ) from None
            except (OSError, SafetensorError) as error:
                raise ForeignModelError(f"{path.name} is not a whole safetensors file: {error}.") from None
        return cls(files)

    def __getitem__(self, name: str) -> "Tensor":
        self.asked.add(name)
        try:
            tensor = self.files[name].get_tensor(name)
        except KeyError:
            raise ForeignModelError(
                f"The weights of this model lack {name}: they are not what its config.json describes."
            ) from None
        if not tensor.dim():
            raise ForeignModelError(
                f"In the weights of this model {name} is a single number, and no weights."
            )
        return tensor

    def unread(self) -> set[str]:
        """The tensors that nobody has asked for."""
        return set(self.files) - self.asked

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def __contains__(self, name: object) -> bool:
        return name in self.files
