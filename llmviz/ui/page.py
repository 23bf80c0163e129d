"""The whole page: header, tabs, and what the browser is told on loading."""

from pathlib import Path

import gradio as gr

from llmviz.runs import Host
from llmviz.settings import PRESETS
from llmviz.ui.api import build_endpoints
from llmviz.ui.components import component
from llmviz.ui.controls import sampling_controls
from llmviz.ui.routes import ASSETS, PREFIX
from llmviz.ui.train_tab import build_train_tab

SAMPLING = ("temperature", "top_k", "top_p", "max_new_tokens", "sample_seed")


def build_page(host: Host) -> gr.Blocks:
    """The Gradio blocks of one host."""
    with gr.Blocks(title="LLMViz", analytics_enabled=False, fill_width=True) as page:
        component("header")
        # {run, step, owner …}: the browser fills it in at every event; nothing of a session lives here.
        selection = gr.Textbox(visible="hidden", elem_id="lv-selection")
        reply = gr.Textbox(visible="hidden", elem_id="lv-reply")
        with gr.Tabs(selected="train", elem_id="lv-tabs"):
            with gr.Tab("Tokens", id="tokens"):
                component("tokens")
            with gr.Tab("Train", id="train"):
                build_train_tab(host, selection, reply)
            with gr.Tab("Attention", id="attention"):
                component("attention")
            with gr.Tab("Sample", id="sample"):
                component("sample", value={"controls": sampling_controls(SAMPLING)})
            if host.classroom.on:  # seen by those who sign in
                with gr.Tab("Class", id="class", elem_id="lv-class-tab"):
                    component(
                        "class", value={"presets": {name: preset.label for name, preset in PRESETS.items()}}
                    )
        build_endpoints(host)
    return page


def head() -> str:
    """What goes into <head>: our modules and styles, from our own routes."""
    styles = "".join(
        f'<link rel="stylesheet" href="{PREFIX}/assets/css/{path.name}">'
        for path in sorted(_files("css", "*.css"))
    )
    return f'{styles}<script type="module" src="{PREFIX}/assets/js/main.js"></script>'


def _files(folder: str, pattern: str) -> list[Path]:
    return list((ASSETS / folder).glob(pattern))
