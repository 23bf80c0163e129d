"""The one place where choices become a model."""

from typing import TYPE_CHECKING

import torch

from llmviz.model.bigram import Bigram
from llmviz.model.choices import written_out
from llmviz.model.config import GPTConfig
from llmviz.model.gpt import GPT
from llmviz.model.gpt2 import GPT2
from llmviz.model.modern import ModernGPT
from llmviz.model.variant import VariantGPT

if TYPE_CHECKING:
    from llmviz.settings import ModelSettings

_CLASSES: dict[str, type[GPT]] = {
    "gpt2": GPT2,
    "modern": ModernGPT,
    "bigram": Bigram,
    "variant": VariantGPT,
}


def architecture_class(config: GPTConfig) -> type[GPT]:
    """The class written for exactly these choices, or the one that is put together."""
    return _CLASSES[written_out(config.choices, config)]


def build_gpt(model: "ModelSettings", vocab_size: int, seed: int) -> GPT:
    """A new model with random weights that depend on the seed alone; torch's own dice stay as they are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return GPT(GPTConfig.from_settings(model, vocab_size))
