"""What the processor's matrix units are like, as far as it decides how we multiply. No torch."""

import re
from pathlib import Path

FIRST_WIDE_AMD = 26  # AMD's number of the family that Zen 5 is


def mkl_leaves_half_unused(cpuinfo: str) -> bool:
    """Whether a processor, as Linux describes it in /proc/cpuinfo, is AMD's with units of 512 bits."""
    family = re.search(r"^cpu family\s*: (\d+)$", cpuinfo, re.MULTILINE)
    return "AuthenticAMD" in cpuinfo and family is not None and int(family[1]) >= FIRST_WIDE_AMD


_CPUINFO = Path("/proc/cpuinfo")
# Known by the processor and not by a trial: whether a run is interrupted or not, its products are the same.
ONEDNN_IS_FASTER = _CPUINFO.exists() and mkl_leaves_half_unused(_CPUINFO.read_text("latin-1"))

LONGEST = 96  # tokens; with 128 the two ways are nearly equal
FEWEST = 2**16  # weights in all; with fewer, the calls themselves take longer than what is computed
MOST = 2**20  # 4 MB: many more would fit into no cache, and every layer takes as much


def attends_at_once(n_sequences: int, n_head: int, n_tokens: int) -> bool:
    """Whether several threads attend faster if they multiply all heads at once and write the weights down
    than with PyTorch's kernel, which never does: in the forward and backward pass together."""
    return n_tokens <= LONGEST and FEWEST <= n_sequences * n_head * n_tokens**2 <= MOST
