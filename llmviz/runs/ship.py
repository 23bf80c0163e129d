"""Shipped models: what the page shows before anybody has trained. From the recipe to a packed run directory.

A shipped model is a run like any other, made smaller: it holds what the page and the terminal read, and not
what only further training would need. Its opening page (a sample and its attention) is computed here and
stored, so that the first visitor waits for no worker; a test computes both again.
"""

import json
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmviz import __version__
from llmviz.runs.directory import RunDirectory, RunError
from llmviz.runs.film import is_film_step, write_sample
from llmviz.runs.opened import OpenedModel, OpenedModels
from llmviz.runs.records import Record, fold, read_records
from llmviz.runs.snapshots import to_remove
from llmviz.settings import PRESETS, RunSettings, SamplingSettings, parse_settings

MOST_BYTES = 10_000_000  # of the whole directory
SNAPSHOTS = 9  # the newest with 32 bits, those before it with 16
MAP_TOKENS = 64  # of the opening's attention: as many as a map shows legibly
MEASURED = ("val_loss", "val_accuracy", "bits_per_byte", "seconds", "tokens_seen", "n_parameters", "threads")
# A story from its beginning, and its less likely words left out: how the page opens, and how it is judged.
OPENING = SamplingSettings(temperature=0.7, top_p=0.9, max_new_tokens=240, sample_seed=1)
SAMPLE_TOKENS = 800
SENTENCES_A_SAMPLE = 10


@dataclass(frozen=True)
class Recipe:
    """How a shipped model is made, and how what it writes is judged."""

    name: str
    label: str
    settings: RunSettings
    sentences: Callable[[str], list[str]]  # of a text
    is_right: Callable[[str], bool]  # whether the grammar of its corpus can write this sentence
    judged_by: int = 200  # sentences


def _split_story(text: str) -> list[str]:
    from llmviz.text.corpora.stories import split_sentences

    return split_sentences(text)


def _grammatical(sentence: str) -> bool:
    from llmviz.text.corpora.stories import grammatical

    return grammatical(sentence)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="story-gpt",
            label="Story GPT",
            # `Small`, given time: twice the context, so that it sees the sentence before, and a layer more.
            # Small batches: at equal tokens, 8 windows a step came to a loss of 0.60 where 16 came to 0.68.
            settings=parse_settings(
                {
                    "corpus_chars": 2_000_000,
                    "n_layer": 4,
                    "n_embd": 88,
                    "block_size": 128,
                    "batch_size": 8,
                    "max_steps": 24_000,
                    "learning_rate": 4e-3,
                    "warmup_steps": 60,
                    "final_lr_ratio": 0.0,
                    "eval_interval": 500,
                    "threads": 1,  # fixed, because it changes the bits of every sum
                    "temperature": OPENING.temperature,
                    "top_p": OPENING.top_p,
                    "max_new_tokens": 200,
                },
                PRESETS["small"].settings,
            ),
            sentences=_split_story,
            is_right=_grammatical,
        ),
    )
}


def pack(run: RunDirectory, recipe: Recipe, out: Path) -> RunDirectory:
    """Write the shipped form of a finished run into the folder `out`. Raises RunError.

    Everything is computed from the packed files, as the page will: what is stored is what is shipped.
    """
    if run.state().get("status") != "finished":
        raise RunError(f"{run.path} is not finished, so it cannot be shipped.")
    out.mkdir(parents=True)
    try:
        return _fill(RunDirectory(out), run, recipe)
    except BaseException:
        shutil.rmtree(out)
        raise


def _fill(packed: RunDirectory, run: RunDirectory, recipe: Recipe) -> RunDirectory:
    out = packed.path
    packed.snapshot_folder.mkdir()
    for name in ("run.json", "state.json", "tokenizer.json"):
        shutil.copyfile(run.path / name, out / name)
    packed.write_json("meta.json", {"name": recipe.label, "owner": None, "pins": [], "wanted": "pause"})
    _write_log(_last_word(run.metrics), packed.metrics)
    _copy_description(run.dataset(), packed.dataset())
    _copy_snapshots(run, packed)
    notices = [record for record in _last_word(run.events) if record.get("kind") == "notice"]
    _write_log(notices + film(packed), packed.events)
    opened = OpenedModels().get(out)
    packed.write_json("opening.json", opening(packed))
    packed.write_json("recipe.json", describe(packed, recipe, opened))
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    if size > MOST_BYTES:
        raise RunError(f"{out} has {size:,} bytes, more than the {MOST_BYTES:,} a shipped model may have.")
    return packed


