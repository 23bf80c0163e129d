"""What a machine can compute with is read off what it says of itself."""

from pathlib import Path

import pytest
import torch

from llmviz.training import hardware


@pytest.mark.parametrize(
    ("line", "has"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 amx_tile", True),
        ("Features\t: fp asimd bf16 i8mm", True),
        ("flags\t\t: fpu avx2 fma", False),
        ("model name\t: a CPU of bf16 city", False),
    ],
)
def test_bf16_units_of_a_cpu(tmp_path, monkeypatch, line, has):
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor\t: 0\n{line}\n")
    monkeypatch.setattr(hardware, "CPU_INFO", info)
    assert hardware.has_bf16_units(torch.device("cpu")) is has


def test_a_machine_that_says_nothing_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "CPU_INFO", tmp_path / "missing")
    assert not hardware.has_bf16_units(torch.device("cpu"))


@pytest.mark.parametrize("room", ["model", "evaluation", "generation", "training", "probes"])
def test_numbers_of_64_bits_stay_on_the_processor(room):
    """Apple's graphics have none, and raise TypeError when they are asked for some."""
    for path in (Path(hardware.__file__).parents[1] / room).rglob("*.py"):
        code = path.read_text("utf-8").replace(".cpu().double()", "")
        assert ".double()" not in code and "torch.double" not in code, path
