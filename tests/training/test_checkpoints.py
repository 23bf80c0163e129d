import json

import numpy as np
import pytest
import torch

from llmviz.model import build_gpt
from llmviz.settings import parse_settings
from llmviz.text import files as files_module
from llmviz.training import (
    CheckpointError,
    TokenBatches,
    Trainer,
    load_checkpoint,
    next_token_objective,
    save_checkpoint,
)
from llmviz.training.checkpoints import read_checkpoint

V = 13
IDS = np.random.default_rng(0).integers(V, size=500).astype(np.uint16)


def trainer(**more) -> Trainer:
    tiny = {
        "n_layer": 1,
        "n_head": 2,
        "n_embd": 8,
        "block_size": 8,
        "batch_size": 2,
        "max_steps": 20,
        "dropout": 0.2,
    }
    s = parse_settings(tiny | {"warmup_steps": 2, "architecture": "gpt2"} | more)
    model = build_gpt(s.model, V, s.training.seed)
    return Trainer(model, next_token_objective, TokenBatches.of(IDS, s), s.training)


def assert_same_weights(a: Trainer, b: Trainer) -> None:
    assert all(torch.equal(x, y) for x, y in zip(a.model.parameters(), b.model.parameters(), strict=True))


@pytest.mark.parametrize("at", [0, 1, 7])
def test_a_loaded_trainer_goes_on_bit_for_bit(tmp_path, at):
    original, copy = trainer(), trainer(seed=99)
    for _ in range(at):
        original.step()
    original.change(learning_rate=3e-4, dropout=0.4)
    save_checkpoint(tmp_path / "c.safetensors", original, {"note": ["ä", 1, None]})
    copy.settings = original.settings
    copy.data = original.data
    assert load_checkpoint(tmp_path / "c.safetensors", copy) == {"note": ["ä", 1, None]}
    assert (copy.steps_done, copy.tokens_seen, copy.seconds) == (at, at * 16, original.seconds)
    for _ in range(5):
        a, b = original.step(), copy.step()
        assert (a.loss, a.lr, a.grad_norm) == (b.loss, b.lr, b.grad_norm)
    assert_same_weights(original, copy)


def test_one_file_and_nothing_pickled(tmp_path):
    t = trainer()
    t.step()
    save_checkpoint(tmp_path / "c.safetensors", t)
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]
    tensors, metadata = read_checkpoint(tmp_path / "c.safetensors")
    assert {name.split(".")[0] for name in tensors} == {"model", "optimizer"}
    assert json.loads(metadata["trainer"])["step"] == 1


@pytest.mark.parametrize("kept", [0, 5, 100, -1])
def test_a_torn_file_is_refused(tmp_path, kept):
    t, path = trainer(), tmp_path / "c.safetensors"
    t.step()
    save_checkpoint(path, t)
    path.write_bytes(path.read_bytes()[:kept])
    fresh, untouched = trainer(), trainer()
    with pytest.raises(CheckpointError, match=r"c\.safetensors is not a whole checkpoint"):
        load_checkpoint(path, fresh)
    assert_same_weights(fresh, untouched)


def test_a_flipped_bit_is_noticed(tmp_path):
    t, path = trainer(), tmp_path / "c.safetensors"
    t.step()
    save_checkpoint(path, t)
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path, trainer())


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    save_checkpoint(tmp_path / "c.safetensors", trainer())
    with pytest.raises(CheckpointError, match="another model"):
        load_checkpoint(tmp_path / "c.safetensors", trainer(n_embd=16))


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    t, path = trainer(), tmp_path / "c.safetensors"
    save_checkpoint(path, t)
    before = path.read_bytes()
    t.step()

    def no_space(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files_module.os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(path, t)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