def opening(run: RunDirectory) -> dict[str, Any]:
    """What the page shows of this model at once: a sample, and who looks at whom in its first words.

    Made by the very functions that answer the page's jobs.
    """
    from llmviz.runs.jobkinds import attention, sample

    models = OpenedModels()
    start, *tokens, _ = sample(models, run.path, OPENING.model_dump())
    text = "".join(token["text"] for token in tokens)
    shown = beginning(text, MAP_TOKENS)
    maps = next(filter(None, attention(models, run.path, {"text": shown})))
    maps = {
        name: value for name, value in maps.items() if name != "seconds"
    }  # no two computations take the same
    return {
        "sample": OPENING.model_dump() | {"text": text, "step": start["step"]},
        "attention": {"text": shown} | maps,
    }


def film(run: RunDirectory) -> list[Record]:
    """The rows of the film strip, and the newest sample, as the model writes them from the snapshots."""
    models, *earlier, last = OpenedModels(), *run.snapshots()
    sampling = run.settings().sampling
    rows = []
    for step in [*filter(is_film_step, earlier), last]:
        opened = models.get(run.path, step)
        text = write_sample(opened.model, opened.tokenizer, sampling)
        kind = "now" if step == last else "sample"
        rows.append({"kind": kind, "step": step, "prompt": sampling.prompt, "text": text})
    return rows


def beginning(text: str, letters: int) -> str:
    """The first whole words of a text, at most so many letters."""
    if len(text) <= letters:
        return text
    return text[: letters + 1].rpartition(" ")[0] or text[:letters]


def describe(run: RunDirectory, recipe: Recipe, opened: OpenedModel) -> dict[str, Any]:
    """The recipe of a packed model, with the measurements of what came out of it."""
    import numpy
    import torch

    state = run.state()
    return {
        "command": f"python -m llmviz ship {recipe.name} --out DIR",
        "settings": recipe.settings.flat(),
        "measured": {name: state[name] for name in MEASURED}
        | {"right_sentences": right_share(opened, recipe), "of_sentences": recipe.judged_by},
        "versions": {
            "llmviz": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": numpy.__version__,
        },
    }


def right_share(opened: OpenedModel, recipe: Recipe) -> float:
    """The share of sentences, sampled like the opening, that its corpus's grammar can write."""
    sentences = sampled_sentences(opened, recipe)
    return sum(map(recipe.is_right, sentences)) / max(1, len(sentences))


def sampled_sentences(opened: OpenedModel, recipe: Recipe) -> list[str]:
    """Whole sentences of the model's own, from no prompt: ten at most from every seed, 0, 1, 2 …

    As many as the recipe asks for, or fewer from a model that hardly ever ends one.
    """
    from llmviz.generation import first_ids, generate

    start = first_ids(opened.tokenizer, "")
    sentences: list[str] = []
    for seed in range(recipe.judged_by):
        sampling = OPENING.model_copy(update={"max_new_tokens": SAMPLE_TOKENS, "sample_seed": seed})
        text = opened.tokenizer.decode(list(generate(opened.model, start, sampling)))
        sentences += recipe.sentences(text)[:-1][:SENTENCES_A_SAMPLE]  # the last one may not be whole
        if len(sentences) >= recipe.judged_by:
            break
    return sentences[: recipe.judged_by]


def _last_word(log: Path) -> list[Record]:
    """What a log says in the end, without what was rewound or overtaken."""
    return fold(record for _, record in read_records(log))


def _write_log(records: list[Record], target: Path) -> None:
    lines = (json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records)
    target.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _copy_description(source: Path, target: Path) -> None:
    """Of the text only what the page shows of it: the text itself can be written again from its recipe."""
    target.mkdir(parents=True)
    for name in ("meta.json", "tokenizer.json", "words.txt"):
        shutil.copyfile(source / name, target / name)


def _copy_snapshots(run: RunDirectory, packed: RunDirectory) -> None:
    """Few snapshots, evenly spread over the logarithm of the step, among them those of the film strip."""
    import torch

    from llmviz.model import build_gpt, load_into, read_metadata, save_weights
    from llmviz.runs.weights import read_run_weights
    from llmviz.text.tokenizers import load_tokenizer

    model = build_gpt(run.settings().model, load_tokenizer(run.tokenizer).vocab_size, seed=0)
    steps = run.snapshots()
    film = [step for step in steps if is_film_step(step)]
    removed = to_remove(dict.fromkeys(steps, 0), keep=film, most=SNAPSHOTS)
    for step in sorted(set(steps) - set(removed)):
        load_into(model, read_run_weights(run.snapshot(step)))
        dtype = torch.float32 if step == steps[-1] else torch.float16
        save_weights(model, packed.snapshot(step), dtype, read_metadata(run.snapshot(step)))
