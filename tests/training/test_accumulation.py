"""A batch in pieces: the gradient, the loss and the accuracy of the whole."""

import numpy as np
import pytest
import torch

from llmviz.model import build_gpt
from llmviz.settings import parse_settings
from llmviz.training import TokenBatches, Trainer, batch_at, next_token_objective
from llmviz.training.batches import Batch

V = 17
IDS = np.random.default_rng(0).integers(V, size=2000).astype(np.uint16)
TINY = {"n_layer": 2, "n_head": 2, "n_embd": 16, "block_size": 8, "batch_size": 7, "warmup_steps": 0}


def masked(step: int, progress: float = 1.0) -> Batch:
    """A batch of 7 windows of which not all places count, and none in one of the windows."""
    batch = batch_at(IDS, 1, step, 7, 8)
    counting = torch.rand(7, 8, generator=torch.Generator().manual_seed(step)) < 0.6
    counting[3] = False
    return batch._replace(loss_mask=counting)


def trainer(accumulation: int) -> Trainer:
    s = parse_settings(TINY | {"accumulation": accumulation, "max_steps": 10})
    model = build_gpt(s.model, V, 0).double()
    return Trainer(model, next_token_objective, masked, s.training)


@pytest.mark.parametrize("pieces", [2, 3, 7])
def test_in_pieces_as_in_one(pieces):
    whole, cut = trainer(1), trainer(pieces)
    for _ in range(3):
        one, other = whole.step(), cut.step()
        assert other.loss == pytest.approx(one.loss, rel=1e-6)
        assert other.accuracy == pytest.approx(one.accuracy)
        assert other.grad_norm == pytest.approx(one.grad_norm, rel=1e-6)
        assert other.tokens == one.tokens
    for mine, its in zip(cut.model.parameters(), whole.model.parameters(), strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-5, atol=1e-7)


def test_gradients_in_64_bits():
    model = build_gpt(parse_settings(TINY).model, V, 0).double()
    batch = masked(0)
    loss, _ = next_token_objective(model, batch)
    wanted = torch.autograd.grad(loss, list(model.parameters()))
    total = sum(share * next_token_objective(model, piece)[0] for piece, share in batch.pieces(4))
    found = torch.autograd.grad(total, list(model.parameters()))
    for mine, its in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-5, atol=1e-8)  # the shares have 32 bits


def test_only_a_piece_is_in_memory_at_a_time():
    s = parse_settings(TINY | {"accumulation": 3})
    seen = []

    def watched(model, batch):
        seen.append(len(batch.inputs))
        return next_token_objective(model, batch)

    Trainer(build_gpt(s.model, V, 0), watched, TokenBatches.of(IDS, s), s.training).step()
    assert seen == [3, 2, 2]
