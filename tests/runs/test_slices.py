import errno
import itertools
import math
import time

import pytest
import torch

from llmviz.evaluation import evaluate
from llmviz.model import GPT, build_gpt, load_into
from llmviz.runs import slices as slices_module
from llmviz.runs.directory import RunBusy
from llmviz.runs.inline import run_inline
from llmviz.runs.records import fold, read_records
from llmviz.runs.retry import is_good, last_good, lower_learning_rate, retry_run
from llmviz.runs.session import Session
from llmviz.runs.slices import Budget, train_slice
from llmviz.runs.snapshots import is_snapshot_step
from llmviz.runs.weights import read_run_weights, weights_file
from llmviz.text.datasets import open_dataset
from llmviz.training.checkpoints import read_checkpoint


def lines(path):
    return [record for _, record in read_records(path)]


def notices(run, code):
    return [record for record in lines(run.events) if record.get("code") == code]


def final_weights(run):
    tensors, _ = read_checkpoint(run.checkpoint(run.checkpoints()[-1]))
    return tensors


def assert_same_weights(run, other):
    a, b = final_weights(run), final_weights(other)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


def assert_each_step_recorded_once(run):
    records = [record for record in fold(lines(run.metrics)) if "loss" in record]
    covered = [step for record in records for step in range(record["first"], record["step"] + 1)]
    assert covered == list(range(run.state()["step"]))


def model_of(run, step, data) -> GPT:
    settings = run.settings()
    model = build_gpt(settings.model, open_dataset(run.dataset(data)).tokenizer.vocab_size, 0)
    load_into(model, read_run_weights(weights_file(run, step)[1]))
    return model


# ---- a whole run ----


def test_a_run_from_beginning_to_end(tiny_run, tiny_data):
    run, heard = tiny_run(), []
    result = run_inline(run, heard.append, data_root=tiny_data)
    assert (result.status, result.step) == ("finished", 40)
    everything = [*lines(run.metrics), *lines(run.events)]
    assert len(heard) == len(everything)
    assert all(record in everything for record in heard)

    state = run.state()
    assert state["status"] == "finished"
    assert (state["step"], state["max_steps"], state["checkpoint_step"]) == (40, 40, 40)
    assert state["tokens_seen"] == 40 * 4 * 16
    assert state["evaluated_full"] is True
    assert state["best_val_loss"] <= state["val_loss"]
    assert state["n_parameters"] == sum(w.numel() for w in model_of(run, 40, tiny_data).parameters())

    evaluations = [record for record in lines(run.metrics) if "eval" in record]
    estimated = [record["eval"] for record in evaluations if not record["full"]]
    assert estimated[0] == 0
    assert set(estimated) <= {0, 10, 20, 30}  # one may be skipped, when they would take too much of the time
    assert (evaluations[-1]["eval"], evaluations[-1]["full"]) == (40, True)
    vocab_size = open_dataset(run.dataset(tiny_data)).tokenizer.vocab_size
    assert evaluations[0]["val_loss"] == pytest.approx(math.log(vocab_size), abs=1e-4)  # a blind guess
    assert evaluations[-1]["val_loss"] < evaluations[0]["val_loss"] - 0.2
    assert_each_step_recorded_once(run)

    samples = [record for record in lines(run.events) if record["kind"] == "sample"]
    assert [record["step"] for record in samples] == [0, 4, 16]
    assert run.snapshots() == [*filter(is_snapshot_step, range(40)), 40]
    assert run.checkpoints()[-1] == 40
    assert not list(run.path.rglob("*.tmp"))


def test_what_the_untrained_model_writes_comes_first(tiny_run, tiny_data):
    run = tiny_run()
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=1))
    assert lines(run.events)[0]["kind"] == "sample"
    assert lines(run.events)[0]["step"] == 0
    assert [("eval" in record, record.get("step")) for record in lines(run.metrics)[:2]] == [
        (True, None),
        (False, 0),
    ]


