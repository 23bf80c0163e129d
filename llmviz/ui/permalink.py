"""An experiment as a link: the preset and what differs from it. A reader's own text is never in it."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from llmviz.settings import FIELDS, PRESETS, RunSettings, SettingsError, about, parse_settings, shown

MAX_LENGTH = 4_000
USUAL = "small"
# What a link may name besides settings, as core.js reads it.
_PLACES = {
    "run": (r"[\w-]{1,64}", "a model “{}”, but no model is called like that: the page shows another one."),
    "step": (r"\d{1,9}", "step “{}”, but a step is a whole number from 0: the page shows the newest one."),
}
# Choices that need a file of the reader's own.
_STAYS_AT_HOME = {("corpus", "text"): "a text", ("tokenizer", "file"): "a tokenizer"}
_NOT_OURS = re.compile(r"__.*|utm_.*|.*clid")  # Gradio's, and what others hang onto links they pass on


def to_query(settings: RunSettings, preset: str) -> str:
    """The query string that rebuilds `settings`, such as "preset=small&n_layer=2"."""
    usual = PRESETS[preset].settings.flat()
    differs = {
        name: value
        for name, value in settings.flat().items()
        if value != usual[name] and value is not None and _may_travel(name)
    }
    return urlencode({"preset": preset, **differs})


@dataclass(frozen=True)
class Link:
    """What a link asks for: a preset's settings with others on top, as far as they can be, and a sentence for
    everything that cannot."""

    preset: str
    settings: RunSettings
    mistakes: list[str]
    fills: bool  # whether it names a preset or a setting at all


def from_query(query: str) -> Link:
    """Read a link. A value that cannot be is left at the preset's; the others are kept."""
    given = dict(parse_qsl(query[:MAX_LENGTH].lstrip("?"), keep_blank_values=True))
    preset = given.pop("preset", None)
    flat = {name: value for name, value in given.items() if name in FIELDS and _may_travel(name)}
    mistakes = [_misplaced(name, value) for name, value in given.items() if name not in flat]
    if preset is not None and preset not in PRESETS:
        mistakes.append(f"The link asks for a size “{shown(preset)}”: there are {', '.join(PRESETS)}.")
    for (name, value), told in _STAYS_AT_HOME.items():
        if flat.get(name) == value:
            mistakes.append(f"The link was made with {told} of somebody's own, which no link can carry.")
            del flat[name]
    fills = bool(flat) or preset in PRESETS
    preset = preset if preset in PRESETS else USUAL
    try:
        settings = parse_settings(flat, PRESETS[preset].settings)
    except SettingsError as error:
        settings = error.usable
        mistakes += error.sentences
    return Link(preset, settings, [mistake for mistake in mistakes if mistake], fills)


def _misplaced(name: str, value: str) -> str:
    """What is wrong with a part of a link that is no setting; "" if nothing is."""
    if name in _PLACES:
        pattern, said = _PLACES[name]
        return "" if re.fullmatch(pattern, value, re.ASCII) else f"The link names {said.format(shown(value))}"
    if _NOT_OURS.fullmatch(name):
        return ""
    return f"The link says something of “{shown(name)}”, which is nothing that a link can set."


def _may_travel(name: str) -> bool:
    field = FIELDS[name][1]
    return not about(field, "private") and not about(field, "derived")
