"""A model of ours as a folder that `transformers` opens: model, tokenizer, and a model card.

The logits and the ids are equal: nothing is converted but names, the order of numbers, and where a factor is
kept. What we know no class for is refused, with the nearest that we write.
"""

import json
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from llmviz.model.hub.checkpoint import CONFIG, TOKENIZER, WEIGHTS
from llmviz.model.hub.errors import ForeignModelError
from llmviz.model.hub.formats import MODULES
from llmviz.model.hub.marks import Marks, marks_for
from llmviz.settings import FIELDS
from llmviz.settings.words import short_words_for
from llmviz.text.files import write_atomically

if TYPE_CHECKING:
    from llmviz.model.gpt import GPT
    from llmviz.text.tokenizers import Tokenizer

# Parts that no class of `transformers` has.
NOWHERE: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("x0_shortcut", "value_embeddings", "smear", "bigram_embeddings"), (False,)),
    "ngram_embeddings": (0,),
}
CARD = "README.md"


def export_model(
    model: "GPT", tokenizer: "Tokenizer", folder: Path, card: str, marks: Marks | None = None
) -> None:
    """Write config.json, model.safetensors, the tokenizer and the card into a folder. marks: where a text
    begins and ends, if the tokenizer does not say it all. Raises ForeignModelError for what we know no class
    for."""
    from llmviz.model.tensorfile import write_tensors

    theirs = format_for(model)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in theirs.weights_for(model).items()}
    if sum(w.numel() for w in weights.values()) != sum(w.numel() for w in model.state_dict().values()):
        raise ForeignModelError("Some weights of this model have no place in transformers' class for it.")
    folder.mkdir(parents=True, exist_ok=True)
    marks = marks or marks_for(tokenizer)
    config = theirs.config_for(model) | marks.as_config() | {"dtype": "float32"}
    _write_json(folder / CONFIG, config)
    _write_json(folder / "generation_config.json", marks.as_config())
    write_atomically(folder / WEIGHTS, lambda file: write_tensors(file, weights, {"format": "pt"}))
    tokenizer.save(folder / TOKENIZER)
    _write_json(
        folder / "tokenizer_config.json", _tokenizer_config(tokenizer, marks, model.config.block_size)
    )
    (folder / CARD).write_text(card, "utf-8")


def format_for(model: "GPT") -> ModuleType:
    """The module that writes this kind of model. Raises ForeignModelError, naming the nearest there is."""
    lacks = {module: _differences(model, module) for module in MODULES}
    nearest = min(MODULES, key=lambda module: len(lacks[module]))
    if not lacks[nearest]:
        return nearest
    name, otherwise = nearest.CLASSES[nearest.kind_of(model)], "; ".join(lacks[nearest])
    raise ForeignModelError(
        f"LLMViz knows no class of transformers for this model; the nearest that it writes is {name}, with "
        f"{otherwise}: train such a one to take it along."
    )


def _differences(model: "GPT", module: ModuleType) -> list[str]:
    """What would have to be different for a class of `transformers`, part by part; [] if it fits."""
    choices = model.config.choices
    if not choices.blocks:
        return ["blocks of attention instead of a table of pairs"]
    needed = NOWHERE | {"window": (model.config.block_size,)} | module.needs(model)
    return [
        f"“{FIELDS[name][1].title}” {short_words_for(allowed[0], name)} "
        f"instead of {short_words_for(getattr(choices, name), name)}"
        for name, allowed in needed.items()
        if getattr(choices, name) not in allowed
    ]


def _tokenizer_config(tokenizer: "Tokenizer", marks: Marks, block_size: int) -> dict[str, Any]:
    """tokenizer.json says all there is to say about ids; this says how to read that file. A mark that is no
    special token there is not called one: text that holds it would be cut otherwise."""
    text_of = {token_id: text for text, token_id in tokenizer.special_tokens.items()}
    named = {"bos_token": text_of.get(marks.begin), "eos_token": text_of.get(next(iter(marks.ends), None))}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": block_size,
        "model_input_names": ["input_ids", "attention_mask"],  # version 4 would give models a third
        "clean_up_tokenization_spaces": False,
        **{name: text for name, text in named.items() if text is not None},
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