def test_the_last_evaluation_is_the_full_sweep(tiny_run, tiny_data):
    run = tiny_run(block_size=7)
    run_inline(run, data_root=tiny_data)
    dataset = open_dataset(run.dataset(tiny_data))
    found = evaluate(model_of(run, 40, tiny_data), dataset.val, 7, dataset.tokenizer)
    state = run.state()
    assert state["val_loss"] == pytest.approx(found.loss, rel=1e-5)
    assert state["bits_per_byte"] == pytest.approx(found.bits_per_byte, rel=1e-5)
    assert state["val_accuracy"] == pytest.approx(found.accuracy, rel=1e-5)


def test_a_finished_run_stays_as_it_is(tiny_run, tiny_data):
    run = tiny_run(max_steps=5)
    run_inline(run, data_root=tiny_data)
    before = run.metrics.read_bytes()
    assert run_inline(run, data_root=tiny_data).status == "finished"
    assert run.metrics.read_bytes() == before


def test_a_run_of_its_own_folder_carries_its_text(tiny_run):
    run = tiny_run(max_steps=5)
    run_inline(run)
    assert run.dataset().parent == run.path / "data"
    assert (run.dataset() / "train.npy").exists()
    assert run.tokenizer.read_bytes() == (run.dataset() / "tokenizer.json").read_bytes()


def test_time_can_be_the_budget(tiny_run, tiny_data):
    run = tiny_run(max_steps=1_000_000, max_seconds=0.2)
    assert run_inline(run, data_root=tiny_data).status == "finished"
    state = run.state()
    assert 0.2 <= state["seconds"] < 0.4
    assert 0 < state["step"] < 1_000_000
    rates = [record["lr"] for record in lines(run.metrics) if "lr" in record]
    assert rates[-1] < 0.15 * run.settings().training.learning_rate  # it arrived at its end


# ---- slices ----


def test_how_a_run_is_sliced_leaves_no_trace_in_the_weights(tiny_run, tiny_data):
    whole, sliced = tiny_run(), tiny_run()
    run_inline(whole, data_root=tiny_data)
    with Session(sliced, tiny_data) as session:
        for n in (1, 5, 1, 9):
            assert train_slice(session, Budget(steps=n)).status == "running"
        session.pause()
        assert sliced.state()["status"] == "paused"
        assert sliced.checkpoints()[-1] == sliced.state()["step"] == 16
    for _ in range(3):  # a new process each time, as far as the run can tell
        train_slice(sliced_session := Session(sliced, tiny_data), Budget(steps=2))
        sliced_session.close()
        assert sliced.state()["status"] == "waiting"
    run_inline(sliced, data_root=tiny_data)
    assert_same_weights(whole, sliced)
    assert_each_step_recorded_once(sliced)
    assert not notices(sliced, "recovered")
    assert not any("rewind" in record for record in lines(sliced.metrics))


def test_a_slice_ends_at_the_next_step_when_asked(tiny_run, tiny_data):
    with Session(tiny_run(), tiny_data) as session:
        train_slice(session, Budget(steps=1))
        calls = iter([False, False, True])
        assert train_slice(session, Budget(seconds=60), should_stop=lambda: next(calls)).step == 4


def test_a_slice_of_seconds(tiny_run, tiny_data):
    with Session(tiny_run(max_steps=100_000), tiny_data) as session:
        train_slice(session, Budget(steps=1))
        result = train_slice(session, Budget(seconds=0.2))
    assert result.status == "running"
    assert 0.2 <= result.seconds < 1.0


def test_the_full_evaluation_can_be_interrupted_between_its_pieces(tiny_run, tiny_data, monkeypatch):
    monkeypatch.setattr("llmviz.runs.sweep.TOKENS_A_PIECE", 160)
    run = tiny_run(max_steps=5)
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=5))
        results = [train_slice(session, Budget(steps=1)) for _ in range(8)]
        assert {result.status for result in results} == {"running"}
        while train_slice(session, Budget(seconds=1.0)).status != "finished":
            pass
    assert [record["full"] for record in lines(run.metrics) if "eval" in record] == [False, True]


def test_one_session_a_run(tiny_run, tiny_data):
    run = tiny_run()
    with Session(run, tiny_data), pytest.raises(RunBusy):
        Session(run, tiny_data)
    Session(run, tiny_data).close()


