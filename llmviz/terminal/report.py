"""The end of a training: what came out of it, or why it ended early."""

import json
import math
import shlex
import sys
from typing import Any

from llmviz.runs.directory import RunDirectory
from llmviz.terminal.effort import speed_in_words, speed_reached
from llmviz.terminal.output import print_json

ENDED = {"finished", "stopped", "failed"}


def report_ending(run: RunDirectory, as_json: bool) -> int:
    """Say how it ended; returns the exit status."""
    state = run.state()
    status, reason = state["status"], state.get("reason")
    if as_json:
        print_json(_summary(run, state))
    if reason:  # failed, or the disk is full
        print(reason, file=sys.stderr)
        return 1
    if status not in ENDED:
        print(f"Interrupted at step {state['step']:,}; everything is saved.", file=sys.stderr)
        print(f"Carry on with: {resume_command(run)}", file=sys.stderr)
        return 130
    if not as_json:
        _print_last_words(run, state)
    return 0


def _summary(run: RunDirectory, state: dict[str, Any]) -> dict[str, Any]:
    """The last line of --json: where the run ended, and what its numbers can be compared with."""
    data = _data_meta(run)
    val_loss = state.get("val_loss")
    return (
        {"kind": "summary", "out": str(run.path)}
        | state
        | {
            "perplexity": math.exp(val_loss) if val_loss is not None and val_loss < 700 else None,
            "best_possible_loss": data.get("best_possible_loss"),
            "vocab_size": data.get("vocab_size"),
            "roofline": speed_reached(run, data.get("vocab_size")),
        }
    )


def _print_last_words(run: RunDirectory, state: dict[str, Any]) -> None:
    data = _data_meta(run)
    among = f"chooses among about {math.exp(state['val_loss']):.3g} {data.get('unit', 'tokens')}"
    best = data.get("best_possible_loss")
    print(
        f"Validation loss {state['val_loss']:.4f}: it {among}"
        + (f" (best possible: {best:.4f})" if best else "")
    )
    print(f"Bits per byte {state['bits_per_byte']:.4f}, after {state['seconds']:.0f} seconds of training")
    if speed := speed_reached(run, data.get("vocab_size")):
        print(speed_in_words(speed))
    print(f"The model is in {run.path}. Let it write: python -m llmviz sample {shlex.quote(str(run.path))}")


def _data_meta(run: RunDirectory) -> dict[str, Any]:
    """What is known about the text; {} where training ended before it was there."""
    path = run.dataset() / "meta.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def resume_command(run: RunDirectory) -> str:
    """What carries on with a run."""
    return f"python -m llmviz train --out {shlex.quote(str(run.path))}"
