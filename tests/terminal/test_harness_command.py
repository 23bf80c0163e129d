"""`python -m llmviz harness` on a run directory."""

import json

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
    assert "tiny_names" in command(*asked).out


@pytest.mark.slow
def test_unknown_tasks_are_refused_in_a_sentence(command, tiny_run):
    pytest.importorskip("lm_eval", reason="lm-eval is not installed: see requirements-dev.txt")
    result = command("harness", tiny_run, "--tasks", "no_such_task,nor_this_one")
    assert result.status == 2
    assert result.err.splitlines() == [
        "The harness has no task called “no_such_task”.",
        "The harness has no task called “nor_this_one”.",
    ]


def test_without_the_harness_a_sentence_says_how_to_install_it(command, tiny_run, monkeypatch):
    monkeypatch.setattr("llmviz.terminal.harness.find_spec", lambda name: None)
    result = command("harness", tiny_run, "--tasks", "arc_easy")
    assert result.status == 2
    assert "requirements-dev.txt" in result.err
