"""What a run is computed with is written down, and said where the machine decided it."""

import pytest
import torch

from llmviz.runs.inline import run_inline
from llmviz.runs.records import read_records
from llmviz.runs.session import Session
from llmviz.runs.slices import Budget, train_slice
from llmviz.training import hardware
from llmviz.training.checkpoints import read_checkpoint


def said(run):
    return [r["text"] for _, r in read_records(run.events) if r.get("code") == "hardware"]


def test_where_nothing_is_left_to_the_machine_nothing_is_said(tiny_run, tiny_data):
    run = tiny_run(max_steps=6)
    run_inline(run, data_root=tiny_data)
    assert said(run) == []
    assert run.state()["hardware"]["precision"] == "fp32"


def test_what_was_chosen_is_said_once(tiny_run, tiny_data, monkeypatch):
    monkeypatch.setattr(hardware, "has_bf16_units", lambda device: True)
    monkeypatch.setattr(hardware, "_is_faster", lambda precision, learn: True)
    run = tiny_run(precision="auto", max_steps=12)
    for _ in range(2):
        with Session(run, tiny_data) as session:
            train_slice(session, Budget(steps=3))
    assert said(run) == ["Computed by the processor, in 16 bits (bf16)."]
    monkeypatch.setattr(hardware, "has_bf16_units", lambda device: False)  # moved to another machine
    run_inline(run, data_root=tiny_data)
    assert len(said(run)) == 2
    assert said(run)[1].startswith("Computed by the processor, in 32 bits. Until now it was not")


def test_muon_on_another_machine(tiny_run, tiny_data, monkeypatch):
    monkeypatch.setattr(hardware, "has_bf16_units", lambda device: True)
    runs = {name: tiny_run(optimizer=name, max_steps=12) for name in ("muon", "adamw")}
    for run in runs.values():
        with Session(run, tiny_data) as session:
            train_slice(session, Budget(steps=3))
    monkeypatch.setattr(hardware, "has_bf16_units", lambda device: False)
    for run in runs.values():
        run_inline(run, data_root=tiny_data)
    assert len(said(runs["muon"])) == 1
    assert said(runs["adamw"]) == [], "nothing has changed for it"


def test_a_run_that_asks_for_what_is_not_there_says_so(tiny_run, tiny_data, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    run = tiny_run(device="cuda")
    run_inline(run, data_root=tiny_data)
    assert run.state()["status"] == "failed"
    assert "no NVIDIA graphics card" in run.state()["reason"]


def test_a_run_that_began_with_what_is_not_there_any_more_waits(tiny_run, tiny_data, monkeypatch):
    """It may have been moved to another machine, and its settings cannot be changed any more."""
    monkeypatch.setattr(hardware, "has_bf16_units", lambda device: True)
    run = tiny_run(precision="bf16", max_steps=6)
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=3))
    monkeypatch.setattr(hardware, "has_bf16_units", lambda device: False)
    assert run_inline(run, data_root=tiny_data).status == "paused"
    assert run.state()["reason"].startswith("This machine has no units for bf16, and is far slower")
    monkeypatch.setattr(hardware, "has_bf16_units", lambda device: True)
    assert run_inline(run, data_root=tiny_data).status == "finished"


@pytest.mark.parametrize(("optimizer", "recompute"), [("muon", True), ("lion", False)])
def test_an_interrupted_run_ends_with_the_same_weights(tiny_run, tiny_data, optimizer, recompute):
    """Paused, evicted (its process gone), and resumed: as if nothing had happened."""
    asked = {
        "optimizer": optimizer,
        "schedule": "wsd",
        "start_context": 4,
        "accumulation": 2,
        "recompute": recompute,
        "max_steps": 20,
    }
    calm, disturbed = tiny_run(**asked), tiny_run(**asked)
    run_inline(calm, data_root=tiny_data)
    session = Session(disturbed, tiny_data)
    train_slice(session, Budget(steps=5))
    session.pause()
    train_slice(session, Budget(steps=5))
    session._resources.close()  # what was learned since the pause is lost
    run_inline(disturbed, data_root=tiny_data)
    for run in (calm, disturbed):
        assert run.state()["status"] == "finished"
    wanted, found = (read_checkpoint(run.checkpoint(20))[0] for run in (calm, disturbed))
    assert wanted.keys() == found.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_that_a_step_waits_for_the_compiler_is_said_before_it_does(tiny_run, tiny_data, monkeypatch):
    monkeypatch.setattr(hardware, "_has_compiler", lambda device: True)
    run, told = tiny_run(compile=True, max_steps=6), []

    def compiled(model):
        def forward(inputs):
            told.append([r["text"] for _, r in read_records(run.events) if r.get("code") == "compiling"])
            return model(inputs)

        return forward

    monkeypatch.setattr("llmviz.training.trainer.compiled", compiled)
    assert run_inline(run, data_root=tiny_data).status == "finished"
    assert len(told[0]) == 1 and "compiled before the next step" in told[0][0]
