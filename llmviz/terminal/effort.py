"""What a training will take, said before it starts; and after it how close it came to the machine's limit."""

from typing import Any

from llmviz.runs.directory import RunDirectory
from llmviz.runs.estimates import Estimator
from llmviz.runs.limits import readable
from llmviz.runs.machine import machine
from llmviz.runs.roofline import WORTH_MEASURING, Roof, is_known, most_threads, roofline
from llmviz.terminal.output import print_json


def tell_estimate(run: RunDirectory, as_json: bool) -> None:
    """Parameters, memory, operations and seconds of a new run; the seconds are a guess, for nothing has been
    measured yet, and for a graphics card there is not even that."""
    found = Estimator(machine().cores, run.dataset().parent).estimate(run.settings())
    if as_json:
        print_json({"kind": "estimate"} | found)
        return
    parts = [
        f"{found['parameters']:,} parameters",
        f"about {readable(found['memory_mb'] * 1_000_000)} of memory",
        f"{operations(found['flops'])} in all",
    ]
    print(", ".join(parts + ([f"very roughly {found['seconds']:,.0f} s"] if found["seconds"] else [])))


def speed_reached(run: RunDirectory, vocab_size: int | None) -> dict[str, Any] | None:
    """Operations a second that the steps of a run came to, and those that large matrix products reach here,
    which is measured now; None where the two could not be compared, or the run was short."""
    state, settings = run.state(), run.settings()
    threads = most_threads(state)
    told = lambda peak: roofline(state, settings, vocab_size, Roof(peak, peak, threads))  # noqa: E731 (local)
    if not vocab_size or (state.get("seconds") or 0) < WORTH_MEASURING or not told(1.0):
        return None
    if not is_known(state["hardware"]):  # then the run measured it itself
        return told(1.0)
    import torch

    from llmviz.training.peak import peak_flops

    torch.set_num_threads(threads)
    return told(peak_flops())


def speed_in_words(speed: dict[str, Any]) -> str:
    """One sentence."""
    return (
        f"Its steps made {operations(speed['reached'])} a second, {speed['share']:.0%} of the "
        f"{operations(speed['roof'])} that large matrix products reach here with {speed['by']}"
    )


def operations(number: float) -> str:
    """3.2e12 → “3.2 T operations”."""
    sizes = {"E": 1e18, "P": 1e15, "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3}
    letter, size = next(((name, size) for name, size in sizes.items() if number >= size), ("", 1.0))
    digits = 0 if number / size >= 10 else 1
    return f"{number / size:.{digits}f} {letter} operations".replace("  ", " ")
