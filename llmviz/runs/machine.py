"""What the machine really has: cores and memory as the container sees them, not as the hardware boasts."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

CGROUP = "sys/fs/cgroup"
UNLIMITED = 1 << 60  # cgroup v1 writes "no limit" as a number close to 2^63


@dataclass(frozen=True)
class Machine:
    """Cores that may be used (at least 1) and memory in bytes."""

    cores: int
    memory: int


def machine(
    root: str | Path = "/", environ: Mapping[str, str] | None = None, affinity: int | None = None
) -> Machine:
    """The machine this process may use: the smallest of every limit that somebody has set.

    Cores: CPU affinity, the quota of cgroup v1 or v2, and CPU_CORES (a Space sets it). Memory: what is
    built in, the limits of cgroup v1 or v2, and MEMORY ("16Gi", "16G" or bytes). `root` stands for "/" and
    `affinity` for the number of cores the scheduler allows, so that other machines can be tried in tests.
    """
    root = Path(root)
    environ = os.environ if environ is None else environ
    cores = [
        float(affinity or _affinity()),
        *_cpu_quotas(root),
        *_positive(_number(environ.get("CPU_CORES"))),
    ]
    memory = [*_physical_memory(root), *_memory_limits(root), *_positive(parse_bytes(environ.get("MEMORY")))]
    return Machine(cores=max(1, int(min(cores))), memory=int(min(memory)))


def parse_bytes(text: str | None) -> float | None:
    """Bytes in a text such as "16Gi", "16GB", "512M" or "1000000"; None if it is not a size."""
    if not text:
        return None
    text = text.strip().removesuffix("B").removesuffix("b")
    base = 1024 if text.lower().endswith("i") else 1000
    text = text.removesuffix("i").removesuffix("I")
    power = "KMGT".find(text[-1:].upper()) + 1 if text[-1:].isalpha() else 0
    if text[-1:].isalpha() and not power:
        return None
    number = _number(text[:-1] if power else text)
    return None if number is None else number * base**power


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_quotas(root: Path) -> Iterator[float]:
    """Quota over period, in cores; cgroup v2 keeps both in one file, v1 in two."""
    quota, _, period = _read(root / CGROUP / "cpu.max").partition(" ")
    yield from _ratio(quota, period)
    v1 = root / CGROUP / "cpu"
    yield from _ratio(_read(v1 / "cpu.cfs_quota_us"), _read(v1 / "cpu.cfs_period_us"))


def _ratio(quota: str, period: str) -> Iterator[float]:
    above, below = _number(quota), _number(period)  # "max" and -1 mean: no quota
    if above and below and above > 0 and below > 0:
        yield above / below


def _memory_limits(root: Path) -> Iterator[float]:
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        limit = _number(_read(root / CGROUP / name))
        if limit and 0 < limit < UNLIMITED:
            yield limit


def _physical_memory(root: Path) -> Iterator[float]:
    for line in _read(root / "proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            yield float(line.split()[1]) * 1024
            return
    if hasattr(os, "sysconf"):
        yield float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _positive(value: float | None) -> list[float]:
    return [value] if value is not None and 0 < value < float("inf") else []
