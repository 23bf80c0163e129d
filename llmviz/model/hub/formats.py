"""Which of the formats we know a model has, and what it is in ours."""

import re
from types import ModuleType
from typing import TYPE_CHECKING, Any

from llmviz.model.hub import gpt2, llama, nanochat
from llmviz.model.hub.checkpoint import Checkpoint
from llmviz.model.hub.errors import ForeignModelError

if TYPE_CHECKING:
    from torch import Tensor

MODULES = (gpt2, llama, nanochat)
NUMBERS = ("float32", "float16", "bfloat16", "float64")
# Masks and tables that old files hold.
NO_WEIGHT = re.compile(r"(attn\.(masked_)?bias|rotary_emb\.inv_freq)$")
FORMATS: dict[str, ModuleType] = {kind: module for module in MODULES for kind in module.MODEL_TYPES}


def format_of(config: dict[str, Any]) -> ModuleType:
    """The module that reads a config.json's kind of model. Raises ForeignModelError."""
    if config.get("quantization_config"):
        raise ForeignModelError("The weights of this model are quantised: LLMViz reads plain numbers only.")
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
    weights = _understood(checkpoint)
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


def _understood(checkpoint: Checkpoint) -> "dict[str, Tensor]":
    """The weights under our names. Raises ForeignModelError if there is more to them than we know of."""
    tensors = checkpoint.tensors()
    try:
        weights = format_of(checkpoint.config).weights_from(tensors, checkpoint.config)
    except (RuntimeError, IndexError):  # torch's words for numbers that do not fit together
        raise ForeignModelError(
            "The weights of this model do not have the shapes that its config.json says."
        ) from None
    for name, tensor in weights.items():
        if str(tensor.dtype).removeprefix("torch.") not in NUMBERS:
            raise ForeignModelError(
                f"The weights of this model are packed (as {tensor.dtype}, in {name}): LLMViz reads plain "
                "numbers of 16, 32 or 64 bits."
            )
    if unknown := sorted(name for name in tensors.unread() if not NO_WEIGHT.search(name)):
        raise ForeignModelError(
            f"This model has weights that LLMViz would not use, such as {unknown[0][:60]}: its numbers would "
            "come out differently here."
        )
    return weights


def _listed() -> str:
    *most, last = FORMATS
    return f"{', '.join(most)} or {last}" if most else last
