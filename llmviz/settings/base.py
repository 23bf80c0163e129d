"""How a setting is declared: once, with everything the page, the terminal and the docs need to know."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

# Settings meet the 32-bit numbers of models, to which much less than this is 0: and some are divided by.
LEAST = 1e-30


def setting(
    default: Any,
    *,
    label: str,
    help: str,
    unit: str = "",
    chapter: str = "",
    live: bool = False,
    private: bool = False,
    derived: bool = False,
    group: str = "",
    step: float | None = None,
    **bounds: Any,
) -> Any:
    """Declare one hyperparameter: default, bounds (`ge`, `gt`, `le`, `lt`), and how to explain it.

    live: may be changed while a run trains. private: typed by the reader, so it never enters a URL or a
    log. derived: filled in by the program and so offered by no form. group: the heading under which forms and
    the terminal list it, folded away ("": in plain view). chapter: where "Build a Large
    Language Model (From Scratch)" introduces it. step: the increment of its form control.
    """
    about = {
        "unit": unit,
        "chapter": chapter,
        "live": live,
        "private": private,
        "derived": derived,
        "group": group,
        "step": step,
    }
    return Field(default, title=label, description=help, json_schema_extra=about, **bounds)


class Room(BaseModel):
    """A group of settings that one part of the code needs. Immutable; unknown names, nan, and numbers between
    0 and LEAST are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _large_enough(cls, value: Any) -> Any:
        if isinstance(value, float) and 0 < abs(value) < LEAST:
            raise PydanticCustomError("too_small", "a number so small is 0 to a model")
        return value


def about(field: FieldInfo, key: str) -> Any:
    """What `setting(...)` recorded about a field under `key` ("unit", "live", "private" ...)."""
    return (field.json_schema_extra or {})[key]  # type: ignore[index]


def bound(field: FieldInfo, name: str) -> float | None:
    """The bound `name` ("ge", "gt", "le", "lt") of a field, or None where there is none."""
    found = (getattr(constraint, name, None) for constraint in field.metadata)
    return next((value for value in found if value is not None), None)
