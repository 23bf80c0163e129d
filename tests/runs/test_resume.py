"""kill -9 at any moment: the run goes on from its last checkpoint and ends with the very same weights."""

import random
import signal
import subprocess
import sys
import time

import pytest
import torch

from llmviz.runs.inline import run_inline
from llmviz.runs.records import fold, read_records
from llmviz.runs.session import Session
from llmviz.runs.slices import Budget, train_slice
from llmviz.training.checkpoints import read_checkpoint

# A process that trains a run, with many more checkpoints than usual, and kills itself at a chosen moment.
CHILD = """
import os, signal, sys
from pathlib import Path
import torch
from llmviz.runs import session as session_module
from llmviz.runs.pacing import Pace
from llmviz.runs.records import RecordLog
from llmviz.runs.inline import run_inline
from llmviz.text import files
from llmviz.training import Trainer

folder, data, moment, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
original_init = session_module.Session.__init__
def init(self, *args):
    original_init(self, *args)
    self._checkpoint_pace = Pace(every=0.005, share=0.9)
session_module.Session.__init__ = init

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def dying(owner, name, half=None):
    original, calls = getattr(owner, name), iter(range(10**9))
    def call(*args, **kwargs):
        if next(calls) == count:
            if half:
                half(*args)
            die()
        return original(*args, **kwargs)
    setattr(owner, name, call)

def half_a_line(log, record):
    log._file.write(b'{"step":12,"los')

if moment == "step":
    dying(Trainer, "step")
elif moment == "fsync":  # a file is written, but has not got its name yet
    dying(files.os, "fsync")
elif moment == "rename":
    dying(files.os, "replace")
elif moment == "line":
    dying(RecordLog, "append", half_a_line)
print("training", flush=True)
run_inline(Path(folder), data_root=Path(data))
"""


def child(run, data, moment="never", count=0) -> subprocess.Popen:
    command = [sys.executable, "-c", CHILD, str(run.path), str(data), moment, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def lines(path):
    return [record for _, record in read_records(path)]


def notices(run, code):
    return [record for record in lines(run.events) if record.get("code") == code]


def assert_same_ending(run, undisturbed):
    """The same weights and optimizer, bit for bit, and a curve with every step once, of the same losses."""
    assert run.state()["status"] == undisturbed.state()["status"] == "finished"
    steps = run.state()["step"]
    tensors, _ = read_checkpoint(run.checkpoint(steps))
    wanted, _ = read_checkpoint(undisturbed.checkpoint(steps))
    assert tensors.keys() == wanted.keys()
    assert all(torch.equal(tensors[name], wanted[name]) for name in wanted)
    records = [record for record in fold(lines(run.metrics)) if "loss" in record]
    covered = [step for record in records for step in range(record["first"], record["step"] + 1)]
    assert covered == list(range(steps))
    single = {
        r["step"]: r["loss"]
        for r in fold(lines(undisturbed.metrics))
        if "loss" in r and r["first"] == r["step"]
    }
    assert all(
        r["loss"] == single[r["step"]] for r in records if r["first"] == r["step"] and r["step"] in single
    )


@pytest.fixture
def undisturbed(tiny_run, tiny_data):
    run = tiny_run()
    run_inline(run, data_root=tiny_data)
    return run


@pytest.mark.parametrize(("moment", "count"), [("step", 23), ("fsync", 21), ("rename", 12), ("line", 25)])
def test_killed_and_resumed(tiny_run, tiny_data, undisturbed, moment, count):
    run = tiny_run()
    process = child(run, tiny_data, moment, count)
    assert process.wait(60) == -signal.SIGKILL
    assert run.state()["status"] == "running"
    assert not run.is_locked()
    run_inline(run, data_root=tiny_data)
    assert_same_ending(run, undisturbed)
    assert len(notices(run, "recovered")) == 1
    assert not list(run.path.rglob(".*.tmp"))


def test_killed_before_its_first_checkpoint(tiny_run, tiny_data, undisturbed):
    run = tiny_run()
    assert child(run, tiny_data, "fsync", 2).wait(60) == -signal.SIGKILL
    assert run.checkpoints() == []
    run_inline(run, data_root=tiny_data)
    assert_same_ending(run, undisturbed)
    (notice,) = notices(run, "recovered")
    assert "from step 0; nothing was lost" in notice["text"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_at_a_dozen_random_moments(tiny_run, tiny_data):
    settings = {"max_steps": 3_000, "eval_interval": 100}
    undisturbed, run = tiny_run(**settings), tiny_run(**settings)
    run_inline(undisturbed, data_root=tiny_data)
    dice = random.Random(20)
    kills = 0
    while kills < 12 and run.state()["status"] != "finished":
        moment = dice.choice(["never", "never", "fsync", "rename", "line"])
        process = child(run, tiny_data, moment, dice.randrange(5, 120))
        process.stdout.readline()
        if moment == "never":
            time.sleep(dice.uniform(0.02, 0.4))
            process.kill()
        kills += process.wait(60) == -signal.SIGKILL
    assert kills >= 8
    run_inline(run, data_root=tiny_data)
    assert_same_ending(run, undisturbed)


def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(tiny_run, tiny_data, undisturbed):
    run = tiny_run()
    with Session(run, tiny_data) as session:
        for _ in range(3):
            train_slice(session, Budget(steps=8))
            session.pause()
    assert run.checkpoints() == [16, 24]
    newest = run.checkpoint(24)
    newest.write_bytes(newest.read_bytes()[:-100])
    run_inline(run, data_root=tiny_data)
    assert_same_ending(run, undisturbed)
    damaged = notices(run, "damaged")
    assert len(damaged) == 1
    assert "step-000024.safetensors" in damaged[0]["text"]
    assert "before it" in damaged[0]["text"]
    assert {"rewind": 16} in lines(run.metrics)


def test_all_checkpoints_damaged_starts_over(tiny_run, tiny_data, undisturbed):
    run = tiny_run()
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=8))
    for step in run.checkpoints():
        run.checkpoint(step).write_bytes(b"nothing")
    run_inline(run, data_root=tiny_data)
    assert_same_ending(run, undisturbed)
    assert {"rewind": 0} in lines(run.metrics)


