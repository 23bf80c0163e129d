"""What we write is what the safetensors library reads, and no more memory is taken than the tensors do."""

import io
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save

from llmviz.model.tensorfile import write_tensors

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]

tensors = st.builds(
    lambda dtype, shape, seed: (torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 9).to(
        dtype
    ),
    dtype=st.sampled_from(DTYPES),
    shape=st.lists(st.integers(0, 4), max_size=3),
    seed=st.integers(0, 99),
)


def written(named, metadata):
    file = io.BytesIO()
    write_tensors(file, named, metadata)
    return file.getvalue()


@given(
    named=st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"), tensors, max_size=6
    ),
    metadata=st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
)
@settings(max_examples=100, deadline=None)
def test_the_library_reads_it_back(named, metadata):
    found = load(written(named, metadata))
    assert set(found) == set(named)
    for name, tensor in named.items():
        assert found[name].dtype == tensor.dtype and found[name].shape == tensor.shape
        assert torch.equal(found[name], tensor)


def test_it_is_what_the_library_would_write_but_for_the_order_of_the_header():
    named = {"b": torch.arange(6.0).view(2, 3), "a": torch.ones(3), "step": torch.tensor(7.0)}
    assert len(written(named, {"format": "1"})) == len(save(named, {"format": "1"}))


MEASURE = """
import sys, torch, psutil, threading
from llmviz.model.tensorfile import write_tensors
named = {"w": torch.ones(40_000_000)}
class Nowhere:
    most = 0
    def write(self, data):
        self.most = max(self.most, psutil.Process().memory_full_info().uss)
before, file = psutil.Process().memory_full_info().uss, Nowhere()
write_tensors(file, named, {})
print(file.most - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_nothing_is_copied():
    grown = int(subprocess.run([sys.executable, "-c", MEASURE], check=True, capture_output=True).stdout)
    assert grown < 0.1 * 160_000_000
