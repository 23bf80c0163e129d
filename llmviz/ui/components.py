"""Our own components: an empty element that a JavaScript module of assets/js fills.

They are made by a function and not by a subclass of gr.HTML, for Gradio writes a stub file beside every
module that defines one. The template is constant: user text reaches the page through `textContent` only.
"""

import json
from typing import Any

import gradio as gr

# The modules may arrive after a component does, so mounting waits in a queue that main.js empties.
_MOUNT = "(window.llmvizQueue ||= []).push([%s, element, props, trigger, watch]);"


def component(name: str, value: Any = None, **options: Any) -> gr.HTML:
    """A component drawn by the module that main.js knows under `name`; `value` reaches it as props.value."""
    return gr.HTML(
        value=value,
        html_template=f'<div class="lv-{name}"></div>',
        js_on_load=_MOUNT % json.dumps(name),
        apply_default_css=False,
        elem_id=options.pop("elem_id", f"lv-{name}"),
        **options,
    )
