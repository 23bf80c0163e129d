"""What follows from a change of the form: a size brings its recipe, an optimizer the rate that it wants, the
dial a whole model; and what the reader has chosen stays.

The server remembers nothing of a page. So the page keeps, from one event to the next, what the program itself
has put into the form: whatever differs from that, the reader has chosen.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from llmviz.settings import FIELDS, PRESETS, RunSettings, SettingsError, parse_settings, usual_settings
from llmviz.settings.derive import DERIVED, Derived, brought_along, derived_from_depth, dialled_rate
from llmviz.settings.resize import resized
from llmviz.ui.controls import brought_besides, in_page_words
from llmviz.ui.permalink import USUAL, from_query


@dataclass(frozen=True)
class Kept:
    """What the page keeps of its form."""

    size: str = USUAL  # whose recipe is in it
    chosen: bool = False  # by the reader or by a link: then nobody else puts in another one
    put_in: dict[str, Any] = field(default_factory=dict)  # by the program, on top of that recipe
    also: str = ""  # what a size has changed besides its numbers, said until something else changes
    mark: str = ""  # of the form as it was filled, by which one sees that something has changed

    @classmethod
    def told(cls, told: Any) -> "Kept":
        """What a page says it has kept; whatever it says, something of the right kind comes out."""
        told = told if isinstance(told, dict) else {}
        size = told["size"] if told.get("size") in list(PRESETS) else USUAL
        put_in = told["put_in"] if isinstance(told.get("put_in"), dict) else {}
        known = {name: value for name, value in put_in.items() if name in FIELDS}
        also, mark = str(told.get("also", "")), str(told.get("mark", ""))
        return cls(size, told.get("chosen") is True, known, also, mark)

    @property
    def recipe(self) -> RunSettings:
        return PRESETS[self.size].settings

    def chose(self, flat: dict[str, Any], name: str) -> bool:
        """Whether the form's value of a setting is the reader's choice."""
        return flat[name] != (self.recipe.flat() | self.put_in)[name]


@dataclass(frozen=True)
class Form:
    """What the controls show, and what is said beside them."""

    size: str
    flat: dict[str, Any]  # unchecked: {setting: value}
    kept: Kept
    dial: dict[str, Any] | None = None  # what the dial says; {}: nothing any more, None: as before
    mistakes: Sequence[str] = ()  # of a link


def flat_of(names: list[str], size: str, corpus: str, tokenizer: str, *more: Any) -> dict[str, Any]:
    """The form's values on top of the preset: {setting: value}, unchecked."""
    given = {"corpus": corpus, "tokenizer": tokenizer} | dict(zip(names, more, strict=True))
    given = {name: value for name, value in given.items() if value is not None}
    # A number field cannot be empty for Gradio: there, no limit of time is 0.
    given["max_seconds"] = given.get("max_seconds") or None
    return PRESETS.get(size, PRESETS[USUAL]).settings.flat() | given


def followed(form: Form, asked: dict[str, Any]) -> Form:
    """The form with everything that follows from its last change, and from what the page asks for.

    asked: "query", a link to fill in; "suggest", a size for a form that nobody has touched; "depth", of the
    dial.
    """
    if form.kept.mark != _mark(form.flat):
        form = replace(form, kept=replace(form.kept, also=""))
    if isinstance(asked.get("query"), str):
        form = _with_link(form, asked["query"])
    if form.size != form.kept.size and form.size in PRESETS:
        flat = resized(form.flat, form.kept.recipe, PRESETS[form.size].settings)
        form = _with_recipe(form, form.size, flat, chosen=True)
    if asked.get("suggest") in list(PRESETS) and _untouched(form):
        size = asked["suggest"]
        form = _with_recipe(form, size, PRESETS[size].settings.flat(), chosen=False)
    if form.kept.chose(form.flat, "optimizer"):
        form = _with_optimizer(form)
    if type(asked.get("depth")) is int:
        form = _with_depth(form, asked["depth"])
    return replace(form, kept=replace(form.kept, mark=_mark(form.flat)))


def _mark(flat: dict[str, Any]) -> str:
    return str(hash(frozenset(flat.items())))


def _untouched(form: Form) -> bool:
    return not form.kept.chosen and form.flat == form.kept.recipe.flat()


def _usable(flat: dict[str, Any]) -> RunSettings:
    """What the form says, with defaults in place of what cannot be."""
    try:
        return parse_settings(flat)
    except SettingsError as wrong:
        return wrong.usable or RunSettings()


def _with_link(form: Form, query: str) -> Form:
    """What a link asks for, and the sentences that say what is wrong with it."""
    link = from_query(query)
    form = replace(form, mistakes=[in_page_words(told) for told in link.mistakes])
    if not link.fills:
        return form
    form = _with_recipe(form, link.preset, link.settings.flat(), chosen=True)
    return replace(form, kept=replace(form.kept, also=""))  # it is what the link says


def _with_recipe(form: Form, size: str, flat: dict[str, Any], chosen: bool) -> Form:
    """Another size's recipe, with the values of `flat` on top."""
    optimizer = flat["optimizer"]
    put_in = {"optimizer": optimizer} | usual_settings(optimizer, PRESETS[size].settings)
    also = brought_besides(PRESETS[size].label, form.flat, flat)
    return replace(form, size=size, flat=flat, kept=Kept(size, chosen, put_in, also), dial={})


def _with_optimizer(form: Form) -> Form:
    """An optimizer brings along what it usually wants, where the reader has not chosen something else."""
    settings = _usable(form.flat)
    usual = brought_along(settings, form.kept.recipe)
    if "n_layer" in form.kept.put_in:  # the dial's rate, also where its width has been changed since
        usual["learning_rate"] = dialled_rate(settings.training.optimizer, settings)
    brought = {name: value for name, value in usual.items() if not form.kept.chose(form.flat, name)}
    return _put_in(form, brought | {"optimizer": form.flat["optimizer"]})


def _with_depth(form: Form, depth: int) -> Form:
    """The dial brings what follows from a depth, and the reasons; what the reader has chosen stays."""
    settings = _usable(form.flat)
    before = {name: found.value for name, found in _dialled(settings.model.n_layer, settings).items()}
    own = [
        name
        for name in DERIVED
        if name != "n_layer" and form.kept.chose(form.flat, name) and form.flat[name] != before.get(name)
    ]
    try:
        derived = derived_from_depth(depth, settings, own)
    except ValueError as error:
        return replace(form, dial={"error": str(error)})
    said = [{"name": name, "label": FIELDS[name][1].title} | asdict(found) for name, found in derived.items()]
    told = {"derived": said, "own": [FIELDS[name][1].title for name in own]}
    return replace(_put_in(form, {name: found.value for name, found in derived.items()}), dial=told)


def _dialled(depth: int, settings: RunSettings) -> dict[str, Derived]:
    """What the dial says at the depth that the form has: it may have come here with a link."""
    try:
        return derived_from_depth(depth, settings)
    except ValueError:
        return {}


def _put_in(form: Form, values: dict[str, Any]) -> Form:
    kept = replace(form.kept, put_in=form.kept.put_in | values)
    return replace(form, flat=form.flat | values, kept=kept)
