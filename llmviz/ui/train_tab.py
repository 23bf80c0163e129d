"""The Train tab: choose nothing, or everything; press Train; watch the loss fall and the text appear."""

import json
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

import gradio as gr
from gradio.components import Component

from llmviz.runs import Host, Refused
from llmviz.settings import (
    FIELDS,
    PRESETS,
    RunSettings,
    SettingsError,
    about,
    parse_settings,
)
from llmviz.settings.data import ANY_TEXT
from llmviz.settings.derive import DEEPEST, DERIVED, brought_along, derived_from_depth
from llmviz.settings.resize import resized
from llmviz.ui.components import component
from llmviz.ui.controls import brought_besides, choices, control, form_settings, in_page_words
from llmviz.ui.explore import Curve, loss_figure
from llmviz.ui.permalink import from_query, to_query

PRIMARY = "small"


@dataclass(frozen=True)
class Form:
    """The controls whose values make a run, in the order handlers receive them."""

    size: gr.Dropdown
    corpus: gr.Dropdown
    tokenizer: gr.Dropdown
    text: gr.Textbox
    more: dict[str, Component]

    def inputs(self) -> list[Component]:
        """All of them. Only Train asks for the text: it is sent when its reader has agreed."""
        return [self.text, *self.settings()]

    def settings(self) -> list[Component]:
        return [self.size, self.corpus, self.tokenizer, *self.more.values()]


def flat_of(names: list[str], size: str, corpus: str, tokenizer: str, *more: Any) -> dict[str, Any]:
    """The form's values on top of the preset: {setting: value}, unchecked.

    A size the page does not know (only an API call can send one) is left for the host to refuse.
    """
    flat = PRESETS[size].settings.flat() if size in PRESETS else {}
    given = {"corpus": corpus, "tokenizer": tokenizer} | dict(zip(names, more, strict=True))
    given = {name: value for name, value in given.items() if value is not None}
    # A number field cannot be empty for Gradio: there, no limit of time is 0.
    return flat | given | {"max_seconds": given.get("max_seconds") or None}


