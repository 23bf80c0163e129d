"""Temperature, top-k and top-p keep exactly the tokens that `transformers` keeps."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.generation import filter_logits

transformers = pytest.importorskip("transformers")


def theirs(logits, temperature, top_k, top_p):
    """What `transformers.generate` would do, in its order."""
    processors = transformers.LogitsProcessorList()
    if temperature != 1:
        processors.append(transformers.TemperatureLogitsWarper(temperature))
    if top_k > 0:
        processors.append(transformers.TopKLogitsWarper(top_k))
    if top_p < 1:
        processors.append(transformers.TopPLogitsWarper(top_p))
    return processors(None, logits)


@given(
    V=st.integers(1, 40),
    seed=st.integers(0, 1000),
    spread=st.floats(0, 30),
    ties=st.booleans(),
    temperature=st.floats(0.05, 5),
    top_k=st.integers(0, 50),
    top_p=st.floats(0.01, 1),
)
@settings(max_examples=300, deadline=None)
def test_equal_to_transformers(V, seed, spread, ties, temperature, top_k, top_p):
    logits = torch.randn(2, V, generator=torch.Generator().manual_seed(seed)) * spread
    logits = logits.round() if ties else logits
    ours = filter_logits(logits, temperature, top_k, top_p)
    assert torch.equal(ours, theirs(logits, temperature, top_k, top_p))
    assert ours.softmax(-1).sum(-1).allclose(torch.ones(2))  # at least one token is always left


def test_temperature_0_leaves_the_likeliest_alone():
    assert filter_logits(torch.tensor([1.0, 3.0, 3.0, -2.0]), temperature=0).softmax(-1).tolist() == [
        0,
        1,
        0,
        0,
    ]


def test_off_means_off():
    logits = torch.randn(5)
    assert torch.equal(filter_logits(logits), logits)


def test_top_k_and_top_p_together():
    probabilities = torch.tensor([0.5, 0.3, 0.15, 0.05])
    kept = filter_logits(probabilities.log(), top_k=3, top_p=0.6).softmax(-1)
    torch.testing.assert_close(kept, torch.tensor([0.625, 0.375, 0, 0]))
