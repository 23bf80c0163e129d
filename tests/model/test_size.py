"""Sizes by arithmetic agree with the real thing, and need no torch."""

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.model import GPT, GPTConfig, flops_per_token, memory_bytes, n_parameters
from llmviz.model.size import attention_table
from llmviz.settings import ModelSettings


@given(
    architecture=st.sampled_from(["gpt2", "modern"]),
    n_layer=st.integers(1, 4),
    n_head=st.integers(1, 3),
    half_head=st.integers(1, 6),
    block_size=st.integers(2, 40),
    vocab_size=st.integers(2, 90),
)
@settings(max_examples=30, deadline=None)
def test_the_count_is_exact(architecture, n_layer, n_head, half_head, block_size, vocab_size):
    shape = GPTConfig(
        architecture=architecture,
        vocab_size=vocab_size,
        block_size=block_size,
        n_layer=n_layer,
        n_head=n_head,
        n_embd=2 * half_head * n_head,
    )
    assert n_parameters(shape, vocab_size) == sum(p.numel() for p in GPT(shape).parameters())


def test_gpt2_small_has_its_124_million():
    small = ModelSettings(n_layer=12, n_head=12, n_embd=768, block_size=1024)
    assert n_parameters(small, 50257) == 124_439_808


VARIANTS = {
    "gpt2": {},
    "modern": {"architecture": "modern"},
    "llama with shared heads": {"architecture": "llama", "n_kv_head": 1, "head_width": 24},
    "transformer": {"architecture": "transformer", "mlp_width": 100},
    "priced": {"positions": "alibi", "window": 8, "soft_cap": 9.0},
    "shortcuts": {"x0_shortcut": True, "value_embeddings": True, "smear": True, "bigram_embeddings": True},
}


@pytest.mark.parametrize("parts", VARIANTS.values(), ids=VARIANTS)
def test_flops_are_those_that_torch_counts(parts):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    shape = ModelSettings(**parts, n_layer=2, n_head=4, n_embd=64, block_size=32)
    model = GPT(
        GPTConfig.from_settings(shape, 50)
    ).double()  # 64 bits: the counter knows PyTorch's own products
    ids = torch.randint(50, (2, 32))
    with FlopCounterMode(display=False) as counter:
        model.forward_with_attention(ids)[0].sum().backward()
    assert counter.get_total_flops() == pytest.approx(64 * flops_per_token(shape, 50), rel=0.02)


@pytest.mark.parametrize("positions", ["learned", "alibi"])
def test_a_sliding_window_saves_no_operation_and_is_said_to_save_none(positions):
    """Of the fast way, in products that torch can count: all scores are asked for, near ones and far ones."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    counted = []
    for window in (0, 4):
        shape = ModelSettings(positions=positions, window=window, n_layer=2, n_embd=64, block_size=32)
        model = GPT(GPTConfig.from_settings(shape, 50)).double()
        plain = sdpa_kernel(SDPBackend.MATH)
        with FlopCounterMode(display=False) as counter, torch.inference_mode(), plain:
            model(torch.randint(50, (2, 32)))
        counted.append(counter.get_total_flops())
        assert counter.get_total_flops() == pytest.approx(64 * flops_per_token(shape, 50) / 3, rel=0.02)
    assert counted[0] == counted[1]
    assert "saves no work" in ModelSettings.model_fields["window"].description


def test_torch_is_not_needed():
    code = (
        "import sys; from llmviz.model import n_parameters, memory_bytes, GPTConfig; "
        "import llmviz.model.size; "
        "import llmviz.probes.packing, llmviz.evaluation, llmviz.generation; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


MEASURE_PEAK = """
import json, os, sys, torch, torch._dynamo, torch.nn.functional as F
from llmviz.model import build_gpt, memory_bytes
from llmviz.settings import ModelSettings

def peak():
    [line] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024

def train(shape, batch_size):
    model = build_gpt(shape, 65, seed=1)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    for _ in range(2):
        tokens = torch.randint(65, (batch_size, shape.block_size + 1))
        F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten()).backward()
        optimizer.step()
        optimizer.zero_grad()

def measure(parts):
    train(ModelSettings(**parts, n_layer=1, n_head=1, n_embd=4, block_size=4), 2)
    shape = ModelSettings(**parts, n_layer=3, n_head=4, n_embd=256, block_size=64)
    before = peak()
    train(shape, 16)
    return (peak() - before) / memory_bytes(shape, 65, 16)

torch.set_num_threads(1)
for parts in json.loads(sys.argv[1]):
    if not (child := os.fork()):  # a peak of its own for each, and torch is imported once
        print(measure(parts), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_is_as_estimated():
    models = [
        {"architecture": "gpt2", "dropout": 0.1},
        {"architecture": "modern"},
        {"architecture": "llama", "n_kv_head": 1},
        {"architecture": "modern"} | VARIANTS["priced"] | VARIANTS["shortcuts"],
    ]
    command = [sys.executable, "-c", MEASURE_PEAK, json.dumps(models)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    shares = [float(share) for share in printed.split()]
    assert len(shares) == len(models)
    for parts, share in zip(models, shares, strict=True):
        assert 0.6 < share < 1.1, parts


def test_memory_grows_with_everything_that_takes_some():
    shape = ModelSettings()
    base = memory_bytes(shape, 65, 12)
    assert memory_bytes(shape, 65, 24) > base
    assert memory_bytes(shape, 1024, 12) > base
    assert memory_bytes(shape.model_copy(update={"n_layer": 8}), 65, 12) > base
    assert base >= 16 * n_parameters(shape, 65)  # weights, gradients and two moments of 4 bytes each


@pytest.mark.parametrize("architecture", ["bigram", "transformer", "gpt2", "llama", "modern"])
def test_only_alibi_and_a_window_have_a_table_of_who_may_look_at_whom(architecture):
    plain = ModelSettings(architecture=architecture, n_head=4, block_size=32)
    assert attention_table(plain) == 0
    if architecture != "bigram":
        assert attention_table(plain.model_copy(update={"positions": "alibi"})) == 4 * 32 * 32
        assert attention_table(plain.model_copy(update={"window": 8})) == 32 * 32