def test_stop_ends_a_run_with_everything_a_finished_one_has(tiny_run, tiny_data):
    run = tiny_run()
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=7))
        session.stop()
        assert train_slice(session, Budget(steps=7)).status == "stopped"
    state = run.state()
    assert (state["status"], state["step"], state["evaluated_full"]) == ("stopped", 7, True)
    assert run.snapshots()[-1] == 7


def test_threads_that_change_are_written_down(tiny_run, tiny_data):
    run = tiny_run(threads=0)
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=1), threads=2)
        train_slice(session, Budget(steps=1), threads=1)
    assert [notice["step"] for notice in notices(run, "threads")] == [1]
    assert run.state()["threads"] == 1


def test_the_steps_of_a_time_limited_run_are_announced_at_its_pace(tiny_run, tiny_data, monkeypatch):
    ticks = itertools.count()
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks) / 1000)  # a clock for a pace that is even
    run = tiny_run(max_steps=1_000_000, max_seconds=0.2)
    announced = []
    with Session(run, tiny_data) as session:
        while train_slice(session, Budget(seconds=0.05)).status == "running":
            session.publish()
            announced.append(run.state()["max_steps"])
    steps = run.state()["step"]
    assert run.state()["max_steps"] == steps, "at the end it is what it was"
    assert all(0.7 * steps < guess < 1.5 * steps for guess in announced[1:]), announced
    assert len(set(announced)) < len(announced), "it keeps still"


# ---- what people do meanwhile ----


def test_a_change_holds_from_the_next_step_and_is_marked(tiny_run, tiny_data):
    run = tiny_run()
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=10))
        session.change(learning_rate=1e-5, dropout=0.3)
        train_slice(session, Budget(steps=10))
    rates = {record["step"]: record["lr"] for record in lines(run.metrics) if "lr" in record}
    assert rates[10] < 1e-5 < 1e-3 < rates[9]
    assert [notice["step"] for notice in notices(run, "changed")] == [10, 10]
    assert lines(run.changes) == [{"step": 10, "learning_rate": 1e-5, "dropout": 0.3}]


def test_a_change_while_paused_waits_for_the_next_session(tiny_run, tiny_data):
    run = tiny_run()
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=6))
        session.pause()
    with Session(run, tiny_data) as session:
        session.change(learning_rate=1e-5)
        train_slice(session, Budget(steps=1))
    rates = {record["step"]: record["lr"] for record in lines(run.metrics) if "lr" in record}
    assert rates[6] < 1e-5 < rates[5]


def test_a_new_prompt_is_written_after_at_once_and_kept(tiny_run, tiny_data):
    run = tiny_run()
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=2))
        session.change(prompt="sau")
    assert lines(run.events)[-1]["prompt"] == "sau"
    run_inline(run, data_root=tiny_data)
    assert lines(run.events)[-1]["prompt"] == "sau"


def test_a_prompt_the_model_cannot_read_is_explained_once(tiny_run, tiny_data):
    run = tiny_run()
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=2))
        session.change(prompt="漢")
        train_slice(session, Budget(steps=20))
    assert len(notices(run, "sample")) == 1


def test_live_weights_while_somebody_watches(tiny_run, tiny_data):
    run = tiny_run()
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=2))
        assert not run.live.exists()
        session.watch(time.time() + 60)
        session.observer._live_pace.last = -10.0
        train_slice(session, Budget(steps=1))
        assert weights_file(run, "live") == (3, run.live)
        live = read_run_weights(run.live)
        assert all(torch.equal(live[name], w) for name, w in session.trainer.model.state_dict().items())


def test_newest_weights_are_found_wherever_they_are(tiny_run, tiny_data):
    run = tiny_run()
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=11))
        session.pause()
    assert weights_file(run) == (11, run.checkpoint(11))
    assert weights_file(run, 8) == (8, run.snapshot(8))
    newest = read_run_weights(run.checkpoint(11))
    assert newest.keys() == read_run_weights(run.snapshot(8)).keys()


# ---- what can go wrong ----


