"""A training so small that a step takes milliseconds, for all tests of training."""

import numpy as np

from llmviz.model import build_gpt
from llmviz.settings import RunSettings, parse_settings
from llmviz.training import TokenBatches, Trainer, next_token_objective

V = 17
IDS = np.random.default_rng(0).integers(V, size=2000).astype(np.uint16)
TINY = {
    "architecture": "gpt2",
    "n_layer": 2,
    "n_head": 2,
    "n_embd": 16,
    "block_size": 8,
    "batch_size": 4,
    "max_steps": 12,
    "warmup_steps": 3,
    "threads": 1,
}


def settings(**more) -> RunSettings:
    """TINY, with other settings or more of them."""
    return parse_settings(TINY | more)


def trainer(objective=next_token_objective, **more) -> Trainer:
    """Before its first step."""
    s = settings(**more)
    model = build_gpt(s.model, V, s.training.seed)
    return Trainer(model, objective, TokenBatches.of(IDS, s), s.training)