def build_train_tab(host: Host, selection: gr.Textbox, reply: gr.Textbox) -> Form:
    """Lay out the tab and connect it. `selection` is what the browser looks at and who it is (JSON)."""
    with gr.Row(elem_id="lv-choices"):
        form = _choices()
        drawn = host.diagram(PRESETS[PRIMARY].settings)
        toolbar = component("toolbar", value={"primary": PRIMARY, "diagram": drawn})
    with gr.Column(elem_id="lv-more", elem_classes="lv-panel"):
        component("spark")
        live = component("live")
        dial = component("dial", value={"deepest": DEEPEST, "depth": PRESETS[PRIMARY].settings.model.n_layer})
        more = _more_controls()
    form = replace(form, more=more)
    with gr.Column(elem_id="lv-model", elem_classes="lv-panel"):
        component("diagram")
    with gr.Row(elem_id="lv-train-panels"):
        component("chart", elem_id="lv-chart")
        component("film", elem_id="lv-film")
    component("status")
    component("health")
    with gr.Column(elem_id="lv-explore", elem_classes="lv-panel"):
        compare = component("compare")
        plot = gr.Plot(show_label=False, elem_id="lv-explore-plot")

    names = form_settings()

    def start(selected: str, text: str, size: str, corpus: str, tokenizer: str, *more: Any) -> str:
        """Start a run; the answer names it, or says in sentences why not."""
        flat = flat_of(names, size, corpus, tokenizer, *more)
        prompt = _selected(selected).get("prompt")
        try:
            run = host.create(
                flat | ({"prompt": prompt} if prompt else {}),
                _selected(selected).get("owner", ""),
                text=text if corpus == "text" else None,
                preset=size,
            )
        except (Refused, SettingsError) as refused:
            return _answer(errors=[in_page_words(told) for told in refused.sentences], of_form=True)
        return _answer(run=run)

    def usable(*form: Any) -> RunSettings:
        """What the form says, with defaults in place of what cannot be."""
        try:
            return parse_settings(flat_of(names, *form))
        except SettingsError as wrong:
            return wrong.usable or RunSettings()

    def estimate(size: str, corpus: str, tokenizer: str, *more: Any) -> dict[str, Any]:
        """What the button says beforehand: how many parameters, how much memory, how long."""
        flat = flat_of(names, size, corpus, tokenizer, *more)
        said = {"primary": PRIMARY, "size": size, "corpus": corpus}
        if corpus == "text":
            flat["text_sha256"] = ANY_TEXT  # the host checks the text itself, when it is sent
        try:
            settings = parse_settings(flat)
        except SettingsError as error:
            against = error.sentences + (host.beyond(error.usable) if error.usable else [])
            return said | {"errors": [in_page_words(told) for told in against]}
        pristine = size in PRESETS and settings.model == PRESETS[size].settings.model
        pristine = pristine and settings.training == PRESETS[size].settings.training
        return said | {
            "pristine": pristine,
            "estimate": host.estimate(settings),
            "usual": host.estimate(PRESETS[size].settings) if size in PRESETS else None,
            "diagram": host.diagram(settings),
            "beyond": host.beyond(settings),
            "values": {name: flat[name] for name in DERIVED},
        }

    def shown(flat: dict[str, Any]) -> list[Any]:
        """What the controls below the size show."""
        return [flat["corpus"], flat["tokenizer"], *(flat[name] for name in names)]

    def choose_size(selected: str, size: str, corpus: str, tokenizer: str, *more: Any) -> list[Any]:
        """A size brings its recipe, but for what the reader has chosen; what changes besides is said."""
        before = flat_of(names, size, corpus, tokenizer, *more)
        last = _selected(selected).get("size")
        last = last if isinstance(last, str) and last in PRESETS else PRIMARY
        flat = resized(before, PRESETS[last].settings, PRESETS[size].settings)
        also = brought_besides(PRESETS[size].label, before, flat)
        return [estimate(size, *shown(flat)) | {"also": also}, *shown(flat)]

    def estimate_again(selected: str, *form: Any) -> dict[str, Any]:
        """The estimate after a size was chosen: one that was asked for before may have come in between."""
        return estimate(*form) | {"also": str(_selected(selected).get("also", ""))}

    def open_link(event: gr.EventData) -> list[Any]:
        """The form as a link asks for it, and the sentences that say what is wrong with the link."""
        link = from_query(str(event._data.get("query", "")))
        said = _answer(errors=[in_page_words(told) for told in link.mistakes]) if link.mistakes else ""
        if not link.fills:
            return [said] + [gr.skip()] * (3 + len(names))
        return [said, link.preset, *shown(link.settings.flat())]

    def make_link(size: str, corpus: str, tokenizer: str, *more: Any) -> str:
        """The link that rebuilds what the form shows."""
        flat = flat_of(names, size, corpus, tokenizer, *more)
        if corpus == "text":
            said = "A text of your own cannot be put into a link; choose another text first."
            return _answer(errors=[said], of_form=True)
        try:
            return _answer(link=to_query(parse_settings(flat), size))
        except SettingsError as error:
            return _answer(errors=[in_page_words(told) for told in error.sentences], of_form=True)

    def choose_optimizer(size: str, corpus: str, tokenizer: str, *more: Any) -> list[Any]:
        """An optimizer brings along what it usually wants, where the reader has not chosen something else."""
        recipe = PRESETS.get(size, PRESETS[PRIMARY]).settings
        brought = brought_along(usable(size, corpus, tokenizer, *more), recipe)
        return [brought.get(name, gr.skip()) for name in names]

    def suggest_size(event: gr.EventData) -> list[Any]:
        """While many train, the page offers a shorter run than the one it opened with."""
        size = event._data["size"]
        return [size, *shown(PRESETS[size].settings.flat())]

    def turn_dial(event: gr.EventData, size: str, corpus: str, tokenizer: str, *more: Any) -> list[Any]:
        """The dial brings what follows from a depth, and the reasons; other settings stay, and are heeded."""
        settings = usable(size, corpus, tokenizer, *more)
        try:
            derived = derived_from_depth(int(event._data["depth"]), settings)
        except (KeyError, TypeError):
            return [gr.skip()] * (1 + len(names))
        except ValueError as error:
            return [{"deepest": DEEPEST, "error": str(error)}] + [gr.skip()] * len(names)
        said = [
            {"name": name, "label": FIELDS[name][1].title} | asdict(found) for name, found in derived.items()
        ]
        return [
            {"deepest": DEEPEST, "derived": said},
            *(derived[name].value if name in derived else gr.skip() for name in names),
        ]

    def explore(selected: str) -> Any:
        """The figure of the runs that the browser names; [[id, what it is called], …]."""
        looked_at = _selected(selected)
        asked = looked_at.get("explore")
        described = [(run, str(name), host.summary(run)) for run, name in asked or [] if host.exists(run)]
        trained = [one for one in described if one[2]["data"] and not one[2].get("source")]  # here
        curves = [Curve(name, host.metrics_frame(run), told["data"]) for run, name, told in trained[:4]]
        return loss_figure(curves, dark=looked_at.get("dark") is True) if curves else None

    quietly = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    agreed = "(s, text, ...rest) => [window.llmviz.selectionInput(), window.llmviz.agreedText(), ...rest]"
    toolbar.submit(start, [selection, *form.inputs()], reply, js=agreed, **quietly)
    form.corpus.change(
        None, form.corpus, None, js="(corpus) => window.llmviz.chooseCorpus(corpus)", **quietly
    )
    reply.change(None, reply, None, js="(text) => window.llmviz.reply(text)", **quietly)
    filled = [form.size, form.corpus, form.tokenizer, *more.values()]
    asked = {"fn": estimate, "inputs": form.settings(), "outputs": toolbar, "trigger_mode": "always_last"}
    looking = "(s, ...rest) => [window.llmviz.selectionInput(), ...rest]"
    form.size.input(
        choose_size,
        [selection, *form.settings()],
        [toolbar, *filled[1:]],
        js=looking,
        queue=False,
        **quietly,
    ).then(estimate_again, [selection, *form.settings()], toolbar, js=looking, **quietly)
    # Only what a reader changes asks for an estimate; what fills the whole form asks once, afterwards.
    gr.on([part.input for part in (form.corpus, form.tokenizer, *more.values())], **asked, **quietly)
    for fills in (
        toolbar.select(suggest_size, None, filled, **quietly),
        more["optimizer"].input(choose_optimizer, form.settings(), [*more.values()], **quietly),
        dial.select(turn_dial, form.settings(), [dial, *more.values()], **quietly),
        # Not "load": Gradio sends that one itself, for every visitor and without the link.
        toolbar.apply(open_link, None, [reply, *filled], **quietly),
    ):
        fills.then(**asked, **quietly)
    live.copy(make_link, form.settings(), reply, **quietly)
    for asks in (toolbar.expand, compare.select):
        asks(explore, selection, plot, js="() => window.llmviz.selectionInput()", **quietly)
    return form


