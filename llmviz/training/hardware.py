"""What a run is computed with: decided once, at its start, because it changes the last bits of all sums."""

import importlib.util
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from llmviz.settings import TrainingSettings

CPU_INFO = Path("/proc/cpuinfo")  # Linux; elsewhere a CPU counts as one without units for 16 bits
BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # Intel and AMD; AMX; ARM
AMPERE = (8, 0)  # the first of NVIDIA's generations that multiplies bf16
PAYS = 0.9  # of the time of the plain way: what another may take at most, to be preferred
TRIALS, WARM_UP = 7, 2
LONG_STEP = 0.1  # seconds; steps that take longer with all threads gain by them for sure


class HardwareMissing(ValueError):
    """The settings ask for what this machine does not have. lacks: what; instead: what to choose."""

    def __init__(self, lacks: str, instead: str) -> None:
        super().__init__(f"{lacks}: {instead}.")
        self.waiting = (
            f"{lacks}, but this run began with it: resume it on a machine that has it. Nothing that was "
            "learned is lost."
        )


@dataclass(frozen=True)
class Hardware:
    """What a run is computed with. It stands in its checkpoints, so that it goes on as it began."""

    device: str  # cpu, cuda or mps
    precision: str  # of matrix products in the model: fp32, bf16 or fp16
    muon: str  # of those in Muon: fp32 or bf16

    def as_dict(self) -> dict[str, str]:
        """For a checkpoint."""
        return asdict(self)

    def again(self, recorded: dict[str, str] | None) -> "Hardware":
        """This machine, but with the precision a run began with, as far as there are units for it here."""
        if recorded is None:  # by a version that knew 32 bits only
            return Hardware(self.device, "fp32", self.muon)
        here = torch.device(self.device)
        kept = {name: recorded[name] for name in ("precision", "muon") if not why_not(recorded[name], here)}
        return Hardware(**self.as_dict() | kept)

    @property
    def sentence(self) -> str:
        """For the reader."""
        where = {"cpu": "the processor", "cuda": "the graphics card", "mps": "Apple's graphics"}[self.device]
        bits = {"fp32": "32 bits", "bf16": "16 bits (bf16)", "fp16": "16 bits (fp16)"}[self.precision]
        muon = "; Muon's own products in 16" if self.muon == "bf16" and self.precision == "fp32" else ""
        return f"Computed by {where}, in {bits}{muon}."


def choose_device(asked: str) -> torch.device:
    """The device that the settings name, or the best there is. Raises HardwareMissing."""
    if asked == "auto":
        return torch.device(next((name for name in ("cuda", "mps") if _is_there(name)), "cpu"))
    if not _is_there(asked):
        missing = {"cuda": "NVIDIA graphics card that PyTorch can use", "mps": "Apple graphics"}[asked]
        lacks = f"There is no {missing} in this machine"
        raise HardwareMissing(lacks, "choose “auto” or “cpu” as the device")
    return torch.device(asked)


def choose_hardware(
    settings: "TrainingSettings", device: torch.device, learn: Callable[[str], Any]
) -> Hardware:
    """What to compute with on this device. learn: find a gradient in the precision it is told, for a trial.

    Raises HardwareMissing if the machine cannot do what the settings ask for.
    """
    if settings.compile and not _has_compiler(device):
        raise HardwareMissing(
            "Compiling needs a C++ compiler, or Triton for a graphics card, and this machine has none",
            "switch “compile” off",
        )
    precision = settings.precision
    if precision == "auto":
        precision = next((p for p in ("bf16", "fp16") if not why_not(p, device)), "fp32")
        if precision != "fp32" and not _is_faster(precision, learn):
            precision = "fp32"
    elif problem := why_not(precision, device):
        raise HardwareMissing(*problem)
    short = settings.optimizer == "muon" and has_bf16_units(device)
    return Hardware(device.type, precision, "bf16" if short else "fp32")


def why_not(precision: str, device: torch.device) -> tuple[str, str] | None:
    """Why a device cannot compute in this precision, and what to choose instead; None if it can."""
    if precision == "bf16" and not has_bf16_units(device):
        return "This machine has no units for bf16, and is far slower with it", "choose “auto” or “fp32”"
    if precision == "fp16" and device.type != "cuda":
        return "Only a graphics card computes with fp16", "choose “auto”, “bf16” or “fp32”"
    return None


def has_bf16_units(device: torch.device) -> bool:
    """Whether the hardware multiplies numbers in bf16. A CPU that has to imitate it is hundreds of times
    slower (karpathy/autoresearch, pull request 344)."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= AMPERE
    return device.type == "cpu" and bool(_cpu_flags() & BF16_FLAGS)


def _is_there(device: str) -> bool:
    """Whether this machine has such a device, and PyTorch can use it."""
    return {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}.get(
        device, lambda: True
    )()


def threads_that_pay(most: int, learn: Callable[[], Any]) -> int:
    """`most` if learning from a batch is clearly quicker with so many threads than with one; else 1. Small
    steps are so short that threads lose more by waiting for one another than they win."""

    def with_threads(count: int) -> None:
        torch.set_num_threads(count)
        learn()

    before = torch.get_num_threads()
    try:
        if _seconds_of(partial(with_threads, most)) > LONG_STEP:
            return most
        seconds = _quickest({count: partial(with_threads, count) for count in (1, most)})
    finally:
        torch.set_num_threads(before)
    return most if seconds[most] < PAYS * seconds[1] else 1


def _is_faster(precision: str, learn: Callable[[str], Any]) -> bool:
    """Whether numbers of so many bits are clearly quicker than those of 32."""
    seconds = _quickest({name: partial(learn, name) for name in (precision, "fp32")})
    return seconds[precision] < PAYS * seconds["fp32"]


def _quickest(ways: dict[Any, Callable[[], Any]]) -> dict[Any, float]:
    """Seconds that each way takes, in a short trial, in turns. Of each the quickest counts: what else the
    machine does only adds to it."""
    seconds: dict[Any, list[float]] = {name: [] for name in ways}
    for _ in range(WARM_UP + TRIALS):
        for name, way in ways.items():
            seconds[name].append(_seconds_of(way))
    return {name: min(times[WARM_UP:]) for name, times in seconds.items()}


def _seconds_of(way: Callable[[], Any]) -> float:
    started = time.perf_counter()
    way()
    return time.perf_counter() - started


def _has_compiler(device: torch.device) -> bool:
    """Whether `torch.compile` finds what it writes programs for."""
    if device.type == "cuda":
        return importlib.util.find_spec("triton") is not None
    return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "clang++", "cl"))


def _cpu_flags() -> set[str]:
    """The abilities of the first core, as Linux lists them."""
    try:
        lines = CPU_INFO.read_text().splitlines()
    except OSError:
        return set()
    names = ("flags", "Features")  # Intel and AMD; ARM
    return next((set(line.partition(":")[2].split()) for line in lines if line.startswith(names)), set())
