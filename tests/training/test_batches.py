import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.settings import parse_settings
from llmviz.training import TokenBatches, batch_at

IDS = np.arange(1000, dtype=np.uint16)


def test_a_batch_is_windows_of_the_text_and_what_follows():
    batch = batch_at(IDS, seed=1, step=5, batch_size=8, block_size=16)
    assert batch.inputs.shape == batch.targets.shape == batch.loss_mask.shape == (8, 16)
    assert batch.inputs.dtype == batch.targets.dtype == torch.int64
    assert batch.loss_mask.all()
    assert torch.equal(batch.targets, batch.inputs + 1)  # these ids count upwards
    assert torch.equal(batch.inputs, batch.inputs[:, :1] + torch.arange(16))


@given(seed=st.integers(0, 2**31 - 1), step=st.integers(0, 10**7))
@settings(deadline=None)  # a busy machine is no mistake
def test_a_batch_depends_on_seed_and_step_alone(seed, step):
    batch = batch_at(IDS, seed, step, batch_size=6, block_size=10)
    torch.rand(3)  # other dice are thrown in between
    assert torch.equal(batch.inputs, batch_at(IDS, seed, step, 6, 10).inputs)
    assert not torch.equal(batch.inputs, batch_at(IDS, seed, step + 1, 6, 10).inputs)
    assert not torch.equal(batch.inputs, batch_at(IDS, seed + 1, step, 6, 10).inputs)


def test_batches_are_the_same_on_every_machine():
    """Frozen numbers: a run that is moved to another machine goes on with the same text."""
    assert batch_at(IDS, seed=1337, step=0, batch_size=4, block_size=8).inputs[:, 0].tolist() == [
        585,
        883,
        142,
        5,
    ]


def test_every_place_of_the_text_is_read_the_first_and_the_last_too():
    starts = {int(row[0]) for step in range(60) for row in batch_at(IDS[:20], 0, step, 8, 16).inputs}
    assert starts == {0, 1, 2, 3}


def test_a_memory_map_is_read_like_an_array(tmp_path):
    np.save(tmp_path / "ids.npy", IDS)
    mapped = np.load(tmp_path / "ids.npy", mmap_mode="r", allow_pickle=False)
    assert torch.equal(batch_at(mapped, 3, 4, 5, 6).inputs, batch_at(IDS, 3, 4, 5, 6).inputs)


def test_a_text_without_a_single_window_is_refused():
    with pytest.raises(ValueError, match="16 tokens has no window of 16"):
        batch_at(IDS[:16], 0, 0, 1, 16)


def test_batches_of_settings():
    asked = parse_settings({"batch_size": 3, "block_size": 9, "seed": 7})
    batch = TokenBatches.of(IDS, asked)(11)
    assert torch.equal(batch.inputs, batch_at(IDS, 7, 11, 3, 9).inputs)
