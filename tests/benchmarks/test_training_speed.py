"""A training step of the book's GPT-2 against a plain PyTorch loop over `transformers`' GPT-2.

The shape is nanoGPT's for a CPU: 4 layers, 4 heads, 128 wide, context 64, batch 12. Both sides do all that a
step takes: sample a batch, forward, loss, backward, clip, fused AdamW; ours also keeps its record. They take
turns step by step, so that whatever else the machine does slows both. Asserted: the ratio of the medians.
"""

import statistics
import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from llmviz.model import build_gpt
from llmviz.settings import ModelSettings, TrainingSettings
from llmviz.training import Trainer, next_token_objective
from llmviz.training.batches import TokenBatches

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.benchmark

LAYERS, HEADS, WIDTH, CONTEXT, BATCH, VOCABULARY = 4, 4, 128, 64, 12, 65
STEPS, WARMING_UP = 60, 8
PATIENCE = 60  # seconds: two threads on a busy machine wait for one another, and then fewer steps must do


def our_step(ids: np.ndarray, architecture: str):
    """One step of our trainer, as runs take it."""
    shape = ModelSettings(
        architecture=architecture, n_layer=LAYERS, n_head=HEADS, n_embd=WIDTH, block_size=CONTEXT
    )
    trainer = Trainer(
        build_gpt(shape, VOCABULARY, seed=1),
        next_token_objective,
        TokenBatches(ids, seed=1, batch_size=BATCH, block_size=CONTEXT),
        TrainingSettings(batch_size=BATCH, max_steps=10_000, learning_rate=1e-3),
    )
    return trainer.step


def plain_step(ids: np.ndarray):
    """One step of the loop that a tutorial would write."""
    model = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=VOCABULARY,
            n_positions=CONTEXT,
            n_embd=WIDTH,
            n_layer=LAYERS,
            n_head=HEADS,
            bos_token_id=0,
            eos_token_id=0,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            use_cache=False,
        )
    ).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), fused=True)
    tokens = torch.from_numpy(ids.astype(np.int64))

    def step() -> None:
        starts = torch.randint(len(tokens) - CONTEXT, (BATCH, 1))
        windows = tokens[starts + torch.arange(CONTEXT + 1)]
        logits = model(windows[:, :-1]).logits
        loss = F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


@pytest.mark.parametrize("threads", [1, 2])
def test_no_slower_than_a_plain_loop_over_transformers(threads, capsys):
    ids = np.random.default_rng(0).integers(VOCABULARY, size=100_000, dtype=np.uint16)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        steps = {"gpt2": our_step(ids, "gpt2"), "modern": our_step(ids, "modern"), "plain": plain_step(ids)}
        seconds = {name: [] for name in steps}
        deadline = time.monotonic() + PATIENCE
        for turn in range(WARMING_UP + STEPS):
            if time.monotonic() > deadline and turn > 2 * WARMING_UP:
                break
            for name, step in steps.items():
                started = time.perf_counter()
                step()
                if turn >= WARMING_UP:
                    seconds[name].append(time.perf_counter() - started)
    finally:
        torch.set_num_threads(before)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    ratio = median["gpt2"] / median["plain"]
    with capsys.disabled():
        print(f"\n{threads} thread(s), ms a step:", {name: round(s * 1e3, 1) for name, s in median.items()})
        print(f"ratio to transformers: {ratio:.2f}")
    assert ratio <= 1.0
