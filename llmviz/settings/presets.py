"""The sizes a reader chooses from: each a whole recipe, so that the first Train needs no choice at all."""

from dataclasses import dataclass
from typing import Any

from llmviz.settings.run import RunSettings, parse_settings


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A name people can choose, and the settings it stands for."""

    name: str
    label: str
    note: str
    settings: RunSettings


def _preset(name: str, label: str, note: str, **flat: Any) -> Preset:
    return Preset(name=name, label=label, note=note, settings=parse_settings(flat))


# How stories are written: without the less likely words, of which one in a sentence is enough to spoil it.
# After `small`, twice as many sentences were grammatical as with temperature 0.8 and all words.
CAREFUL = {"temperature": 0.7, "top_p": 0.9}

# The fastest way we know to the loss at which nanoGPT's recipe for a CPU ends on tiny Shakespeare's letters.
# How it was found, and what did not help: assets/lessons/time-to-loss.md.
SPEEDRUN = {
    "corpus": "stories",
    "tokenizer": "chars",
    "architecture": "modern",
    "n_layer": 1,
    "n_head": 2,
    "n_embd": 48,
    "mlp_width": 96,
    "ngram_embeddings": 4,
    "ngram_rows": 5_120,
    "block_size": 64,
    "batch_size": 16,
    "max_steps": 100,
    "learning_rate": 0.02,
    "schedule": "wsd",
    "decay_share": 0.6,
    "final_lr_ratio": 0.0,
    "warmup_steps": 0,
    "weight_decay": 0.0,
    "beta1": 0.5,
    "beta2": 0.95,
    "eval_interval": 20,
    "max_new_tokens": 120,
}

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        _preset(
            "spark",
            "Spark",
            "a few seconds: made-up dinosaur names, letter by letter",
            corpus="dinosaurs",
            corpus_chars=200_000,
            tokenizer="chars",
            architecture="modern",
            n_layer=2,
            n_head=4,
            n_embd=64,
            block_size=32,
            batch_size=16,
            max_steps=600,
            learning_rate=6e-3,
            warmup_steps=20,
            eval_interval=50,
            max_new_tokens=60,
        ),
        _preset(
            "small",
            "Small",
            "under half a minute: little stories, letter by letter",
            corpus="stories",
            tokenizer="chars",
            architecture="modern",
            n_layer=2,
            n_head=4,
            n_embd=112,
            block_size=64,
            batch_size=8,
            max_steps=1_500,
            learning_rate=4e-3,
            warmup_steps=30,
            eval_interval=100,
            max_new_tokens=120,
            **CAREFUL,
        ),
        _preset(
            "medium",
            "Medium",
            "minutes: stories in byte-pair tokens",
            corpus="stories",
            tokenizer="bpe",
            vocab_size=512,
            architecture="modern",
            n_layer=4,
            n_head=4,
            n_embd=128,
            block_size=64,
            batch_size=16,
            max_steps=2_000,
            learning_rate=4e-3,
            warmup_steps=50,
            eval_interval=100,
            max_new_tokens=100,
            **CAREFUL,
        ),
        _preset(
            "large",
            "Large",
            "a coffee break: stories in byte-pair tokens, with a longer memory",
            corpus="stories",
            corpus_chars=4_000_000,
            tokenizer="bpe",
            vocab_size=1024,
            architecture="modern",
            n_layer=6,
            n_head=6,
            n_embd=192,
            block_size=96,
            batch_size=16,
            max_steps=3_000,
            learning_rate=3e-3,
            warmup_steps=100,
            eval_interval=200,
            max_new_tokens=100,
            **CAREFUL,
        ),
        _preset(
            "speedrun",
            "Speedrun",
            "about a second: spelling from tables of n-grams, letter by letter",
            **SPEEDRUN,
        ),
    )
}
