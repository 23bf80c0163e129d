"""Another size for a form in which something was chosen already: the size brings its numbers, and what the
reader chose besides, such as a text or an optimizer, stays. So the order of choosing does not matter."""

from typing import Any, get_args

from llmviz.settings.data import ANY_TEXT
from llmviz.settings.optimizers import usual_settings
from llmviz.settings.run import FIELDS, RunSettings, SettingsError, parse_settings

# Settings with a list of names to choose from.
NAMED = [
    name for name, (_, field) in FIELDS.items() if isinstance(next(iter(get_args(field.annotation)), 0), str)
]
# The numbers that make a size, and grow with it. In others, such as beta 1 or the temperature, recipes differ
# as well, but there a reader's choice is as good at every size.
SIZE_NUMBERS = frozenset(
    {"corpus_chars", "vocab_size", "n_layer", "n_head", "n_embd", "mlp_width", "block_size", "batch_size"}
    | {"max_steps", "learning_rate", "warmup_steps", "eval_interval", "max_new_tokens"}
)


def resized(flat: dict[str, Any], old: RunSettings, new: RunSettings) -> dict[str, Any]:
    """The form's values for the size `new`, when they were `flat` and the size `old`.

    What the reader chose is what the old size has not brought. If that does not go together with the new
    size, only the text and how it is read stay.
    """
    brought, recipe = old.flat(), new.flat()
    own = {
        name: value
        for name, value in flat.items()
        if name not in SIZE_NUMBERS and value != brought.get(name, value)
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
