"""The library opens what is a run, and is not stopped by what no longer is."""

import json

import pytest

from llmviz.runs.directory import create_run
from llmviz.runs.library import Library
from llmviz.settings import parse_settings


@pytest.mark.parametrize(
    "damage", [{"n_head": 0}, {"architecture": "of tomorrow"}, {"n_embd": None}, {"positions": "rope"}]
)
def test_a_run_whose_settings_make_no_model_is_passed_over(tmp_path, damage):
    runs = tmp_path / "runs"
    settings = parse_settings({"corpus": "dinosaurs"})
    whole, damaged = (create_run(runs, settings, name="Amber Otter", owner_hash="o") for _ in range(2))
    content = json.loads((damaged.path / "run.json").read_text())
    content["settings"]["model"] |= damage
    (damaged.path / "run.json").write_text(json.dumps(content))
    library = Library(runs, None, tmp_path / "data")
    assert whole.id in library
    assert library.get(whole.id).summary(None)["written_out"] == "gpt2"
    assert (damaged.id in library) == ("positions" in damage)
    if damaged.id in library:
        assert library.get(damaged.id).summary(None)["written_out"] == "variant"
