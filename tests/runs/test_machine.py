"""Cores and memory as a container sees them."""

import pytest

from llmviz.runs.machine import machine, parse_bytes


def make_root(folder, files):
    (folder / "proc").mkdir()
    (folder / "proc/meminfo").write_text("MemTotal:       16000000 kB\nMemFree: 1 kB\n")
    for name, text in files.items():
        path = folder / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "environ", "cores"),
    [
        ({}, {}, 8),
        ({"cpu.max": "200000 100000\n"}, {}, 2),
        ({"cpu.max": "max 100000\n"}, {}, 8),
        ({"cpu.max": "50000 100000\n"}, {}, 1),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, {}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, {}, 8),
        ({"cpu.max": "600000 100000"}, {"CPU_CORES": "2"}, 2),
        ({"cpu.max": "garbage"}, {"CPU_CORES": "many"}, 8),
        ({}, {"CPU_CORES": "64"}, 8),
    ],
)
def test_cores(tmp_path, files, environ, cores):
    assert machine(make_root(tmp_path, files), environ, affinity=8).cores == cores


@pytest.mark.parametrize(
    ("files", "environ", "memory"),
    [
        ({}, {}, 16_384_000_000),
        ({"memory.max": "2000000000"}, {}, 2_000_000_000),
        ({"memory.max": "max"}, {}, 16_384_000_000),
        ({"memory/memory.limit_in_bytes": "3000000000"}, {}, 3_000_000_000),
        ({"memory/memory.limit_in_bytes": "9223372036854771712"}, {}, 16_384_000_000),
        ({"memory.max": "9000000000"}, {"MEMORY": "4Gi"}, 4 * 2**30),
    ],
)
def test_memory(tmp_path, files, environ, memory):
    assert machine(make_root(tmp_path, files), environ, affinity=1).memory == memory


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("16Gi", 16 * 2**30),
        ("16G", 16e9),
        ("16GB", 16e9),
        ("512Mi", 2**29),
        ("1000", 1000),
        ("", None),
        ("lots", None),
    ],
)
def test_sizes(text, size):
    assert parse_bytes(text) == size


def test_this_machine():
    found = machine()
    assert found.cores >= 1
    assert found.memory > 100_000_000
