"""Reading somebody's config.json: numbers that have to be numbers, and choices that have to be ours."""

from typing import Any

from llmviz.model.hub.errors import ForeignModelError


def whole_number(config: dict[str, Any], *names: str, default: int | None = None) -> int:
    """The first of these names that the configuration has. Raises ForeignModelError."""
    for name in names:
        if (value := config.get(name)) is not None:
            if type(value) is not int or value < 1:
                raise ForeignModelError(f"The config.json of this model has “{name}”, but not as a number.")
            return value
    if default is None:
        raise ForeignModelError(f"The config.json of this model lacks “{names[0]}”.")
    return default


LONGEST = 2048  # tokens that LLMViz looks at


def context(config: dict[str, Any], *names: str, default: int) -> int:
    """How many tokens the model sees here: a longer context is cut. Raises ForeignModelError."""
    return min(LONGEST, whole_number(config, *names, default=default))


LARGEST = 1e30  # infinity is JSON to Python, and so is a whole number too long for a float


def number(config: dict[str, Any], name: str, default: float | None = None) -> float:
    """A number above zero. Raises ForeignModelError."""
    value = config.get(name, default)
    if value is None:
        raise ForeignModelError(f"The config.json of this model lacks “{name}”.")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < LARGEST:
        raise ForeignModelError(f"The config.json of this model has “{name}”, but not as a number above 0.")
    return float(value)


def even_share(n_embd: int, n_head: int) -> int | str:
    """The only width of a head that classes without a setting for it know."""
    return "an even share of the width" if n_embd % n_head else n_embd // n_head


def require(config: dict[str, Any], name: str, allowed: tuple[Any, ...], what: str) -> None:
    """Refuse a model that differs in `name` from what we compute; absent counts as the first allowed."""
    value = config.get(name, allowed[0])
    if value not in allowed:
        raise ForeignModelError(
            f"This model has {what} ({name}: {str(value)[:40]}), which LLMViz does not compute."
        )
