"""What the speed benchmarks share: taking turns, nanoGPT beside us, and tiny Shakespeare.

Two environment variables name what is not ours and never committed: NANOGPT, a checkout of
github.com/karpathy/nanoGPT, and LLMVIZ_SHAKESPEARE, its tiny Shakespeare as one text file. Where one is
missing the benchmark is skipped and says so.
"""

import contextlib
import importlib.util
import io
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from llmviz.model import GPT
from llmviz.text.tokenizers import CharTokenizer

WARMING_UP = 8


@contextlib.contextmanager
def threads(number: int) -> Iterator[None]:
    """So many threads inside, as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def take_turns(steps: dict[str, Callable[[], object]], turns: int, patience: float) -> dict[str, list[float]]:
    """The seconds of every step of each side, one step a turn: whatever else the machine does slows all.

    patience: seconds after which fewer turns must do, for threads on a busy machine wait for one another.
    """
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    deadline = time.monotonic() + patience
    for turn in range(WARMING_UP + turns):
        if time.monotonic() > deadline and turn > 2 * WARMING_UP:
            break
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            if turn >= WARMING_UP:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def nanogpt() -> ModuleType:
    """nanoGPT's model.py, from the checkout that NANOGPT names."""
    folder = os.environ.get("NANOGPT")
    if not folder or not (Path(folder) / "model.py").exists():
        pytest.skip("NANOGPT does not name a checkout of nanoGPT")
    spec = importlib.util.spec_from_file_location("nanogpt_model", Path(folder) / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def nanogpt_and_its_adamw(device: str = "cpu", **shape) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    """nanoGPT's model of a shape and the optimizer of its recipes for small models, without its chatter."""
    peer = nanogpt()
    with contextlib.redirect_stdout(io.StringIO()):
        model = peer.GPT(peer.GPTConfig(**{"dropout": 0.0} | shape)).to(device).train()
        return model, model.configure_optimizers(0.1, 1e-3, (0.9, 0.99), device)


def nanogpt_rate(step: int, warmup: int, steps: int) -> float:
    """The learning rate of nanoGPT's recipes for tiny Shakespeare: 1e-3, along a cosine down to 1e-4."""
    if step < warmup:
        return 1e-3 * (step + 1) / (warmup + 1)
    progress = (step - warmup) / (steps - warmup)
    return 1e-4 + 0.5 * (1 + math.cos(math.pi * progress)) * (1e-3 - 1e-4)


def nanogpt_batch(ids: np.ndarray, batch: int, context: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets, sampled as nanoGPT's get_batch does."""
    starts = torch.randint(len(ids) - context, (batch,))
    inputs = torch.stack([torch.from_numpy(ids[i : i + context].astype(np.int64)) for i in starts])
    targets = torch.stack([torch.from_numpy(ids[i + 1 : i + 1 + context].astype(np.int64)) for i in starts])
    return inputs, targets


def nanogpt_loss(model: torch.nn.Module, ids: np.ndarray, context: int) -> float:
    """The mean surprise over consecutive windows, as ours is defined, of a model that is not in training."""
    device = next(model.parameters()).device
    tokens = torch.from_numpy(ids.astype(np.int64)).to(device)
    nats = 0.0
    with torch.no_grad():
        for start in range(0, len(tokens) - 1, context):
            window = tokens[start : start + context + 1]
            _, loss = model(window[None, :-1], window[None, 1:])  # with targets it gives all its guesses
            nats += loss.item() * (len(window) - 1)
    return nats / (len(tokens) - 1)


def copy_of_nanogpt(peer: torch.nn.Module, ours: GPT) -> None:
    """Give our GPT-2 the weights of nanoGPT's: they have the same names, in other places."""
    weights = peer.state_dict()
    for name, weight in ours.state_dict().items():
        weight.copy_(weights["transformer." + name.replace("blocks.", "h.")])


def shakespeare() -> Path:
    """The file that LLMVIZ_SHAKESPEARE names."""
    path = os.environ.get("LLMVIZ_SHAKESPEARE")
    if not path or not Path(path).is_file():
        pytest.skip("LLMVIZ_SHAKESPEARE does not name tiny Shakespeare's text file")
    return Path(path)


def shakespeare_ids() -> tuple[np.ndarray, np.ndarray, CharTokenizer]:
    """Token ids to train on, the last tenth to validate on, and the tokenizer: as nanoGPT prepares them."""
    text = shakespeare().read_text(encoding="utf-8")
    tokenizer = CharTokenizer.train(text)
    ids = np.array(tokenizer.encode(text), dtype=np.uint16)
    cut = int(len(ids) * 0.9)
    return ids[:cut], ids[cut:], tokenizer