def test_live_changes_come_again_after_a_crash(tiny_run, tiny_data):
    def with_changes(run, crash):
        session = Session(run, tiny_data)
        train_slice(session, Budget(steps=10))
        session.checkpoint()
        train_slice(session, Budget(steps=5))
        session.change(learning_rate=1e-4, dropout=0.5)
        train_slice(session, Budget(steps=5))
        if crash:  # all that was in memory is gone; only the lock has to be let go by hand
            session._resources.close()
        else:
            session.close()
        run_inline(run, data_root=tiny_data)
        return run

    calm, crashed = with_changes(tiny_run(), crash=False), with_changes(tiny_run(), crash=True)
    assert {"rewind": 10} in lines(crashed.metrics)
    assert_same_ending(crashed, calm)
    assert len(notices(crashed, "changed")) == 2


def test_watching_sampling_and_evaluating_disturb_nothing(tiny_run, tiny_data, undisturbed):
    run = tiny_run()
    with Session(run, tiny_data) as session:
        session.watch(time.time() + 60)
        while session.status != "finished":
            train_slice(session, Budget(steps=3))
            session.observer.sample("now")
            session.observer.estimate()
            session.observer.publish_live()
            torch.rand(5)
    assert_same_ending(run, undisturbed)


def test_a_deadline_comes_again_after_a_crash(tiny_run, tiny_data):
    run = tiny_run(max_steps=1_000_000, warmup_steps=0, learning_rate=1e-3, final_lr_ratio=0.1)
    session = Session(run, tiny_data)
    train_slice(session, Budget(steps=5))
    session.checkpoint()
    train_slice(session, Budget(steps=5))
    session.change(deadline=time.time() + 1.5)
    train_slice(session, Budget(steps=5))
    session._resources.close()  # a crash: all that was in memory is gone
    run_inline(run, data_root=tiny_data)
    assert {"rewind": 5} in lines(run.metrics)
    assert run.state()["status"] == "finished"
    rates = [record["lr"] for record in fold(r for _, r in read_records(run.metrics)) if "lr" in record]
    assert len(rates) > 10 and rates[0] == pytest.approx(1e-3)
    assert rates[-1] == pytest.approx(1e-4)
