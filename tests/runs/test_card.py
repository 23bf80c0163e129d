"""A model card's numbers are those of the model it lies beside."""

import json

import pytest

from llmviz.runs.card import model_card
from llmviz.runs.directory import create_run
from llmviz.settings import parse_settings

RECORDS = [
    {"eval": 0, "val_loss": 3.3, "bits_per_byte": 4.0, "val_accuracy": None, "full": False},
    {"step": 9, "first": 0, "loss": 3.0},
    {"eval": 10, "val_loss": 2.5, "bits_per_byte": 3.0, "val_accuracy": 0.25, "full": False},
    {"eval": 20, "val_loss": 9.9, "bits_per_byte": 9.0, "val_accuracy": 0.9, "full": False},
    {"rewind": 15},
    {"eval": 20, "val_loss": 2.25, "bits_per_byte": 2.8, "val_accuracy": 0.3, "full": False},
    {"eval": 24, "val_loss": 2.125, "bits_per_byte": 2.7, "val_accuracy": 0.31, "full": False},
    {"eval": 24, "val_loss": 2.0, "bits_per_byte": 2.6, "val_accuracy": 0.32, "full": True},
]


@pytest.fixture
def run(tmp_path):
    made = create_run(tmp_path, parse_settings({"max_steps": 24, "warmup_steps": 2}), name="Amber Otter")
    made.metrics.write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    made.write_state(status="paused", step=22, val_loss=2.25, bits_per_byte=2.8, tokens_seen=1234)
    return made


@pytest.mark.parametrize(
    ("step", "loss", "kind"),
    [
        (4, "3.3000", "an estimate at step 0"),
        (10, "2.5000", "an estimate"),
        (22, "2.2500", "an estimate at step 20"),
        (24, "2.0000", "on the whole validation text"),
    ],
)
def test_a_loss_is_the_newest_and_says_of_which_step(run, step, loss, kind):
    card = model_card(run, step, 1000)
    assert f"- step {step} of 24\n" in card
    assert f"- validation loss: {loss} nats a token ({kind})\n" in card
    assert ("first guess right" in card) == (step > 4)
    assert ("tokens seen: 1,234" in card) == (step == 22)


def test_without_an_evaluation_no_loss_is_told(run):
    run.metrics.unlink()
    assert "validation loss" not in model_card(run, 22, 1000)
