"""Form controls made from the one definition of each setting."""

import re
from typing import Any, get_args

import gradio as gr
from gradio.components import Component

from llmviz.settings import FIELDS, about, bound
from llmviz.settings.resize import NAMED
from llmviz.settings.words import WORDS, short_words_for, words_for

MOST_NAMED = 3  # in a line under Train

# Drawn as their own dropdowns at the top of Train, or no form's business.
_ELSEWHERE = {"corpus", "tokenizer", "prompt"}


def choices(name: str) -> list[tuple[str, str]]:
    """(what the page says, value) for each allowed value of a setting that has a list of them."""
    values = get_args(FIELDS[name][1].annotation)
    return [(words_for(value, name), value) for value in values if value in WORDS]


def in_page_words(sentence: str) -> str:
    """A sentence about settings, with the names of choices as the menus have them: “rope” becomes “RoPE”."""
    return re.sub("“([a-z0-9-]+)”", lambda quoted: f"“{short_words_for(quoted[1])}”", sentence)


def brought_besides(size: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    """What a size has changed in the menus besides its numbers, in a sentence; "" if nothing."""
    changed = [
        f"{FIELDS[name][1].title} to {short_words_for(after[name], name)}"
        for name in NAMED
        if before[name] != after[name]
    ]
    if not changed:
        return ""
    more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
    return f"{size} also set {', '.join(changed[:MOST_NAMED])}{more}."


def control(name: str, value: Any) -> Component:
    """The form control of one setting: a dropdown for a list of names, a number field for a number."""
    field = FIELDS[name][1]
    common = {"value": value, "label": _label(name), "info": field.description, "elem_id": f"lv-set-{name}"}
    if choices_ := (
        choices(name) if get_args(field.annotation) and "Literal" in str(field.annotation) else []
    ):
        return gr.Dropdown(choices=choices_, **common)
    if field.annotation is bool:
        return gr.Checkbox(**common)
    step = about(field, "step") or (1 if field.annotation is int else None)
    # Bounds are checked by parse_settings, which explains all mistakes at once; Gradio would stop at one.
    return gr.Number(step=step, precision=0 if field.annotation is int else None, **common)


def _label(name: str) -> str:
    """What a setting is called, and what is counted: “Context, tokens”, “QK-norm”, “Batch in pieces”."""
    title, unit = FIELDS[name][1].title, about(FIELDS[name][1], "unit")
    if not unit or title.lower().endswith(unit):
        return title
    return f"{title} {unit}" if unit.startswith("(") else f"{title}, {unit}"


def form_settings() -> list[str]:
    """The settings that stand behind *More*, in the order they are declared."""
    return [name for name in FIELDS if name not in _ELSEWHERE and not about(FIELDS[name][1], "derived")]


def sampling_controls(names: tuple[str, ...]) -> list[dict[str, Any]]:
    """What a JavaScript control has to know of each sampling setting: bounds, step, default, label, help."""
    return [_as_data(name) for name in names]


def _as_data(name: str) -> dict[str, Any]:
    field = FIELDS[name][1]
    lowest, highest = bound(field, "ge"), bound(field, "le")
    return {
        "name": name,
        "label": field.title,
        "unit": about(field, "unit"),
        "help": field.description,
        "min": bound(field, "gt") if lowest is None else lowest,
        "max": highest,
        "step": about(field, "step") or 1,
        "default": field.default,
    }
