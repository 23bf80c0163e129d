"""An experiment as a link: the preset and what differs from it. A reader's own text is never in it."""

from urllib.parse import parse_qsl, urlencode

from llmviz.settings import FIELDS, PRESETS, RunSettings, SettingsError, about, parse_settings

MAX_LENGTH = 4_000


def to_query(settings: RunSettings, preset: str) -> str:
    """The query string that rebuilds `settings`, such as "preset=small&n_layer=2"."""
    usual = PRESETS[preset].settings.flat()
    differs = {
        name: value
        for name, value in settings.flat().items()
        if value != usual[name] and value is not None and _may_travel(name)
    }
    return urlencode({"preset": preset, **differs})


def from_query(query: str) -> tuple[str, RunSettings]:
    """(preset, settings) of a link. What is not a setting is passed over: links also name a run and a step.

    Raises SettingsError, with a sentence for each mistake, for values that cannot be.
    """
    given = dict(parse_qsl(query[:MAX_LENGTH].lstrip("?")))
    preset = given.get("preset", "small")
    if preset not in PRESETS:
        raise SettingsError([f"The link asks for a size “{preset[:40]}”: there are {', '.join(PRESETS)}."])
    flat = {name: value for name, value in given.items() if name in FIELDS and _may_travel(name)}
    if flat.get("corpus") == "text":
        raise SettingsError(["The link was made with a text of somebody's own, which no link can carry."])
    return preset, parse_settings(flat, PRESETS[preset].settings)


def _may_travel(name: str) -> bool:
    field = FIELDS[name][1]
    return not about(field, "private") and not about(field, "derived")
