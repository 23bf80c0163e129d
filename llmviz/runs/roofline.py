"""After a run: how close its steps came to what this machine can compute. No torch.

The roof is measured: how fast the processor multiplies matrices that are large enough to keep it busy. What a
step does besides, and small matrices, cost time without being counted, so every real step stays below it.
Source: Williams, Waterman and Patterson 2009, "Roofline"; the share reached is what PaLM's authors call MFU,
but that Muon's products, and what is computed twice to save memory, count as well: they keep a machine busy.
"""

from dataclasses import dataclass
from typing import Any

from llmviz.settings import RunSettings
from llmviz.training.costs import flops_made

COUNTED = {"device": "cpu", "precision": "fp32"}  # what the roof was measured for
OVER = ("finished", "stopped")


@dataclass(frozen=True)
class Roof:
    """Floating-point operations a second that matrix products reach: with one thread, and with all."""

    one: float
    all: float
    threads: int  # how many all are

    def of(self, threads: int) -> float | None:
        """With that many threads; None where that was not measured."""
        return {self.threads: self.all, 1: self.one}.get(threads)


def most_threads(state: dict[str, Any]) -> int:
    """How many threads a run had when it had most."""
    return state.get("most_threads") or state.get("threads", 1)


def roofline(
    state: dict[str, Any], settings: RunSettings, vocab_size: int, roof: Roof | None
) -> dict[str, Any] | None:
    """{"reached", "roof": operations a second, "share", "threads"} of a run that is over; None where the roof
    is not that of the machine, of the numbers or of the threads that it was computed with."""
    hardware, seconds, steps = state.get("hardware") or {}, state.get("seconds"), state.get("step")
    alike = all(hardware.get(name) == value for name, value in COUNTED.items())
    if roof is None or not alike or state.get("status") not in OVER or not seconds or not steps:
        return None
    threads = most_threads(state)
    if (peak := roof.of(threads)) is None:
        return None
    reached = flops_made(settings, vocab_size, steps, state.get("tokens_seen", 0)) / seconds
    return {
        "reached": reached,
        "roof": peak,
        "share": reached / peak,
        "threads": threads,
    }


def speed_told(
    state: dict[str, Any], settings: RunSettings, vocab_size: int, roof: Roof | None, cores: int
) -> dict[str, Any]:
    """{"roofline": as above, "unmeasured": whether there will be one when the roof has been measured}."""
    comparable = roofline(state, settings, vocab_size, Roof(1.0, 1.0, cores)) is not None
    found = roofline(state, settings, vocab_size, roof)
    return {"roofline": found, "unmeasured": comparable and roof is None}
