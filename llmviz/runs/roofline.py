"""After a run: how close its steps came to what this machine can compute. No torch.

The roof is measured: how fast the machine multiplies matrices that are large enough to keep it busy. Of its
processor, in 32 bits, the server knows it beforehand; of anything else a run measures it at its end. What a
step does besides, and small matrices, cost time without being counted, so every real step stays below it.
Source: Williams, Waterman and Patterson 2009, "Roofline"; the share reached is what PaLM's authors call MFU,
but that Muon's products, and what is computed twice to save memory, count as well: they keep a machine busy.
"""

from dataclasses import dataclass
from typing import Any

from llmviz.settings import RunSettings, counted
from llmviz.training.costs import flops_made

KNOWN = {"device": "cpu", "precision": "fp32"}  # what the server has measured the roof of
WORTH_MEASURING = 5.0  # seconds of training, after which half a second of measuring is not in the way
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


def is_known(hardware: dict[str, Any]) -> bool:
    """Whether the server's roof is that of what a run is computed with."""
    return all(hardware.get(name) == value for name, value in KNOWN.items())


def roofline(
    state: dict[str, Any], settings: RunSettings, vocab_size: int, roof: Roof | None
) -> dict[str, Any] | None:
    """{"reached", "roof": operations a second, "share", "by": what computed it} of a run that is over; None
    where nobody measured the roof of the device, the numbers and the threads that it was computed with."""
    seconds, steps, peak = state.get("seconds"), state.get("step"), _peak(state, roof)
    if not peak or state.get("status") not in OVER or not seconds or not steps:
        return None
    reached = flops_made(settings, vocab_size, steps, state.get("tokens_seen", 0)) / seconds
    return {"reached": reached, "roof": peak, "share": reached / peak, "by": _computed_by(state)}


def _peak(state: dict[str, Any], roof: Roof | None) -> float | None:
    if not is_known(state.get("hardware") or {}):
        return state.get("roof")
    return roof.of(most_threads(state)) if roof else None


def _computed_by(state: dict[str, Any]) -> str:
    """What a run was computed with, in words."""
    hardware = state["hardware"]
    threads = counted(most_threads(state), "thread")
    device = {"cuda": "this graphics card", "mps": "Apple's graphics"}.get(hardware["device"], threads)
    return device if hardware["precision"] == "fp32" else f"{device} in 16 bits"


def speed_told(
    state: dict[str, Any], settings: RunSettings, vocab_size: int, roof: Roof | None, cores: int
) -> dict[str, Any]:
    """{"roofline": as above, "unmeasured": whether there will be one when the roof has been measured}."""
    comparable = roofline(state, settings, vocab_size, Roof(1.0, 1.0, cores)) is not None
    found = roofline(state, settings, vocab_size, roof)
    return {"roofline": found, "unmeasured": comparable and found is None}
