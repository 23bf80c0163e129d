"""The Train tab: choose nothing, or everything; press Train; watch the loss fall and the text appear."""

import json
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

import gradio as gr
from gradio.components import Component

from llmviz.runs import Host, Refused
from llmviz.settings import FIELDS, PRESETS, SettingsError, about, parse_settings
from llmviz.settings.data import ANY_TEXT
from llmviz.settings.derive import DEEPEST, DERIVED
from llmviz.ui.components import component
from llmviz.ui.controls import choices, control, form_settings, in_page_words
from llmviz.ui.explore import Curve, loss_figure
from llmviz.ui.form import Form, Kept, flat_of, followed
from llmviz.ui.permalink import USUAL, to_query


@dataclass(frozen=True)
class Controls:
    """Those whose values make a run, in the order handlers receive them."""

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


def build_train_tab(host: Host, selection: gr.Textbox, reply: gr.Textbox) -> Controls:
    """Lay out the tab and connect it. `selection` is what the browser looks at and who it is (JSON)."""
    with gr.Row(elem_id="lv-choices"):
        controls = _choices()
        toolbar = component("toolbar", value={"size": USUAL, "pristine": True})
    with gr.Column(elem_id="lv-more", elem_classes="lv-panel"):
        component("spark")
        live = component("live")
        component("dial", value={"deepest": DEEPEST, "depth": PRESETS[USUAL].settings.model.n_layer})
        more = _more_controls()
    controls = replace(controls, more=more)
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
    filled = ["size", "corpus", "tokenizer", *names]

    def shown(kept: Any, size: str, *form: Any) -> Form:
        """The form as the page shows it."""
        return Form(size, flat_of(names, size, *form), Kept.told(kept))

    def start(selected: str, text: str, *form: Any) -> str:
        """Start a run; the answer names it, or says in sentences why not."""
        looked_at = _selected(selected)
        asked = followed(shown(looked_at.get("kept"), *form), {})  # the page may not have followed yet
        prompt = looked_at.get("prompt")
        try:
            run = host.create(
                asked.flat | ({"prompt": prompt} if prompt else {}),
                looked_at.get("owner", ""),
                text=text if asked.flat["corpus"] == "text" else None,
                preset=asked.size,
            )
        except (Refused, SettingsError) as refused:
            return _answer(errors=[in_page_words(told) for told in refused.sentences], of_form=True)
        return _answer(run=run)

    def estimate(size: str, flat: dict[str, Any]) -> dict[str, Any]:
        """What the button says beforehand: how many parameters, how much memory, how long."""
        said = {"size": size, "corpus": flat["corpus"], "values": {name: flat[name] for name in DERIVED}}
        if flat["corpus"] == "text":
            flat = flat | {"text_sha256": ANY_TEXT}  # the host checks the text itself, when it is sent
        try:
            settings = parse_settings(flat)
        except SettingsError as error:
            against = error.sentences + (host.beyond(error.usable) if error.usable else [])
            return said | {"errors": [in_page_words(told) for told in against]}
        return said | {
            "pristine": size in PRESETS and settings == PRESETS[size].settings,
            "estimate": host.estimate(settings),
            "usual": host.estimate(PRESETS[size].settings) if size in PRESETS else None,
            "diagram": host.diagram(settings),
            "beyond": host.beyond(settings),
        }

    def follow(told: Any, *values: Any) -> dict[str, Any]:
        """What follows from a change of the form, and what a run with it would take."""
        asked = told if isinstance(told, dict) else {}
        before = shown(asked.get("kept"), *values)
        form = followed(before, asked)
        old, new = ({"size": one.size} | one.flat for one in (before, form))
        # Only what changes: the reader may be writing into another field meanwhile.
        fills = {name: new[name] for name in filled if new[name] != old[name]}
        said = {"kept": asdict(form.kept), "dial": form.dial, "mistakes": form.mistakes, "fills": fills}
        return estimate(form.size, form.flat) | said

    def make_link(size: str, *form: Any) -> str:
        """The link that rebuilds what the form shows."""
        flat = flat_of(names, size, *form)
        if flat["corpus"] == "text":
            said = "A text of your own cannot be put into a link; choose another text first."
            return _answer(errors=[said], of_form=True)
        try:
            return _answer(link=to_query(parse_settings(flat), size))
        except SettingsError as error:
            return _answer(errors=[in_page_words(told) for told in error.sentences], of_form=True)

    def explore(selected: str) -> Any:
        """The figure of the runs that the browser names; [[id, what it is called], …]."""
        looked_at = _selected(selected)
        asked = looked_at.get("explore")
        described = [(run, str(name), host.summary(run)) for run, name in asked or [] if host.exists(run)]
        trained = [one for one in described if one[2]["data"] and not one[2].get("source")]  # here
        curves = [Curve(name, host.metrics_frame(run), told["data"]) for run, name, told in trained[:4]]
        dark, projector = (looked_at.get(name) is True for name in ("dark", "projector"))
        return loss_figure(curves, dark, projector) if curves else None

    quietly = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    agreed = "(s, text, ...rest) => [window.llmviz.selectionInput(), window.llmviz.agreedText(), ...rest]"
    toolbar.submit(start, [selection, *controls.inputs()], reply, js=agreed, **quietly)
    controls.corpus.change(
        None, controls.corpus, None, js="(corpus) => window.llmviz.chooseCorpus(corpus)", **quietly
    )
    reply.change(None, reply, None, js="(text) => window.llmviz.reply(text)", **quietly)
    # Gradio hears of every change, and the page puts them in a row: see form.js. The answer is one output and
    # the page fills it in, as each output would cost the server as much as everything that follows.
    gr.on([part.input for part in controls.settings()], None, js="() => window.llmviz.ask()", **quietly)
    answer = toolbar.select(
        follow,
        [toolbar, *controls.settings()],
        toolbar,
        js="(plan, ...form) => [window.llmviz.formInput(plan), ...form]",
        queue=False,
        **quietly,
    )
    fill = f"({{ fills }}) => {json.dumps(filled)}.map((name) => fills[name])"
    entered = answer.then(None, toolbar, controls.settings(), js=fill, **quietly)
    for ends in (entered.then, answer.failure):
        ends(None, js="() => window.llmviz.answered()", **quietly)
    live.copy(make_link, controls.settings(), reply, **quietly)
    for asks in (toolbar.expand, compare.select):
        asks(explore, selection, plot, js="() => window.llmviz.selectionInput()", **quietly)
    return controls


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


def _choices() -> Controls:
    first = PRESETS[USUAL].settings
    sizes = [(preset.label, preset.name) for preset in PRESETS.values()]
    tokenizers = [choice for choice in choices("tokenizer") if choice[1] != "file"]
    corpus = gr.Dropdown(
        choices("corpus"), value=first.data.corpus, label="Text", elem_id="lv-corpus", min_width=150
    )
    tokenizer = gr.Dropdown(
        tokenizers, value=first.data.tokenizer, label="Read as", elem_id="lv-tokenizer", min_width=130
    )
    size = gr.Dropdown(sizes, value=USUAL, label="Size", elem_id="lv-size", min_width=110)
    with gr.Column(elem_id="lv-own-text", elem_classes="lv-panel"):
        text = gr.Textbox(
            label="A text of yours",
            info="Paste it here, or choose a .txt file. It stays on this machine; no link ever holds it.",
            lines=8,
            max_lines=8,
            elem_id="lv-text",
        )
        component("upload")
    return Controls(size, corpus, tokenizer, text, {})


def _more_controls() -> dict[str, Component]:
    """Every setting, by room and group, at the values of the primary preset; a group is folded away."""
    flat = PRESETS[USUAL].settings.flat()
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
