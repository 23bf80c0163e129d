"""The process that writes one model for `transformers`. torch inside the functions."""

import shutil
import zipfile
from pathlib import Path
from typing import Any

from llmviz.runs.channel import Channel
from llmviz.runs.exported import export_run
from llmviz.runs.jobs import explain
from llmviz.runs.opened import OpenedModels
from llmviz.runs.refusal import disk_troubles_told


def serve(channel: Channel, order: dict[str, Any]) -> None:
    """The entry function: writes a .zip, and says {"done"} or {"error": a sentence}."""
    import torch

    torch.set_num_threads(1)
    folder, target = Path(order["folder"]), Path(order["zip"])
    try:
        with disk_troubles_told():
            export_run(OpenedModels().get(Path(order["run"]), order["step"]), folder)
            with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # weights hardly pack
                for path in sorted(folder.iterdir()):
                    archive.write(path, f"{order['name']}/{path.name}")
    except Exception as error:
        channel.send({"error": explain(error)})
    else:
        channel.send({"done": True})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
