"""Checkpoints: all that training depends on in ONE safetensors file, so that no half of it can be missing.

Weights and the optimizer's moments are its tensors; the step and other scalars are its metadata, as JSON,
together with a checksum. There is no random state to keep: the dice of every step follow from (seed, step).
"""

import json
import zlib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from llmviz.model.tensorfile import write_tensors
from llmviz.text.files import write_atomically
from llmviz.training.trainer import Trainer

FORMAT = 1


class CheckpointError(ValueError):
    """A checkpoint that cannot be used, with a plain sentence saying why."""


def save_checkpoint(path: Path, trainer: Trainer, extra: dict[str, Any] | None = None) -> None:
    """Write the trainer's state and `extra` (anything JSON can hold) to one file, atomically and durably."""
    tensors, scalars = trainer.state()
    tensors = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
    metadata = {
        "format": str(FORMAT),
        "trainer": json.dumps(scalars),
        "extra": json.dumps(extra or {}),
        "crc32": str(_checksum(tensors)),
    }
    write_atomically(Path(path), lambda file: write_tensors(file, tensors, metadata))


def load_checkpoint(path: Path, trainer: Trainer) -> dict[str, Any]:
    """Put the trainer where the checkpoint was written; returns its `extra`.

    Raises CheckpointError, and leaves the trainer alone, if the file is torn, altered, or of another model.
    """
    tensors, metadata = read_checkpoint(path)
    wanted, _ = trainer.state()
    for name, tensor in wanted.items():
        if name.startswith("model.") and (name not in tensors or tensors[name].shape != tensor.shape):
            raise CheckpointError(f"{Path(path).name} belongs to another model: {name} does not fit.")
    trainer.load_state(tensors, json.loads(metadata["trainer"]))
    return json.loads(metadata["extra"])


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a checkpoint, its checksum verified. Raises CheckpointError."""
    name = Path(path).name
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{name} is not a whole checkpoint: {error}.") from error
    if metadata.get("format") != str(FORMAT):
        raise CheckpointError(f"{name} is not a checkpoint of this version of LLMViz.")
    if metadata["crc32"] != str(_checksum(tensors)):
        raise CheckpointError(f"{name} is damaged: its numbers are not those that were written.")
    return tensors, metadata


def _checksum(tensors: dict[str, Tensor]) -> int:
    """CRC-32 over all numbers, in the order of their names."""
    crc = 0
    for name in sorted(tensors):
        crc = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy(), crc)
    return crc
