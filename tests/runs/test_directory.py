import json
import subprocess
import sys

import pytest

from llmviz.runs.directory import RunBusy, RunDirectory, RunError, create_run_at
from llmviz.runs.names import random_name
from llmviz.settings import RunSettings, TrainingSettings


def test_a_new_run_has_its_files_and_an_id_nobody_guesses(tiny_run, tiny):
    run, other = tiny_run(), tiny_run()
    assert len(bytes.fromhex(run.id)) == 16
    assert run.id != other.id
    described = run.run()
    assert described["format"] == 1
    assert described["parent"] is None
    assert described["stage"] == "pretrained"
    assert set(described["settings"]) == {"data", "model", "training", "sampling"}
    assert len(described["data"]["sha256"]) == 64
    assert described["data"]["sha256"] == other.run()["data"]["sha256"]
    assert run.settings() == tiny()
    assert run.meta() == {"name": "Amber Otter", "owner": "o", "pins": [], "wanted": "run"}
    assert run.state()["status"] == "waiting"


def test_settings_past_the_bounds_of_the_form_come_back_as_they_were(tmp_path, tiny):
    settings = tiny()
    wild = settings.training.model_copy(update={"learning_rate": 1e9})
    run = create_run_at(tmp_path / "r", settings.model_copy(update={"training": wild}), name="x")
    assert isinstance(run.settings(), RunSettings)
    assert isinstance(run.settings().training, TrainingSettings)
    assert run.settings().training.learning_rate == 1e9


def test_a_run_is_not_created_over_another(tmp_path, tiny):
    create_run_at(tmp_path / "r", tiny(), name="x")
    with pytest.raises(RunError, match="already holds a run"):
        create_run_at(tmp_path / "r", tiny(), name="x")


def test_what_is_no_run_says_so(tmp_path):
    with pytest.raises(RunError, match="no run in"):
        RunDirectory(tmp_path).run()
    (tmp_path / "run.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(RunError, match="another version"):
        RunDirectory(tmp_path).run()


def test_small_files_are_replaced_whole(tiny_run):
    run = tiny_run()
    run.write_state(step=3)
    run.write_meta(name="Ruby Yak")
    assert run.state()["step"] == 3
    assert run.state()["status"] == "waiting"
    assert run.meta()["name"] == "Ruby Yak"
    assert not list(run.path.glob(".*"))


def test_steps_are_listed_in_order_and_strangers_ignored(tiny_run):
    run = tiny_run()
    for name in ("step-000010", "step-000002", "step-1234567", "step-x", "other"):
        (run.snapshot_folder / f"{name}.safetensors").touch()
    (run.snapshot_folder / ".step-000011.safetensors.7.tmp").touch()
    assert run.snapshots() == [2, 10, 1234567]
    assert run.snapshot(1234567).exists()


def test_one_trainer_at_a_time_and_a_killed_one_lets_go(tiny_run):
    run = tiny_run()
    with run.locked():
        assert run.is_locked()
        with pytest.raises(RunBusy), run.locked():
            pass
    assert not run.is_locked()
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom llmviz.runs.directory import RunDirectory\n"
        "with RunDirectory(Path(sys.argv[1])).locked():\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(run.path)], check=False).returncode == -9
    assert not run.is_locked()


def test_names_are_two_words():
    assert all(len(random_name().split()) == 2 for _ in range(50))


def test_the_server_can_use_all_this_without_torch():
    code = (
        "import sys, llmviz.runs as r\n"
        "r.RunDirectory, r.create_run, r.read_records, r.metrics_frame, r.retry_run, r.fold\n"
        "import llmviz.runs.weights, llmviz.runs.changes, llmviz.runs.names\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
