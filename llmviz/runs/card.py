"""The model card of a run: what it is, what it learned from and how well, and how to use it. No torch.

Nothing that the reader typed is in it but the run's name: no text of theirs, no prompt.
"""

from dataclasses import asdict
from typing import Any

from llmviz.runs.changes import told_changes
from llmviz.runs.directory import RunDirectory
from llmviz.runs.records import fold, read_records
from llmviz.settings import FIELDS, ModelSettings, about, counted
from llmviz.settings.choices import ARCHITECTURES, sized

HEAD = """---
library_name: transformers
pipeline_tag: text-generation
tags:
- llmviz
---
"""
USE = """## How to use it

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("FOLDER")
model = AutoModelForCausalLM.from_pretrained("FOLDER")
inputs = tokenizer("PROMPT", return_tensors="pt")
print(tokenizer.decode(model.generate(**inputs, max_length={length}, do_sample=True)[0]))
```

It sees {block_size:,} tokens at a time: prompt and answer together should not be longer.{unknown}

These files were made for version 5 of transformers.
"""
ONLY_ITS_LETTERS = (
    " Its tokens are the characters of its text; one that did not occur there cannot be given to it."
)
LIMITS = """## What it is not

A model for learning how such models work, small and trained on little text. What it writes may be wrong, or
no language at all; it knows nothing of the world and has been given no manners.
"""
USUAL_LENGTH = 100  # tokens of prompt and answer together, where the model sees that many
_SCALING = ("rope_scaling", "rope_factor", "rope_low", "rope_high", "rope_original")
CORPORA = {
    "stories": "little stories written by LLMViz's own generator",
    "dinosaurs": "made-up dinosaur names from LLMViz's own generator",
    "rhymes": "rhyming couplets from LLMViz's own generator",
    "python-docs": "the documentation of Python",
    "python-source": "the source code of Python's standard library",
    "text": "a text of its maker's, which is not part of this folder",
}


def model_card(run: RunDirectory, step: int, n_parameters: int) -> str:
    """README.md for the model of a run after `step` corrections."""
    described = run.run()
    flat = {name: value for room in described["settings"].values() for name, value in room.items()}
    source = described.get("source")
    model = run.settings().model
    parts = [f"{HEAD}\n# {_one_line(run.meta().get('name') or 'A small GPT')}\n", _about(model, n_parameters)]
    parts += [_origin(source)] if source else [_data(flat), _results(run, step), _recipe(run, step, flat)]
    unknown = ONLY_ITS_LETTERS if flat.get("tokenizer") == "chars" else ""
    length = min(model.block_size, USUAL_LENGTH)  # GPT-2 has no position beyond its context
    parts += [USE.format(block_size=model.block_size, length=length, unknown=unknown)]
    parts += [] if source else [LIMITS]
    return "\n".join(parts)


def _about(model: ModelSettings, n_parameters: int) -> str:
    usual = sized(ARCHITECTURES[model.architecture], model) == model.choices
    return (
        f"A GPT of {n_parameters:,} parameters (architecture {model.architecture}"
        f"{'' if usual else ' with parts changed'}: {counted(model.n_layer, 'layer')}, "
        f"{counted(model.n_head, 'head')}, {model.n_embd} wide), exported from LLMViz.\n"
    )


def _origin(source: dict[str, Any]) -> str:
    version = f", version {source['revision']}" if source.get("revision") else ""
    return (
        f"## Where it comes from\n\nIt was imported from {_one_line(source['name'])}{version} and not "
        "trained further; its licence is that of its makers.\n"
    )


def _data(flat: dict[str, Any]) -> str:
    text = CORPORA.get(flat["corpus"], flat["corpus"])
    length = (
        ""
        if flat["corpus"] == "text"
        else f", {flat['corpus_chars']:,} letters of them (seed {flat['corpus_seed']})"
    )
    held = f"{flat['validation_fraction']:.0%} at the end kept for validation"
    return f"## Data\n\nIt learned from {text}{length}; {held}. Tokens: {flat['tokenizer']}.\n"


def _results(run: RunDirectory, step: int) -> str:
    """The newest losses there were at that step, which may be those of an earlier one."""
    state = run.state()
    lines = [f"- step {step:,} of {state.get('max_steps', 0):,}"]
    known = [record for record in fold(record for _, record in read_records(run.metrics)) if "eval" in record]
    newest = next((record for record in reversed(known) if record["eval"] <= step), {})
    kind = "on the whole validation text" if newest.get("full") else "an estimate"
    kind += f" at step {newest['eval']:,}" if newest.get("eval", step) != step else ""
    numbers = (
        ("validation loss", "val_loss", "{:.4f} nats a token"),
        ("bits per byte", "bits_per_byte", "{:.4f}"),
        ("first guess right", "val_accuracy", "{:.1%}"),
    )
    found = [(name, form.format(newest[key])) for name, key, form in numbers if newest.get(key) is not None]
    lines += [f"- {name}: {value} ({kind})" for name, value in found]
    if step == state.get("step") and state.get("tokens_seen"):
        lines += [f"- tokens seen: {state['tokens_seen']:,}"]
    return "\n".join(["## Results\n", *lines, ""])


def _recipe(run: RunDirectory, step: int, flat: dict[str, Any]) -> str:
    """Every setting of the model and of the training, and what was changed of them before that step; of the
    model's parts, what they came to."""
    choices = run.settings().model.choices
    values = flat | asdict(choices)
    changes = [change for change in told_changes(run) if change["step"] < step]
    rows = [
        f"| {field.title} | `{name}` | {_shown(values[name])}{_changed(name, changes)} |"
        for name, (room, field) in FIELDS.items()
        if room in ("model", "training")
        and name in values
        and not about(field, "private")
        and not (about(field, "derived") and values[name] == field.default)
        and not (name.startswith("rope_") and choices.positions != "rope")
        and not (name in _SCALING and choices.rope_scaling == "none")
    ]
    return "\n".join(["## Recipe\n", "| setting | name | value |", "|---|---|---|", *rows, ""])


def _changed(name: str, changes: list[dict[str, Any]]) -> str:
    """“, from step 300 on 0.001”, for every change of a setting."""
    return "".join(
        f", from step {change['step']:,} on {_shown(change[name])}" for change in changes if name in change
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _one_line(text: str) -> str:
    """A name as it may stand in Markdown: no line ends, no mark-up."""
    return "".join(c if c.isalnum() or c in " -_./()" else " " for c in str(text))[:100].strip()
