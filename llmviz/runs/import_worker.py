"""The process that fetches one model from the Hub and makes a run of it. torch inside the functions."""

import os
import threading
from pathlib import Path
from typing import Any

from llmviz.runs.channel import Channel
from llmviz.runs.imported import import_from_hub
from llmviz.runs.jobs import explain
from llmviz.runs.refusal import disk_troubles_told


def serve(channel: Channel, order: dict[str, Any]) -> None:
    """The entry function: tells how far it is, and at last {"done"} or {"error": a sentence}."""
    import torch

    torch.set_num_threads(1)
    threading.Thread(target=_end_with, args=(channel,), daemon=True).start()
    try:
        with disk_troubles_told():
            import_from_hub(
                order["name"],
                Path(order["out"]),
                most_bytes=order["most_bytes"],
                most_parameters=order["most_parameters"],
                label=order["label"],
                say=lambda what: channel.send({"said": what}),
            )
    except Exception as error:
        channel.send({"error": explain(error)})
    else:
        channel.send({"done": True})


def _end_with(channel: Channel) -> None:
    """The server has ended, so nobody is left to hear of it; its next start removes what lies about."""
    for _ in channel:
        pass
    os._exit(1)
