"""A model of ours as a folder that `transformers` opens: model, tokenizer, and a model card.

The logits and the ids are equal: nothing is converted but names and the order of numbers. What `transformers`
has no class for is refused, with the nearest that it has.
"""

import json
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from llmviz.model.hub import gpt2, nanochat
from llmviz.model.hub.checkpoint import CONFIG, TOKENIZER, WEIGHTS
from llmviz.model.hub.errors import ForeignModelError
from llmviz.text.files import write_atomically

if TYPE_CHECKING:
    from llmviz.model.gpt import GPT
    from llmviz.text.tokenizers import Tokenizer

END_OF_TEXT = "<|endoftext|>"
CARD = "README.md"


def export_model(model: "GPT", tokenizer: "Tokenizer", folder: Path, card: str) -> None:
    """Write config.json, model.safetensors, the tokenizer and the card into a folder. Raises
    ForeignModelError where `transformers` has no such model."""
    from llmviz.model.tensorfile import write_tensors

    theirs = format_for(model)
    folder.mkdir(parents=True, exist_ok=True)
    ends = _end_of_text(tokenizer)
    config = theirs.config_for(model) | {"bos_token_id": ends, "eos_token_id": ends, "dtype": "float32"}
    _write_json(folder / CONFIG, config)
    _write_json(folder / "generation_config.json", {"bos_token_id": ends, "eos_token_id": ends})
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in theirs.weights_for(model).items()}
    write_atomically(folder / WEIGHTS, lambda file: write_tensors(file, weights, {"format": "pt"}))
    tokenizer.save(folder / TOKENIZER)
    _write_json(folder / "tokenizer_config.json", _tokenizer_config(tokenizer, model.config.block_size))
    (folder / CARD).write_text(card, "utf-8")


def format_for(model: "GPT") -> ModuleType:
    """The module that writes this kind of model. Raises ForeignModelError."""
    from llmviz.model.gpt2 import GPT2
    from llmviz.model.modern import ModernGPT

    for kind, module in ((GPT2, gpt2), (ModernGPT, nanochat)):
        if type(model) is kind:
            return module
    raise ForeignModelError(
        f"transformers has no class for this {model.config.architecture} model. The nearest it has are gpt2 "
        "and modern without changes: train one of those to take it along."
    )


def _tokenizer_config(tokenizer: "Tokenizer", block_size: int) -> dict[str, Any]:
    """tokenizer.json says all there is to say about ids; this says how to read that file."""
    special = END_OF_TEXT if _end_of_text(tokenizer) is not None else None
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": block_size,
        "clean_up_tokenization_spaces": False,
        **({"bos_token": special, "eos_token": special} if special else {}),
    }


def _end_of_text(tokenizer: "Tokenizer") -> int | None:
    """The token after which generating ends, if there is one."""
    return getattr(tokenizer, "special_tokens", {}).get(END_OF_TEXT)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
