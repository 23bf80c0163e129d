"""Named endpoints for programs: the same host, and so the same checks, as the page.

from gradio_client import Client
client = Client("http://127.0.0.1:7860")
run = client.predict({"n_layer": 2}, "spark", "my-secret-token", api_name="/train")
client.predict(run, api_name="/run")
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr

from llmviz.runs import Host, Refused
from llmviz.settings import PRESETS, SettingsError


def build_endpoints(host: Host) -> None:
    """Add the endpoints to the Blocks being built."""

    def presets() -> dict[str, Any]:
        """Every preset's settings, by name."""
        return {name: preset.settings.flat() for name, preset in PRESETS.items()}

    @_refusing
    def train(settings: dict, preset: str = "spark", owner: str = "") -> str:
        """Start a run: `settings` on top of a preset; `owner` is a secret of your choice; the id of it."""
        if str(preset) not in PRESETS:
            raise Refused([f"There is no preset “{str(preset)[:40]}”: choose {', '.join(PRESETS)}."])
        if not isinstance(settings, dict):
            raise Refused(['The settings have to be an object, such as {"n_layer": 2}.'])
        return host.create(PRESETS[preset].settings.flat() | settings, owner, preset=preset)

    @_refusing
    def run(run: str) -> dict[str, Any]:
        """How a run stands: its status, step, losses and settings."""
        return host.summary(run)

    @_refusing
    def command(run: str, action: str, owner: str) -> str:
        """Do pause, resume, step, stop, retry or delete with a run of yours; the id of it or of its child."""
        return host.command(run, owner, action) or run

    for endpoint in (presets, train, run, command):
        gr.api(endpoint, api_name=endpoint.__name__, concurrency_limit=None)


def _refusing(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Turn a refusal into the error that Gradio's clients show, sentence by sentence."""

    @wraps(endpoint)
    def answered(*given: Any, **named: Any) -> Any:
        try:
            return endpoint(*given, **named)
        except (Refused, SettingsError) as refused:
            raise gr.Error(" ".join(refused.sentences), print_exception=False) from None

    return answered
