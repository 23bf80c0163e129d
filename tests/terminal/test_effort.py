"""Before a training the terminal says what it will take, and after it how close it came to the limit."""

import json

import pytest

from llmviz.model import build_gpt
from llmviz.runs import RunDirectory
from llmviz.terminal import effort
from llmviz.terminal.effort import operations
from llmviz.training.costs import step_flops


def test_a_new_run_begins_with_what_it_will_take(command, tiny, tmp_path):
    result = command("train", *tiny, "--max-steps", 12, "--out", tmp_path / "run", "--json")
    first = json.loads(result.out.splitlines()[0])
    run = RunDirectory(tmp_path / "run")
    vocab_size = json.loads(result.out.splitlines()[-1])["vocab_size"]
    built = build_gpt(run.settings().model, vocab_size, seed=1)
    assert first["kind"] == "estimate"
    assert first["parameters"] == sum(weight.numel() for weight in built.parameters())
    assert first["flops"] == 12 * step_flops(run.settings(), vocab_size)
    assert first["memory_mb"] > 0 and first["seconds"] > 0


def test_people_get_it_as_a_line(command, tiny, tmp_path):
    first = command("train", *tiny, "--max-steps", 2, "--out", tmp_path / "run").out.splitlines()[0]
    for part in (" parameters, about ", " of memory, ", " operations in all, very roughly "):
        assert part in first


def test_who_carries_on_has_read_it(command, tiny, tmp_path):
    command("train", *tiny, "--max-steps", 2, "--out", tmp_path / "run")
    RunDirectory(tmp_path / "run").write_json("state.json", {"status": "paused", "step": 1})
    result = command("train", "--out", tmp_path / "run", "--json")
    assert result.status == 0
    assert '"estimate"' not in result.out


def test_after_a_run_its_speed_is_held_against_a_measured_limit(command, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(effort, "WORTH_MEASURING", 0.0)
    result = command("train", *tiny, "--max-steps", 12, "--out", tmp_path / "run", "--json")
    summary = json.loads(result.out.splitlines()[-1])
    speed, settings = summary["roofline"], RunDirectory(tmp_path / "run").settings()
    made = step_flops(settings, summary["vocab_size"]) * 12
    assert speed["reached"] == pytest.approx(made / summary["seconds"])
    assert speed["roof"] > 1e9  # any processor multiplies faster than that
    assert speed["share"] == speed["reached"] / speed["roof"]
    again = command("train", *tiny, "--max-steps", 12, "--out", tmp_path / "again")
    assert "that large matrix products reach here with 1 thread" in again.out


def test_a_short_run_is_not_kept_waiting(command, tiny, tmp_path):
    result = command("train", *tiny, "--max-steps", 2, "--out", tmp_path / "run", "--json")
    assert json.loads(result.out.splitlines()[-1])["roofline"] is None


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (7, "7.0 operations"),
        (1500, "1.5 k operations"),
        (2.34e13, "23 T operations"),
        (1e18, "1.0 E operations"),
    ],
)
def test_operations_in_few_digits(number, said):
    assert operations(number) == said
