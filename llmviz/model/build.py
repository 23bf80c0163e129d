"""The one place where an architecture's name becomes a model."""

from typing import TYPE_CHECKING

import torch

from llmviz.model.config import GPTConfig
from llmviz.model.gpt import GPT
from llmviz.model.gpt2 import GPT2
from llmviz.model.modern import ModernGPT

if TYPE_CHECKING:
    from llmviz.settings import ModelSettings

_CLASSES: dict[str, type[GPT]] = {"gpt2": GPT2, "modern": ModernGPT}


def architecture_class(config: GPTConfig) -> type[GPT]:
    """The class that implements what the config names."""
    return _CLASSES[config.architecture]


def build_gpt(model: "ModelSettings", vocab_size: int, seed: int) -> GPT:
    """A new model with random weights that depend on the seed alone; torch's own dice stay as they are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return GPT(GPTConfig.from_settings(model, vocab_size))
