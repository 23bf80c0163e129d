"""Whether training can proceed here, and if not, why not: for whoever watches over the machine. No torch.

It tells numbers and sentences only, nothing of a run or a person, so anybody may ask.
"""

import os
import shutil
from typing import TYPE_CHECKING, Any

import psutil

from llmviz.runs.refusal import FULL

if TYPE_CHECKING:
    from llmviz.runs.host import Host

WARM_UP_SECONDS = 180.0  # that loading torch may take on a machine that is busy and slow
FREE_DISK = 50_000_000  # bytes: below, the next checkpoint may not fit
FREE_MEMORY = 100_000_000  # bytes: below, starting one more worker may cost another one its life


def look_at(host: "Host") -> dict[str, Any]:
    """{"ok", "problems": [sentence, …], "workers", "queue", "memory", "disk"} of a host."""
    workers, disk, memory = _workers(host), _disk(host), _memory(host)
    problems = [part.pop("problem") for part in (workers, disk, memory) if part.get("problem")]
    if host.closed:
        problems.insert(0, "The program is ending.")
    return {
        "ok": not problems,
        "problems": problems,
        "workers": workers,
        "queue": host.lives.scheduler.queue(),
        "memory": memory,
        "disk": disk,
    }


def warming_up(host: "Host") -> dict[str, Any]:
    """{"ready", "total", "step"}: how many of the steps after a start are done, and which is under way."""
    steps = {
        "loading the training code": host.launcher.ready(),
        "starting the process for pictures and samples": host.jobs.ready,
        "writing the texts of the presets": host.housekeeper.all_prepared or not host.chores,
    }
    waiting = [step for step, done in steps.items() if not done]
    if host.launcher.hopeless:
        waiting.insert(0, "PyTorch could not be loaded: the log of this program says why")
    return {
        "ready": max(0, len(steps) - len(waiting)),
        "total": len(steps),
        "step": (waiting or ["ready"])[0],
    }


def _workers(host: "Host") -> dict[str, Any]:
    launcher, scheduler = host.launcher, host.lives.scheduler
    found = {
        "ready": launcher.ready(),
        "training": scheduler.n_workers(),
        "pictures_and_samples": host.jobs.ready,
        "scheduler": scheduler.is_alive(),
    }
    if not scheduler.is_alive():
        found["problem"] = "The part that lets runs train is not running."
    elif launcher.hopeless:
        found["problem"] = "PyTorch could not be loaded: the log of this program says why."
    elif launcher.loading_seconds() > WARM_UP_SECONDS:
        found["problem"] = f"PyTorch has not been loaded within {WARM_UP_SECONDS:.0f} seconds."
    return found


def _disk(host: "Host") -> dict[str, Any]:
    """Its room, and whether a file can be written there: both can fail without the other."""
    probe = host.data_dir / f".health-{os.getpid()}"
    found: dict[str, Any] = {"writable": False, "free_mb": None}
    try:
        found["free_mb"] = shutil.disk_usage(host.data_dir).free // 1_000_000
        probe.write_bytes(b"x" * 4096)
        found["writable"] = True
        probe.unlink()
    except OSError as error:
        reason = "it is full" if error.errno in FULL else (error.strerror or type(error).__name__).lower()
        found["problem"] = f"The data directory cannot be written: {reason}."
    else:
        if found["free_mb"] * 1_000_000 < FREE_DISK:
            found["problem"] = f"Only {found['free_mb']} MB are free on the disk of the data directory."
    return found


def _memory(host: "Host") -> dict[str, Any]:
    """Of the whole machine, and of this program. Pages that workers share are counted once for each."""
    me = psutil.Process()
    used = 0
    for process in [me, *me.children(recursive=True)]:
        try:
            used += process.memory_info().rss
        except psutil.Error:  # it has just ended
            continue
    free = min(psutil.virtual_memory().available, host.machine.memory)
    found: dict[str, Any] = {
        "free_mb": free // 1_000_000,
        "limit_mb": host.machine.memory // 1_000_000,
        "resident_mb": used // 1_000_000,
    }
    if free < FREE_MEMORY:
        found["problem"] = f"Only {found['free_mb']} MB of memory are free."
    return found
