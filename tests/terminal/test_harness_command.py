"""`python -m llmviz harness` on a run directory."""

import json
import math
import os
import socket
import subprocess
import sys

import pytest

ANSWERS = [{"question": "tri", "choices": ["ceratops", "zzzzzzzz"], "answer": 0}] * 3
TASK = """
task: tiny_names
dataset_path: json
dataset_kwargs: {{data_files: {{test: "{path}"}}}}
output_type: multiple_choice
test_split: test
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{answer}}}}"
target_delimiter: ""
metric_list: [{{metric: acc}}]
"""


@pytest.mark.slow
def test_a_run_directory_is_measured(command, tiny_run, tmp_path, monkeypatch):
    pytest.importorskip("lm_eval", reason="lm-eval is not installed: see requirements-dev.txt")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    questions = tmp_path / "questions.jsonl"
    questions.write_text("\n".join(map(json.dumps, ANSWERS)))
    (tmp_path / "tiny_names.yaml").write_text(TASK.format(path=questions))
    asked = ("harness", tiny_run, "--tasks", "tiny_names", "--task-folder", tmp_path, "--limit", 2)
    result = command(*asked, "--json")
    assert result.status == 0, result.err
    found = json.loads(result.out)
    assert found["step"] == 24
    assert found["tasks"]["tiny_names"]["acc"] == 1.0  # no dinosaur is called trizzzzzzzz
    several = [*asked[:3], "tiny_na*, ", *asked[4:]]  # as if there were more of them
    assert "tiny_names" in command(*several).out


@pytest.mark.slow
def test_unknown_tasks_are_refused_in_a_sentence(command, tiny_run):
    pytest.importorskip("lm_eval", reason="lm-eval is not installed: see requirements-dev.txt")
    result = command("harness", tiny_run, "--tasks", "no_such_task,nor_this_one")
    assert result.status == 2
    assert result.err.splitlines() == [
        "The harness has no task called “no_such_task”.",
        "The harness has no task called “nor_this_one”.",
    ]
    assert "There is no task in --tasks" in command("harness", tiny_run, "--tasks", " ,").err


@pytest.mark.slow
def test_offline_one_sentence_says_so_and_nothing_is_tried_again(tiny_run, tmp_path):
    pytest.importorskip("lm_eval", reason="lm-eval is not installed: see requirements-dev.txt")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and nobody listens
        hub = f"http://127.0.0.1:{closed.getsockname()[1]}"
        environ = os.environ | {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path)}
        environ.pop("HF_HUB_OFFLINE", None)
        asked = [
            sys.executable,
            "-m",
            "llmviz",
            "harness",
            str(tiny_run),
            "--tasks",
            "arc_easy",
            "--limit",
            "2",
        ]
        ended = subprocess.run(asked, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    (sentence,) = ended.stderr.splitlines()
    assert sentence.startswith("The Hub cannot be reached")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConnectionError("Couldn't reach 'x' on the Hub"), "The Hub cannot be reached"),
        (ConnectionRefusedError(111, "Connection refused"), "The Hub cannot be reached"),
        (
            FileNotFoundError("Dataset 'x' doesn't exist.\nMore of it."),
            "cannot be used: Dataset 'x' doesn't exist.",
        ),
        (OSError(28, "No space left on device", "/cache"), "/cache cannot be used: No space left on device."),
    ],
)
def test_what_keeps_the_questions_from_coming_is_told(command, tiny_run, monkeypatch, error, told):
    def ask(*_):
        assert os.environ.get("HF_HUB_OFFLINE") == "1"  # or the library would try again and again
        raise error

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("llmviz.terminal.harness.find_spec", lambda name: True)
    monkeypatch.setattr("llmviz.terminal.harness.hub_answers", lambda: False)
    monkeypatch.setattr("llmviz.terminal.harness._ask", ask)
    result = command("harness", tiny_run, "--tasks", "arc_easy")
    assert result.status == 2
    assert told in result.err
    assert len(result.err.splitlines()) == 1
    assert "HF_HUB_OFFLINE" not in os.environ


@pytest.mark.parametrize("flag", [["--limit", 0], ["--limit", -1], ["--examples", -1]], ids=str)
def test_numbers_that_make_no_sense_are_refused_in_a_sentence(command, tiny_run, flag):
    result = command("harness", tiny_run, "--tasks", "arc_easy", f"{flag[0]}={flag[1]}")
    assert result.status == 2
    assert result.err.startswith(flag[0]) and len(result.err.splitlines()) == 1


def test_measures_that_are_no_numbers_are_null_in_json(command, tiny_run, monkeypatch):
    monkeypatch.setattr("llmviz.terminal.harness.find_spec", lambda name: True)
    found = {"tiny": {"word_perplexity": math.inf, "f1": math.nan, "acc": 0.5}}
    monkeypatch.setattr("llmviz.terminal.harness._ask", lambda *_: found)
    result = command("harness", tiny_run, "--tasks", "tiny", "--json")
    assert (result.status, result.err) == (0, "")
    assert json.loads(result.out)["tasks"]["tiny"] == {"word_perplexity": None, "f1": None, "acc": 0.5}
    assert "inf" in command("harness", tiny_run, "--tasks", "tiny").out


def test_without_the_harness_a_sentence_says_how_to_install_it(command, tiny_run, monkeypatch):
    monkeypatch.setattr("llmviz.terminal.harness.find_spec", lambda name: None)
    result = command("harness", tiny_run, "--tasks", "arc_easy")
    assert result.status == 2
    assert "requirements-dev.txt" in result.err
