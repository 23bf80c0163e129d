"""The memory of a run, said before it starts: within 25 % of what its worker then takes at its peak.

Measured is what a worker has to itself (USS) while it really trains a few steps, writes samples, snapshots
and checkpoints, less what an idle worker has to itself.
"""

import ctypes
import mmap
import re
import statistics
import sys
import time
from pathlib import Path

import psutil
import pytest

from llmviz.model.size import n_parameters
from llmviz.runs.host import Host
from llmviz.runs.memory import run_memory
from llmviz.settings import parse_settings

FEW = {
    "corpus": "dinosaurs",
    "corpus_chars": 20_000,
    "max_steps": 6,
    "warmup_steps": 1,
    "eval_interval": 4,
    "eval_windows": 4,
    "max_new_tokens": 8,
    "diagnose_every": 5,  # once before the optimizer remembers anything, and once afterwards
    "threads": 1,
}
ALL_SHORTCUTS = {"x0_shortcut": True, "value_embeddings": True, "smear": True, "bigram_embeddings": True}
BYTE_PAIRS = {"tokenizer": "bpe", "vocab_size": 4096}
SHAPES = [  # architecture, layers, heads, width, context, batch, and what else is special
    ("gpt2", 3, 4, 224, 64, 16, {}),
    ("gpt2", 6, 4, 320, 48, 8, {}),
    ("gpt2", 4, 8, 256, 256, 4, {}),
    ("gpt2", 10, 4, 192, 64, 16, {"dropout": 0.1}),
    ("gpt2", 2, 8, 448, 32, 32, {}),
    ("gpt2", 2, 4, 192, 64, 16, BYTE_PAIRS),
    ("gpt2", 12, 8, 256, 32, 2, {}),
    ("modern", 3, 4, 256, 96, 12, {}),
    ("modern", 8, 4, 160, 64, 32, {}),
    ("modern", 5, 6, 384, 64, 4, {}),
    ("modern", 2, 8, 512, 64, 8, {}),
    ("modern", 4, 4, 288, 256, 2, {}),
    ("modern", 6, 6, 192, 64, 16, {"dropout": 0.2}),
    ("modern", 2, 4, 256, 64, 16, BYTE_PAIRS),
    ("llama", 6, 8, 256, 64, 16, {"n_kv_head": 2}),
    ("modern", 4, 4, 256, 64, 16, {"positions": "alibi"} | ALL_SHORTCUTS),
    ("gpt2", 4, 6, 384, 32, 2, {"optimizer": "muon"}),
    ("modern", 5, 6, 240, 64, 24, {"recompute": True}),
    ("gpt2", 4, 6, 240, 64, 32, {"accumulation": 4, "optimizer": "lion"}),
    ("gpt2", 4, 8, 224, 64, 16, {"threads": 2}),
    ("gpt2", 6, 16, 128, 64, 16, {"threads": 2}),  # attention writes its weights down
    ("gpt2", 6, 28, 224, 96, 4, {"threads": 2, "recompute": True}),
    ("gpt2", 6, 32, 128, 96, 32, {"threads": 2}),  # and where they are too many, it does not
    ("gpt2", 4, 6, 432, 16, 2, {"optimizer": "sgd"}),
    ("gpt2", 4, 6, 432, 16, 2, {"optimizer": "lion", "diagnose_every": 0}),
]


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    with Host(tmp_path_factory.mktemp("memory"), shipped_dir=None, cores=2, chores=False) as host:
        yield host


def uss(pid: int) -> int:
    return psutil.Process(pid).memory_full_info().uss


def most(pid: int) -> int:
    """What the process has had to itself at its peak so far, however short that was: the most that Linux has
    seen in memory, less what is shared with others. 0 if it has just ended."""
    try:
        memory = psutil.Process(pid).memory_full_info()
        status = Path(f"/proc/{pid}/status").read_text()
        return 1024 * int(re.search(r"VmHWM:\s*(\d+)", status)[1]) - (memory.rss - memory.uss)
    except (psutil.Error, OSError, TypeError):
        return 0


def give_code_back() -> None:
    """Takes the code of libraries out of this process, which reads it from their files again. Tests before
    this one may have used torch here, and what of its code a worker shares with us (27 MB and more) would not
    be its own."""
    madvise = ctypes.CDLL(None, use_errno=True).madvise
    madvise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    for area in psutil.Process().memory_maps(grouped=False):
        if ".so" in area.path and "w" not in area.perms and area.anonymous == 0:
            begin, end = (int(address, 16) for address in area.addr.split("-"))
            assert madvise(begin, end - begin, mmap.MADV_DONTNEED) == 0, area.path


@pytest.fixture(scope="module")
def idle(host) -> int:
    """What a worker has to itself that has nothing to do."""
    give_code_back()
    args = {"folder": "/nowhere", "data_root": None, "slots": str(host.data_dir / "slots")}
    channel = host.launcher.start("llmviz.runs.worker:train", args)
    pid = None
    while pid is None:
        pid = next((message["pid"] for message in channel.receive() if "pid" in message), None)
    time.sleep(0.5)
    taken = uss(pid)
    channel.close()
    assert 0 < taken < 40_000_000
    return taken


def peak_of_a_run(host: Host, owner: str, flat: dict) -> tuple[int, int]:
    """Bytes that its worker had to itself at the most, and the size of its vocabulary."""
    give_code_back()
    run = host.create(flat, owner)
    trainee, peak = host.lives._trainees[run], 0
    while host.summary(run)["status"] not in ("finished", "failed"):
        if (worker := trainee.worker) and worker.pid:
            peak = most(worker.pid) or peak
        time.sleep(0.03)
    summary = host.summary(run)
    assert summary["status"] == "finished", summary["reason"]
    host.command(run, owner, "delete")
    return peak, summary["data"]["vocab_size"]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere workers do not share memory")
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "-".join(map(str, shape[:6])))
def test_the_peak_is_as_predicted(host, idle, owner, shape):
    architecture, n_layer, n_head, n_embd, block_size, batch_size, more = shape
    sizes = {"n_layer": n_layer, "n_head": n_head, "n_embd": n_embd, "block_size": block_size}
    flat = FEW | sizes | {"architecture": architecture, "batch_size": batch_size} | more
    first, vocab_size = peak_of_a_run(host, owner, flat)
    settings = parse_settings(flat)
    assert 1e6 < n_parameters(settings.model, vocab_size) < 10e6
    predicted, peaks = run_memory(settings, vocab_size), [first - idle]
    if predicted != pytest.approx(peaks[0], rel=0.2):
        # Whether gradients fit into what the layers before have freed is a matter of luck.
        peaks += [peak_of_a_run(host, owner, flat)[0] - idle for _ in range(2)]
    print(f"{shape}: predicted {predicted / 1e6:.0f} MB, took {[round(peak / 1e6) for peak in peaks]} MB")
    assert predicted == pytest.approx(statistics.median(peaks), rel=0.25)
