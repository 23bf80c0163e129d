"""Memory that one training step has freed is kept for the next step, which needs just as much.

The C library usually hands a few megabytes back to Linux whenever they happen to lie at the end, and asks for
them again in the next step: up to 1,400 pages of 4 kB, which Linux has to clear first, 6 ms of a step of 42.
"""

import contextlib
import ctypes

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # parameters of mallopt(3)
LARGE = 32 * 2**20  # bytes: what is larger is asked of Linux and handed back by itself, as usual
NEVER = 2**30  # bytes at the end before they are handed back


def keep_freed_memory() -> None:
    """For this process from now on; where the C library is not glibc, all stays as it is."""
    with contextlib.suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP_THRESHOLD, LARGE)
        mallopt(TRIM_THRESHOLD, NEVER)
