"""All the settings of a run, from and to a flat list of names, with every mistake explained at once."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from llmviz.settings.base import LEAST, Room, about, bound
from llmviz.settings.data import DataSettings
from llmviz.settings.model import ModelSettings
from llmviz.settings.model_conflicts import model_conflicts
from llmviz.settings.sampling import SamplingSettings
from llmviz.settings.training import TrainingSettings
from llmviz.settings.training_conflicts import training_conflicts


class SettingsError(ValueError):
    """One or more settings are wrong. `sentences` holds one plain sentence for each mistake; `usable` are the
    settings with the base's (by default the defaults) in place of what is wrong."""

    def __init__(self, sentences: list[str], usable: "RunSettings | None" = None) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences
        self.usable = usable


class RunSettings(Room):
    """Everything that decides what a run does; it stands in run.json as it is."""

    data: DataSettings = DataSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    sampling: SamplingSettings = SamplingSettings()

    def flat(self) -> dict[str, Any]:
        """{name: value} over all rooms; names are unique across rooms (tested)."""
        return {name: value for room in self.model_dump().values() for name, value in room.items()}


ROOMS: dict[str, type[Room]] = {
    "data": DataSettings,
    "model": ModelSettings,
    "training": TrainingSettings,
    "sampling": SamplingSettings,
}
FIELDS: dict[str, tuple[str, FieldInfo]] = {
    name: (room, field) for room, settings in ROOMS.items() for name, field in settings.model_fields.items()
}


def parse_settings(flat: dict[str, Any], base: RunSettings | None = None) -> RunSettings:
    """The settings that `flat` names, on top of `base` (default: every default).

    Raises SettingsError with one plain sentence for each mistake: all of them, not just the first.
    """
    rooms: dict[str, dict[str, Any]] = (base or RunSettings()).model_dump()
    sentences = []
    for name, value in flat.items():
        if name in FIELDS:
            rooms[FIELDS[name][0]][name] = value
        else:
            sentences.append(f"There is no setting called “{shown(name)}”.")
    wrong: set[str] = set()
    try:
        settings = RunSettings.model_validate(rooms)
    except ValidationError as error:
        sentences += [_sentence(mistake) for mistake in error.errors()]
        wrong = {str(mistake["loc"][-1]) for mistake in error.errors()}
        settings = RunSettings.model_validate(_without(wrong, rooms, (base or RunSettings()).model_dump()))
    sentences += [sentence for names, sentence in _conflicts(settings) if not names & wrong]
    if sentences:
        raise SettingsError(sentences, settings)
    return settings


def _without(
    wrong: set[str], rooms: dict[str, dict[str, Any]], base: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The same rooms with the base's values in place of what is wrong: the rest can still be checked."""
    return {
        room: {name: base[room][name] if name in wrong else value for name, value in values.items()}
        for room, values in rooms.items()
    }


def conflicts(settings: RunSettings) -> list[str]:
    """Settings that are fine one by one but do not go together, each in a plain sentence; [] if all do."""
    return [sentence for _, sentence in _conflicts(settings)]


def _conflicts(settings: RunSettings) -> Iterator[tuple[set[str], str]]:
    """Each conflict with the names of the settings it is between."""
    data, model, training = settings.data, settings.model, settings.training
    yield from model_conflicts(model)
    yield from training_conflicts(training, model)
    if data.corpus == "text" and data.text_sha256 is None:
        yield (
            {"corpus", "text_sha256"},
            "There is no text of yours yet: paste one, upload a .txt file, or choose another text.",
        )
    if data.tokenizer == "file" and data.tokenizer_sha256 is None:
        yield (
            {"tokenizer", "tokenizer_sha256"},
            "There is no tokenizer file: name one, or choose letters, bytes or byte pairs.",
        )


def _sentence(mistake: Any) -> str:
    """One pydantic error in words a student understands: what is wrong, what is allowed."""
    name = str(mistake["loc"][1]) if len(mistake["loc"]) > 1 else str(mistake["loc"][0])
    if name not in FIELDS:
        return f"There is no setting called “{shown(name)}”."
    _, field = FIELDS[name]
    if about(field, "private"):  # what readers type is never repeated: messages end up in logs
        return f"{field.title} cannot be used: {_allowed(field, mistake)}."
    given = mistake["input"]
    quoted = f"“{shown(given)}”" if isinstance(given, str) else shown(given)
    return f"{field.title} cannot be {quoted}: {_allowed(field, mistake)}."


def counted(number: int, thing: str) -> str:
    """“1 layer”, “2 layers”."""
    return f"{number} {thing}{'s' * (number != 1)}"


def shown(given: Any) -> str:
    """What somebody sent, as it may stand in a sentence: not too long, and letters that can be written."""
    text = str(given)
    return "".join(c if c.isprintable() else "?" for c in text[:40]) + "…" * (len(text) > 40)


def _allowed(field: FieldInfo, mistake: Any) -> str:
    if mistake["type"] == "literal_error":
        return f"choose {mistake['ctx']['expected']}"
    if mistake["type"] == "string_unicode":
        return "it holds half of a character (a lone surrogate)"
    if mistake["type"].startswith("string"):
        longest = bound(field, "max_length")
        return f"it may have at most {longest:,} characters" if longest else "it is not of the right form"
    if mistake["type"] == "too_small":
        or_none = "" if bound(field, "gt") is not None else ", or 0"
        return f"it is nearer to 0 than a model can tell. Choose at least {LEAST:g}{or_none}"
    if field.annotation is bool:
        return "choose true or false"
    kind = "a whole number" if "int" in str(field.annotation) else "a number"
    ends = [
        f"{word} {value:g}" if value < 10_000 else f"{word} {value:,.0f}"
        for name, word in (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))
        if (value := bound(field, name)) is not None
    ]
    return f"it has to be {kind}" + (f", {' and '.join(ends)}" if ends else "")
