"""`train`: what it writes, what it prints, and how it carries on."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise

import pytest

from llmviz.model import load_weights
from llmviz.runs import RunDirectory
from llmviz.settings import PRESETS


def weights(folder) -> dict[str, bytes]:
    """Every bit of the newest weights; the notes in the file may come in any order."""
    run = RunDirectory(folder)
    tensors = load_weights(run.snapshot(run.snapshots()[-1]))
    return {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}


def in_the_background(arguments) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "llmviz", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_step(folder, step: int) -> None:
    """Until the run has trained that far; its log says so."""
    ends = time.monotonic() + 120
    while time.monotonic() < ends:
        log = folder / "metrics.jsonl"
        if log.exists() and len(log.read_text().splitlines()) > step:
            return
        time.sleep(0.01)
    raise AssertionError(f"step {step} was never reached")


def test_a_run_directory_is_whole(tiny_run):
    run = RunDirectory(tiny_run)
    assert run.state()["status"] == "finished"
    assert run.state()["evaluated_full"]
    assert {0, 1, 2, 4, 8, 16, 24} <= set(run.snapshots())
    assert run.dataset().is_relative_to(tiny_run)
    assert (run.dataset() / "val.npy").exists()


def test_json_prints_records_evaluations_samples_and_a_summary(command, tiny, tmp_path):
    result = command("train", *tiny, "--max-steps", 12, "--seed", 5, "--out", tmp_path / "run", "--json")
    assert (result.status, result.err) == (0, "")
    records = [json.loads(line) for line in result.out.splitlines()]
    assert {record["kind"] for record in records} >= {"train", "evaluation", "sample", "summary"}
    assert [record["step"] for record in records if record["kind"] == "train"] == list(range(12))
    assert [r["step"] for r in records if r["kind"] == "evaluation"][-1] == 12
    summary = records[-1]
    assert (summary["kind"], summary["status"], summary["step"]) == ("summary", "finished", 12)
    assert summary["val_loss"] > summary["best_possible_loss"] > 0
    assert RunDirectory(tmp_path / "run").settings().training.seed == 5


def test_lines_for_people(command, tiny, tmp_path):
    result = command("train", *tiny, "--max-steps", 12, "--out", tmp_path / "run")
    assert "validation, an estimate" in result.out
    assert "on all of the validation text" in result.out
    assert "writes" in result.out
    assert f"python -m llmviz sample {tmp_path / 'run'}" in result.out


def test_a_terminal_sees_a_progress_bar(command, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("llmviz.terminal.progress.sys.stderr.isatty", lambda: True, raising=False)
    result = command("train", *tiny, "--max-steps", 12, "--out", tmp_path / "run")
    assert "12/12" in result.err
    assert "validation, an estimate" in result.out


def test_a_preset_can_be_changed_by_flags(command, tmp_path):
    from llmviz.terminal.main import build_parser
    from llmviz.terminal.plan import plan_training

    options = build_parser().parse_args(
        ["train", "--preset", "spark", "--n-layer", "1", "--data", "rhymes", "--out", str(tmp_path / "run")]
    )
    expected = PRESETS["spark"].settings.flat() | {"n_layer": 1, "corpus": "rhymes"}
    assert plan_training(options).settings.flat() == expected


def test_a_short_training_gets_a_short_warmup(command, tmp_path):
    from llmviz.terminal.main import build_parser
    from llmviz.terminal.plan import plan_training

    def training(*flags):
        return plan_training(build_parser().parse_args(["train", *flags, "--out", "x"])).settings.training

    assert training("--max-steps", "20").warmup_steps == 2
    assert training("--max-steps", "20", "--warmup-steps", "7").warmup_steps == 7
    assert training("--max-steps", "5000").warmup_steps == 50
    assert training("--max-seconds", "9").max_steps == 1_000_000
    assert training("--max-seconds", "9").warmup_steps == 20_000
    assert training("--max-seconds", "9", "--preset", "speedrun").warmup_steps == 0


def test_max_seconds_ends_the_training_and_its_schedule(command, tiny, tmp_path):
    result = command("train", *tiny, "--max-seconds", 1, "--out", tmp_path / "run", "--json")
    records = [json.loads(line) for line in result.out.splitlines()]
    assert records[-1]["status"] == "finished"
    assert 1 <= records[-1]["seconds"] < 2
    rates = [record["lr"] for record in records if record["kind"] == "train"]
    assert rates[-1] < 0.2 * max(rates)


def test_a_text_of_ones_own_keeps_its_last_tenth_for_validation(command, tiny, tmp_path):
    text = "the quick brown fox jumps over the lazy dog\n" * 50
    (tmp_path / "text.txt").write_text(text)
    flags = [flag for flag in tiny if flag not in ("--data", "dinosaurs")]
    out = tmp_path / "run"
    result = command("train", *flags, "--data", tmp_path / "text.txt", "--max-steps", 4, "--out", out)
    assert result.status == 0
    dataset = RunDirectory(out).dataset()
    meta = json.loads((dataset / "meta.json").read_text())
    assert (dataset / "text.txt").read_text() == text
    assert meta["n_val_tokens"] == len(text) // 10
    assert meta["n_train_tokens"] + meta["n_val_tokens"] == len(text)


def test_a_tokenizer_file_of_ones_own(command, tiny, tmp_path):
    (tmp_path / "text.txt").write_text("tritops rexodon " * 50)
    tokenizer = tmp_path / "tokenizer.json"
    command("train-tokenizer", tmp_path / "text.txt", "--vocab-size", 270, "--out", tokenizer)
    out = tmp_path / "run"
    assert command("train", *tiny, "--tokenizer", tokenizer, "--max-steps", 4, "--out", out).status == 0
    assert json.loads((out / "tokenizer.json").read_text()) == json.loads(tokenizer.read_text())


@pytest.mark.slow
def test_an_interrupted_run_is_saved_and_carries_on_to_the_same_weights(command, tiny, tmp_path):
    arguments = ["train", *tiny, "--max-steps", 400, "--out"]
    assert command(*arguments, tmp_path / "undisturbed").status == 0
    out = tmp_path / "interrupted"
    training = in_the_background([*arguments, out, "--json"])
    wait_for_step(out, 60)
    training.send_signal(signal.SIGINT)
    _, err = training.communicate(timeout=120)
    assert training.returncode == 130
    assert f"python -m llmviz train --out {out}" in err
    assert "Traceback" not in err
    assert 0 < RunDirectory(out).state()["step"] < 400
    assert command("train", "--out", out).status == 0
    assert weights(out) == weights(tmp_path / "undisturbed")


def test_a_killed_run_carries_on_to_the_same_weights(command, tiny, tmp_path):
    arguments = ["train", *tiny, "--max-steps", 400, "--out"]
    assert command(*arguments, tmp_path / "undisturbed").status == 0
    out = tmp_path / "killed"
    training = in_the_background([*arguments, out])
    wait_for_step(out, 60)
    training.kill()
    training.communicate(timeout=120)
    assert command(*arguments, out).status == 0  # the same settings, named again
    assert weights(out) == weights(tmp_path / "undisturbed")


def test_a_finished_run_says_so(command, tiny_run, tiny):
    for arguments in (["train"], ["train", *tiny, "--max-steps", 24]):
        result = command(*arguments, "--out", tiny_run)
        assert result.status == 2
        assert "has finished at step 24" in result.err


def test_a_different_run_says_what_differs(command, tiny, tmp_path):
    out = tmp_path / "run"
    training = in_the_background(["train", *tiny, "--max-steps", 100_000, "--out", out])
    wait_for_step(out, 3)
    busy = command("train", "--out", out)
    training.send_signal(signal.SIGINT)
    training.communicate(timeout=120)
    assert busy.status == 2
    assert "another process" in busy.err
    result = command("train", *tiny, "--max-steps", 50, "--out", out)
    assert result.status == 2
    assert "max_steps is 100000, not 50" in result.err


def test_a_run_that_falls_apart_says_why(command, tiny, tmp_path):
    out = tmp_path / "run"
    command("train", *tiny, "--max-steps", 4, "--out", out)
    described = json.loads((out / "run.json").read_text())
    # Past the bounds of the form, as only the library allows.
    described["settings"]["training"] |= {"learning_rate": 1e9, "max_steps": 500, "warmup_steps": 0}
    for name in ("state.json", "metrics.jsonl", "events.jsonl"):
        (out / name).unlink()
    for file in (out / "checkpoint").iterdir():
        file.unlink()
    (out / "run.json").write_text(json.dumps(described))
    (out / "state.json").write_text('{"status": "waiting", "step": 0, "max_steps": 500, "reason": null}')
    result = command("train", "--out", out)
    if result.status == 0:
        pytest.skip("this model bears any learning rate")
    assert result.status == 1
    assert "learning rate" in result.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(command, tiny, tmp_path):
    tmp_path.chmod(0o500)
    assert command("train", *tiny, "--max-steps", 4, "--out", tmp_path / "run").status == 2


def test_records_of_a_run_are_in_order(tiny_run):
    steps = [json.loads(line).get("step") for line in (tiny_run / "metrics.jsonl").read_text().splitlines()]
    steps = [step for step in steps if step is not None]
    assert all(a < b for a, b in pairwise(steps))
