"""Another size for a form in which something was chosen already: the size brings its numbers, and what the
reader chose besides, such as a text or an optimizer, stays. So the order of choosing does not matter."""

from typing import Any, get_args

from llmviz.settings.data import ANY_TEXT
from llmviz.settings.optimizers import usual_settings
from llmviz.settings.presets import PRESETS
from llmviz.settings.run import FIELDS, RunSettings, SettingsError, parse_settings

# Settings with a list of names to choose from.
NAMED = [
    name for name, (_, field) in FIELDS.items() if isinstance(next(iter(get_args(field.annotation)), 0), str)
]
_RECIPES = [preset.settings.flat() for preset in PRESETS.values()]
# The numbers that make a size: all in which sizes differ.
_SIZES = {
    name for name in FIELDS if name not in NAMED and any(one[name] != _RECIPES[0][name] for one in _RECIPES)
}


def resized(flat: dict[str, Any], old: RunSettings, new: RunSettings) -> dict[str, Any]:
    """The form's values for the size `new`, when they were `flat` and the size `old`.

    What the reader chose is what the old size has not brought. If that does not go together with the new
    size, only the text and how it is read stay.
    """
    brought, recipe = old.flat(), new.flat()
    own = {
        name: value
        for name, value in flat.items()
        if name not in _SIZES and value != brought.get(name, value)
    }
    text = {name: value for name, value in own.items() if FIELDS[name][0] == "data"}
    usual = usual_settings(own.get("optimizer", recipe["optimizer"]), new)
    for kept in (usual | own, text):
        try:
            parse_settings(recipe | kept | {"text_sha256": ANY_TEXT})
        except SettingsError:
            continue
        return recipe | kept
    return recipe
