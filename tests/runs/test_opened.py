"""Models that are opened to be looked at: some stay in memory, never more than there is room for."""

import pytest

import llmviz.model
from llmviz.model import WeightsError
from llmviz.runs import opened
from llmviz.runs.inline import run_inline
from llmviz.runs.opened import KEPT_OF_ONE, OpenedModels
from llmviz.text.tokenizers import CharTokenizer


@pytest.fixture
def run(tiny_run, tiny_data):
    run = tiny_run(max_steps=40)
    run_inline(run, data_root=tiny_data)
    assert len(run.snapshots()) > KEPT_OF_ONE
    return run


def test_of_one_run_only_the_newest_few_stay(run):
    models = OpenedModels()
    for step in run.snapshots():
        models.get(run.path, step)
    assert [kept.step for kept in models._models.values()] == run.snapshots()[-KEPT_OF_ONE:]
    again = models.get(run.path, run.snapshots()[-1])
    assert models.get(run.path, run.snapshots()[-1]) is again, "what was asked for last is not read again"


def test_the_room_for_all_is_limited(run):
    models = OpenedModels(kept_parameters=1)
    for step in run.snapshots()[:2]:
        assert models.get(run.path, step).step == step
    assert len(models._models) == 1


def test_tokenizers_of_runs_long_gone_are_forgotten(run, tiny_run, tiny_data, monkeypatch):
    monkeypatch.setattr(opened, "KEPT_TOKENIZERS", 1)
    models, other = OpenedModels(), tiny_run(max_steps=5, seed=2)
    run_inline(other, data_root=tiny_data)
    for asked in (run, other, run):
        assert models.tokenizer(asked.path).vocab_size > 1
    assert list(models._tokenizers) == [run.tokenizer]


def test_what_a_tokenizer_claims_takes_no_memory_before_the_weights_agree(run, monkeypatch):
    CharTokenizer("".join(map(chr, range(0x100, 0x8000)))).save(run.tokenizer)
    monkeypatch.setattr(llmviz.model, "build_gpt", lambda *_: pytest.fail("it was built"))
    with pytest.raises(WeightsError, match=r"do not fit the model.*\.$"):
        OpenedModels().get(run.path)
