"""What the machine can compute with, and how fast."""

from pathlib import Path

import torch

CPU_INFO = Path("/proc/cpuinfo")  # Linux; elsewhere a CPU counts as one without units for 16 bits
BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # Intel and AMD; AMX; ARM
AMPERE = (8, 0)  # the first of NVIDIA's generations that multiplies bf16


def has_bf16_units(device: torch.device) -> bool:
    """Whether the hardware multiplies numbers in bf16. A CPU that has to imitate it is hundreds of times
    slower (karpathy/autoresearch, pull request 344)."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= AMPERE
    return device.type == "cpu" and bool(_cpu_flags() & BF16_FLAGS)


def _cpu_flags() -> set[str]:
    """The abilities of the first core, as Linux lists them."""
    try:
        lines = CPU_INFO.read_text().splitlines()
    except OSError:
        return set()
    names = ("flags", "Features")  # Intel and AMD; ARM
    return next((set(line.partition(":")[2].split()) for line in lines if line.startswith(names)), set())
