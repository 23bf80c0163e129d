"""What was changed while a run trained is told wherever its settings are; what its owner typed is not."""

import json
import re

import pytest

from llmviz.runs.card import model_card
from llmviz.runs.changes import read_changes, record_change
from llmviz.runs.directory import create_run
from llmviz.runs.library import Library
from llmviz.settings import parse_settings


@pytest.fixture
def run(tmp_path):
    settings = parse_settings({"corpus": "dinosaurs", "learning_rate": 0.004})
    run = create_run(tmp_path / "runs", settings, name="Amber Otter")
    record_change(run, 300, learning_rate=0.001, prompt="my secret")
    return run


def test_the_summary_tells_changes_as_they_come(run, tmp_path):
    entry = Library(tmp_path / "runs", None, tmp_path / "data").get(run.id)
    assert entry.summary(None)["changes"] == [{"step": 300, "learning_rate": 0.001}]
    record_change(run, 400, dropout=0.2)
    assert entry.summary(None)["changes"][1:] == [{"step": 400, "dropout": 0.2}]
    assert "secret" not in json.dumps(entry.summary(None))


@pytest.mark.parametrize(
    ("step", "rate"), [(300, "0.004"), (301, "0.004, from step 300 on 0.001"), (600, None)]
)
def test_the_card_tells_those_before_its_step(run, step, rate):
    record_change(run, 400, learning_rate=0.002)
    rows = dict(re.findall(r"\| `(\w+)` \| (.*) \|", model_card(run, step, 1000)))
    assert rows["learning_rate"] == (rate or "0.004, from step 300 on 0.001, from step 400 on 0.002")
    assert rows["dropout"] == "0"


def test_lines_that_say_no_step_or_no_value_are_passed_over(run):
    """As there may be in a run that somebody has opened."""
    with run.changes.open("a") as file:
        file.write('{"eval": 3, "learning_rate": 0.5}\n{"step": 9, "dropout": null}\n')
    assert [change["step"] for change in read_changes(run)] == [300, 300]
