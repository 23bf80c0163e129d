"""Flags made out of the settings: a setting is explained once, in `llmviz.settings`, and read here."""

import argparse
from collections.abc import Iterable
from typing import Any, get_args

from pydantic.fields import FieldInfo

from llmviz.settings import FIELDS, about

_TITLES = {
    "data": "the text and how it is read",
    "model": "the model",
    "training": "the training",
    "sampling": "what it writes while it trains",
}


def add_setting_flags(
    parser: argparse.ArgumentParser, rooms: Iterable[str], skip: Iterable[str] = ()
) -> None:
    """Give `parser` one flag for every setting of these rooms, grouped by room.

    A flag that is not used leaves no trace in the parsed options, so that `given_settings` can tell what was
    asked for from what is merely the default. Derived settings (hashes) are filled in by the program.
    """
    for room in rooms:
        group = parser.add_argument_group(_TITLES[room])
        for name, (home, field) in FIELDS.items():
            if home == room and name not in skip and not about(field, "derived"):
                metavar = "|".join(_choices(field)) or "X"
                group.add_argument(
                    flag(name), dest=name, default=argparse.SUPPRESS, metavar=metavar, help=explain(field)
                )


def flag(name: str) -> str:
    """n_layer → --n-layer."""
    return "--" + name.replace("_", "-")


def explain(field: FieldInfo) -> str:
    """The help of a flag: what it does, the default, and the chapter of the book."""
    notes = []
    if field.default not in (None, ""):
        default = str(field.default).lower() if field.annotation is bool else field.default
        notes.append(f"default {default} {about(field, 'unit')}".strip())
    if about(field, "chapter"):
        notes.append(f"book {about(field, 'chapter')}")
    help = f"{field.title}. {field.description}" + (f" [{'; '.join(notes)}]" if notes else "")
    return help.replace("%", "%%")


def _choices(field: FieldInfo) -> list[str]:
    """The names a setting can take, if it takes names."""
    if field.annotation is bool:
        return ["true", "false"]
    return [choice for choice in get_args(field.annotation) if isinstance(choice, str)]


def given_settings(options: argparse.Namespace) -> dict[str, Any]:
    """{name: what was typed} for the settings that the command line names."""
    return {name: value for name, value in vars(options).items() if name in FIELDS}