def test_a_weight_that_is_no_number_stops_the_run_in_a_sentence(tiny_run, tiny_data, tmp_path):
    run = tiny_run()
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=6))
        session.checkpoint()
        with torch.no_grad():
            session.trainer.model.wte.weight[0] = math.nan
            session.trainer.model.wte.weight[-1] = math.nan
        result = train_slice(session, Budget(steps=20))
    assert result.status == "failed"
    state = run.state()
    assert state["status"] == "failed"
    assert "learning rate" in state["reason"]
    assert len(notices(run, "nan")) == 1
    assert_each_step_recorded_once(run)
    before = {path: path.read_bytes() for path in run.path.rglob("*.safetensors")}

    child = retry_run(tmp_path / "runs", run, name="Again")
    assert {path: path.read_bytes() for path in run.path.rglob("*.safetensors")} == before
    assert child.run()["parent"] == {"run": run.id, "step": 6}
    assert child.settings().training.learning_rate < run.settings().training.learning_rate
    with Session(child, tiny_data) as session:
        train_slice(session, Budget(steps=1))
    born, parent = read_run_weights(child.snapshot(0)), read_run_weights(run.checkpoint(6))
    assert all(torch.equal(born[name], parent[name]) for name in parent)
    assert run_inline(child, data_root=tiny_data).status == "finished"


@pytest.mark.parametrize("architecture", ["gpt2", "modern"])
def test_an_absurd_learning_rate(tiny_run, tmp_path, tiny_data, architecture):
    """Past the form's bounds: the run ends, or is told that it has diverged; the child is fine."""
    run = tiny_run(architecture=architecture, max_steps=60)
    wild = run.settings().training.model_copy(update={"learning_rate": 1e9})
    described = run.run()
    described["settings"]["training"] = wild.model_dump()
    run.write_json("run.json", described)
    with Session(run, tiny_data) as session:
        while train_slice(session, Budget(steps=1)).status == "running":
            session.checkpoint()
    assert notices(run, "nan") or notices(run, "diverged")
    assert len(run.checkpoints()) <= 3
    step, path = last_good(run)
    assert step == 0
    assert is_good(path)
    assert lower_learning_rate(run) == 1e-3
    child = retry_run(tmp_path / "runs", run, name="Again")
    assert run_inline(child, data_root=tiny_data).status == "finished"
    losses = [record["val_loss"] for record in lines(child.metrics) if "eval" in record]
    assert losses[-1] < losses[0]


def test_a_bad_text_fails_in_a_sentence(tiny_run, tiny_data):
    run = tiny_run(block_size=1024, corpus_chars=1_000)
    result = run_inline(run, data_root=tiny_data)
    assert result.status == "failed"
    assert run.state()["reason"].endswith(".")


def test_a_full_disk_pauses_the_run_and_nothing_is_lost(tiny_run, tiny_data, monkeypatch):
    run, undisturbed = tiny_run(), tiny_run()
    run_inline(undisturbed, data_root=tiny_data)
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=12))
        with monkeypatch.context() as patch:
            patch.setattr(
                session.trainer, "step", lambda: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full"))
            )
            assert train_slice(session, Budget(steps=5)).status == "paused"
        assert "disk is full" in run.state()["reason"]
        while train_slice(session, Budget(seconds=1)).status == "running":
            pass
    assert run.state()["reason"] is None
    assert_same_weights(run, undisturbed)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to …"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("MPS backend out of memory (MPS allocated: 17.96 GB, …)"),
    ],
)
def test_too_little_memory_is_said_plainly(tiny_run, tiny_data, monkeypatch, error):
    def no_memory(*_):
        raise error

    monkeypatch.setattr("llmviz.runs.session.new_trainer", no_memory)
    run = tiny_run()
    assert run_inline(run, data_root=tiny_data).status == "failed"
    assert "more memory" in run.state()["reason"]


def test_a_bug_of_ours_is_not_hidden(tiny_run, tiny_data, monkeypatch):
    monkeypatch.setattr(slices_module.Session, "train_step", lambda self: [][1])
    with pytest.raises(IndexError):
        run_inline(tiny_run(), data_root=tiny_data)


def test_ctrl_c_leaves_a_run_paused(tiny_run, tiny_data):
    run, undisturbed = tiny_run(), tiny_run()
    run_inline(undisturbed, data_root=tiny_data)

    def interrupt(record):
        if record.get("step") == 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_inline(run, interrupt, data_root=tiny_data)
    assert run.state()["status"] == "paused"
    run_inline(run, data_root=tiny_data)
    assert_same_weights(run, undisturbed)