def _answer(**content: Any) -> str:
    """What the page is told. The time makes each answer a new one, or Gradio would not tell it twice."""
    return json.dumps(content | {"at": time.time_ns()})


def _selected(selection: str) -> dict[str, Any]:
    """What the hidden first input of every event says; whatever a client sent, a dict comes out."""
    try:
        selected = json.loads(selection or "{}")
    except ValueError:
        return {}
    return selected if isinstance(selected, dict) else {}


def _choices() -> Form:
    first = PRESETS[PRIMARY].settings
    sizes = [(preset.label, preset.name) for preset in PRESETS.values()]
    tokenizers = [choice for choice in choices("tokenizer") if choice[1] != "file"]
    corpus = gr.Dropdown(
        choices("corpus"), value=first.data.corpus, label="Text", elem_id="lv-corpus", min_width=150
    )
    tokenizer = gr.Dropdown(
        tokenizers, value=first.data.tokenizer, label="Read as", elem_id="lv-tokenizer", min_width=130
    )
    size = gr.Dropdown(sizes, value=PRIMARY, label="Size", elem_id="lv-size", min_width=110)
    with gr.Column(elem_id="lv-own-text", elem_classes="lv-panel"):
        text = gr.Textbox(
            label="A text of yours",
            info="Paste it here, or choose a .txt file. It stays on this machine; no link ever holds it.",
            lines=8,
            max_lines=8,
            elem_id="lv-text",
        )
        component("upload")
    return Form(size, corpus, tokenizer, text, {})


def _more_controls() -> dict[str, Component]:
    """Every setting, by room and group, at the values of the primary preset; a group is folded away."""
    flat = PRESETS[PRIMARY].settings.flat()
    titles = {"data": "Text", "model": "Model", "training": "Training", "sampling": "Writing"}
    made = {}
    for room, title in titles.items():
        gr.Markdown(f"### {title}")
        groups: dict[str, list[str]] = {}
        for name in form_settings():
            if FIELDS[name][0] == room:
                groups.setdefault(about(FIELDS[name][1], "group"), []).append(name)
        for n, (group, names) in enumerate(groups.items()):
            box = f"lv-{room}-group-{n}"
            if group:
                component("fold", value={"title": group, "opens": box}, elem_id=f"{box}-fold")
            with gr.Row(elem_classes=["lv-settings", "lv-folded"] if group else "lv-settings", elem_id=box):
                made |= {name: control(name, flat[name]) for name in names}
    return {name: made[name] for name in form_settings()}
