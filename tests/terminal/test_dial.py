"""`train --depth`: what is derived is trained, said with its reasons, and overridden by other flags."""

import json

import pytest

from llmviz.runs import RunDirectory
from llmviz.settings.derive import derived_from_depth
from llmviz.terminal.main import build_parser
from llmviz.terminal.plan import plan_training

SHORT = (
    "--data",
    "dinosaurs",
    "--corpus-chars",
    3000,
    "--max-steps",
    4,
    "--max-new-tokens",
    5,
    "--threads",
    1,
)


def planned(*arguments) -> dict:
    words = ["train", "--out", "x", *(str(argument) for argument in arguments)]
    return plan_training(build_parser().parse_args(words)).settings.flat()


def test_it_is_trained_and_told_with_every_reason(command, tmp_path):
    result = command("train", "--depth", 2, "--n-embd", 32, *SHORT, "--out", tmp_path / "run")
    assert result.status == 0
    model = RunDirectory(tmp_path / "run").settings().model
    assert (model.n_layer, model.n_embd, model.n_head) == (2, 32, 1)
    assert "--n-layer: 2 layers" in result.err
    assert "--n-head: 1 head: 32 numbers" in result.err
    assert "--n-embd: " not in result.err  # that was the reader's


def test_programs_get_it_as_a_record(command, tmp_path):
    result = command("train", "--depth", 1, *SHORT, "--json", "--out", tmp_path / "run")
    assert (result.status, result.err) == (0, "")
    first = json.loads(result.out.splitlines()[0])
    assert first["kind"] == "derived"
    assert first["settings"]["n_embd"]["value"] == 32
    assert first["settings"]["n_embd"]["reason"].startswith("Width 32")
    assert "max_steps" not in first["settings"]


def test_it_stands_above_a_preset_and_below_the_flags():
    found = planned("--preset", "small", "--depth", 5, "--batch-size", 3)
    derived = {name: one.value for name, one in derived_from_depth(5).items()}
    assert {name: found[name] for name in derived} == derived | {"batch_size": 3}
    assert found["architecture"] == "modern"  # the preset's


def test_with_mup_the_rate_is_that_of_mup():
    mup = ("--init", "mup", "--tied", "off")
    assert planned("--depth", 2, *mup)["learning_rate"] == planned("--depth", 8, *mup)["learning_rate"]
    assert planned("--depth", 2)["learning_rate"] != planned("--depth", 8)["learning_rate"]


def test_a_budget_of_seconds_decides_the_steps():
    assert planned("--depth", 3, "--max-seconds", 20)["max_steps"] > 100_000


def test_carrying_on_needs_the_same_depth(command, tmp_path):
    run = ("train", "--depth", 1, *SHORT, "--out", tmp_path / "run")
    assert command(*run).status == 0
    RunDirectory(tmp_path / "run").write_json("state.json", {"status": "paused", "step": 1})
    result = command(*(2 if word == 1 else word for word in run))
    assert result.status == 2
    assert "n_layer is 1, not 2" in result.err


def test_help_says_what_it_derives(capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args(["train", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "so many layers, and width, heads, batch, learning rate, steps and warmup derived from it" in shown
