"""Which of the formats we know a model has, and what it is in ours."""

from types import ModuleType
from typing import TYPE_CHECKING, Any

from llmviz.model.hub import gpt2, llama, nanochat
from llmviz.model.hub.checkpoint import Checkpoint
from llmviz.model.hub.errors import ForeignModelError

if TYPE_CHECKING:
    from torch import Tensor

MODULES = (gpt2, llama, nanochat)
FORMATS: dict[str, ModuleType] = {kind: module for module in MODULES for kind in module.MODEL_TYPES}


def format_of(config: dict[str, Any]) -> ModuleType:
    """The module that reads a config.json's kind of model. Raises ForeignModelError."""
    kind = config.get("model_type")
    if not isinstance(kind, str) or kind not in FORMATS:
        raise ForeignModelError(
            f"This model is of the kind “{str(kind)[:40]}”; what can be opened here is {_listed()}."
        )
    return FORMATS[kind]


def foreign_shape(config: dict[str, Any]) -> dict[str, Any]:
    """{name of a model setting: value}. Raises ForeignModelError for what we would compute differently."""
    return format_of(config).shape_of(config)


def foreign_weights(checkpoint: Checkpoint, vocab_size: int) -> "dict[str, Tensor]":
    """{our name: tensor}, with a row of the embeddings for each of the tokenizer's tokens.

    Makers of models round the vocabulary up for speed: rows that no token has are left out.
    """
    weights = format_of(checkpoint.config).weights_from(checkpoint.tensors(), checkpoint.config)
    for name in ("wte.weight", "lm_head.weight"):
        if name in weights:
            rows = len(weights[name])
            if rows < vocab_size:
                raise ForeignModelError(
                    f"The tokenizer has {vocab_size:,} tokens, but the model knows {rows:,} only: they do "
                    "not belong together."
                )
            weights[name] = weights[name][:vocab_size]
    return weights


def _listed() -> str:
    *most, last = FORMATS
    return f"{', '.join(most)} or {last}" if most else last
