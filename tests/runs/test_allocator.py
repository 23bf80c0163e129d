"""Freed memory stays with a process that trains: its next step meets no page that Linux has to clear."""

import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
from llmviz.runs.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()

def work():
    first = [bytearray(3_000_000) for _ in range(8)]  # as large as what a step's layers leave behind
    del first

for _ in range(3):
    work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    work()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""


def faults(mode: str) -> float:
    done = subprocess.run([sys.executable, "-c", FAULTS, mode], check=True, capture_output=True, text=True)
    return float(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the C library has no such rule")
def test_what_was_freed_is_there_again():
    assert faults("keep") < faults("usual") / 10
