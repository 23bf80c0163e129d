"""Weights in and out of safetensors files: plain numbers with names and shapes, nothing that could run.

A file may hold 16-bit numbers to save space (the time machine's snapshots do); they always come back as
32-bit ones, so that the model computes as it did in training, from slightly rounded weights.
"""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from llmviz.model.tensorfile import write_tensors
from llmviz.text.files import write_atomically


class WeightsError(ValueError):
    """A weights file that cannot be used, with a plain sentence saying why."""


def save_weights(
    model: nn.Module,
    path: Path | str,
    dtype: torch.dtype = torch.float32,
    metadata: dict[str, str] | None = None,
    *,
    durable: bool = True,
) -> None:
    """Write a model's weights to one file, which at every moment is either the old one or the new one whole.

    dtype: torch.float32, or torch.float16 / torch.bfloat16 for half the size. durable: also survive a power
    cut (the file and its folder are fsynced); a file that is replaced every second does without.
    """
    weights = {name: _pack(tensor, dtype) for name, tensor in model.state_dict().items()}
    write_atomically(Path(path), lambda file: write_tensors(file, weights, metadata or {}), durable=durable)


def load_weights(path: Path | str) -> dict[str, Tensor]:
    """Read {name: float32 tensor} from a file. Raises WeightsError when it is not a weights file."""
    try:
        return {name: tensor.float() for name, tensor in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise _unreadable(path, error) from error


def read_metadata(path: Path | str) -> dict[str, str]:
    """The notes that were saved with the weights, without reading the weights. Raises WeightsError."""
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise _unreadable(path, error) from error


def load_into(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Put weights into a model. Raises WeightsError, naming every misfit, before anything is changed."""
    require_fit(model, weights)
    model.load_state_dict(weights)


def require_fit(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Names and shapes have to be the model's. Raises WeightsError, naming every misfit."""
    wanted = model.state_dict()
    misfits = [f"{name} is missing" for name in wanted if name not in weights]
    misfits += [f"{name} is not part of this model" for name in weights if name not in wanted]
    misfits += [
        f"{name} has shape {tuple(weights[name].shape)} where the model has {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in weights and weights[name].shape != tensor.shape
    ]
    if misfits:
        more = f", and {len(misfits) - 3} more" if len(misfits) > 3 else ""
        raise WeightsError(f"These weights do not fit the model: {'; '.join(misfits[:3])}{more}.")


def _pack(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """A copy to write. A tensor too large for 16 bits (a diverged run's) stays as it is, not infinite."""
    tensor = tensor.detach().to("cpu").contiguous()
    packed = tensor.to(dtype)
    return tensor if (tensor.isfinite() & packed.isinf()).any() else packed


def _unreadable(path: Path | str, error: Exception) -> WeightsError:
    if isinstance(error, FileNotFoundError):
        return WeightsError(f"There is no weights file {Path(path).name}.")
    return WeightsError(f"{Path(path).name} is not a whole safetensors file: {error}.")
