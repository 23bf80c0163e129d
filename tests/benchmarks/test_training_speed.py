"""A training step of the book's GPT-2 against other people's of the same model.

The shape is nanoGPT's for a CPU: 4 layers, 4 heads, 128 wide, context 64, batch 12. All sides do all that a
step takes: sample a batch, forward, loss, backward, clip, AdamW; ours also keeps its record. They take
turns step by step, so that whatever else the machine does slows all. Asserted: ratios of medians.
"""

import statistics

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.profiler import ProfilerActivity, profile

from llmviz.model import build_gpt
from llmviz.settings import ModelSettings, TrainingSettings
from llmviz.training import Trainer, next_token_objective
from llmviz.training.batches import TokenBatches
from tests.benchmarks.side_by_side import copy_of_nanogpt, nanogpt_and_its_adamw, take_turns, threads

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.benchmark

LAYERS, HEADS, WIDTH, CONTEXT, BATCH, VOCABULARY = 4, 4, 128, 64, 12, 65
STEPS = 200
PATIENCE = 60


def our_trainer(ids: np.ndarray, architecture: str, activation: str = "auto") -> Trainer:
    """Our trainer, as runs have it, with the rates that nanoGPT's recipe begins with."""
    sizes = {"n_layer": LAYERS, "n_head": HEADS, "n_embd": WIDTH, "block_size": CONTEXT}
    shape = ModelSettings(architecture=architecture, activation=activation, **sizes)
    return Trainer(
        build_gpt(shape, VOCABULARY, seed=1),
        next_token_objective,
        TokenBatches(ids, seed=1, batch_size=BATCH, block_size=CONTEXT),
        TrainingSettings(
            batch_size=BATCH, max_steps=10_000, learning_rate=1e-3, schedule="constant", warmup_steps=0
        ),
    )


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


def nanogpt_step(model: torch.nn.Module, optimizer: torch.optim.Optimizer, batches: TokenBatches):
    """One step of nanoGPT's loop, on our batches. Returns the loss."""
    steps_done = 0

    def step() -> float:
        nonlocal steps_done
        batch = batches(steps_done)
        steps_done += 1
        _, loss = model(batch.inputs, batch.targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    return step


@pytest.fixture(scope="module")
def ids() -> np.ndarray:
    """Tokens of very different frequency: twenty steps learn that, so that their losses say something."""
    return (np.random.default_rng(0).geometric(0.2, size=100_000) % VOCABULARY).astype(np.uint16)


@pytest.mark.parametrize("number", [1, 2])
def test_no_slower_than_a_plain_loop_over_transformers(ids, number, capsys):
    with threads(number):
        ours = {name: our_trainer(ids, name).step for name in ("gpt2", "modern")}
        seconds = take_turns(ours | {"plain": plain_step(ids)}, STEPS, PATIENCE)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    ratio = median["gpt2"] / median["plain"]
    with capsys.disabled():
        print(f"\n{number} thread(s), ms a step:", {name: round(s * 1e3, 1) for name, s in median.items()})
        print(f"ratio to transformers: {ratio:.2f}")
    assert ratio <= 1.0


def test_nanogpts_losses_and_faster(ids, capsys):
    """Equal work: the same weights and batches give nanoGPT's losses, in less time."""
    peer, optimizer = nanogpt_and_its_adamw(
        n_layer=LAYERS, n_head=HEADS, n_embd=WIDTH, block_size=CONTEXT, vocab_size=VOCABULARY, bias=True
    )
    with threads(2):
        trainer = our_trainer(ids, "gpt2", "gelu-exact")  # as nanoGPT's is
        copy_of_nanogpt(peer, trainer.model)
        nanogpt = nanogpt_step(peer, optimizer, trainer.data)
        pairs = [(trainer.step().loss, nanogpt()) for _ in range(20)]
        seconds = take_turns({"ours": trainer.step, "nanogpt": nanogpt}, STEPS, PATIENCE)
        where = where_the_time_goes(trainer)
    ratio = statistics.median(seconds["nanogpt"]) / statistics.median(seconds["ours"])
    apart = max(abs(mine - theirs) for mine, theirs in pairs)
    with capsys.disabled():
        print(f"\n{ratio:.2f} times nanoGPT's steps a second; losses at most {apart:.1e} apart in 20 steps")
        print(where)
    assert pairs[-1][0] < pairs[0][0] - 0.5
    assert apart < 1e-4
    assert ratio >= 1.05


def where_the_time_goes(trainer: Trainer, steps: int = 10) -> str:
    """The ten calls of PyTorch that a step spends most time in, each with its share."""
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        for _ in range(steps):
            trainer.step()
    calls = sorted(recorded.key_averages(), key=lambda call: -call.self_cpu_time_total)
    whole = sum(call.self_cpu_time_total for call in calls)
    return "\n".join(f"{call.self_cpu_time_total / whole:6.1%}  {call.key}" for call in calls[:10])
