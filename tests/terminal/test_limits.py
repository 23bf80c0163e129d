"""The terminal has the machine to itself, but goes by what the environment says."""

import pytest


@pytest.mark.parametrize(
    ("variable", "flags", "part"),
    [
        ("LLMVIZ_MAX_STEPS", ["--max-steps", 500], "at most 300 can be trained"),
        ("LLMVIZ_MAX_PARAMETERS", [], "at most 300 can be trained"),
        ("LLMVIZ_MAX_CONTEXT", ["--block-size", 301], "at most 300 fit"),
        ("LLMVIZ_MAX_TEXT", ["--data", "{}/text"], "at most 300 can be used"),
    ],
)
def test_a_limit_is_told(command, tmp_path, monkeypatch, variable, flags, part):
    (tmp_path / "text").write_text("some text to learn from\n" * 20)
    monkeypatch.setenv(variable, "300")
    result = command("train", *(str(flag).format(tmp_path) for flag in flags), "--out", tmp_path / "run")
    assert (result.status, result.out) == (2, "")
    assert part in result.err
    assert not (tmp_path / "run").exists()


def test_a_limit_that_makes_no_sense_is_told(command, tmp_path, monkeypatch):
    monkeypatch.setenv("LLMVIZ_MAX_MEMORY", "plenty")
    result = command("train", "--out", tmp_path / "run")
    assert result.status == 2
    assert "LLMVIZ_MAX_MEMORY is “plenty”" in result.err


def test_a_limit_of_steps_also_bounds_a_training_by_time(command, tmp_path, monkeypatch, tiny):
    monkeypatch.setenv("LLMVIZ_MAX_STEPS", "7")
    result = command("train", *tiny, "--max-seconds", 60, "--out", tmp_path / "run", "--json")
    assert result.status == 0
    assert '"step": 7' in result.out.splitlines()[-1]
