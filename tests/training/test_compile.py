"""A compiled model learns what the plain one does. Slow: it is a compiler that is waited for."""

import shutil

import numpy as np
import pytest
import torch

from llmviz.model import build_gpt
from llmviz.settings import parse_settings
from llmviz.training import TokenBatches, Trainer, next_token_objective

V = 17
IDS = np.random.default_rng(0).integers(V, size=2000).astype(np.uint16)
TINY = {"n_layer": 1, "n_head": 2, "n_embd": 16, "block_size": 8, "batch_size": 40, "max_steps": 6}


def trainer(**more) -> Trainer:
    s = parse_settings(TINY | {"warmup_steps": 0} | more)
    return Trainer(build_gpt(s.model, V, 1), next_token_objective, TokenBatches.of(IDS, s), s.training)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="there is no C++ compiler")
def test_compiled_or_not_the_same_losses():
    plain, compiled = trainer(), trainer(compile=True)
    assert compiled.learner is not compiled.model
    assert compiled.step().seconds < 1, "it was compiled before"
    plain.step()
    for _ in range(4):
        assert compiled.step().loss == pytest.approx(plain.step().loss, rel=1e-4)
    assert compiled.loss_ahead() == pytest.approx(plain.loss_ahead(), rel=1e-4)
    assert compiled.state()[0].keys() == plain.state()[0].keys()
    for name, tensor in compiled.model.state_dict().items():
        torch.testing.assert_close(tensor, plain.model.state_dict()[name], rtol=1e-3, atol=1e-5)
