"""The model that ships: it is what its recipe says, and what is stored with it is what it computes."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from llmviz.runs import RunDirectory, metrics_frame, read_records
from llmviz.runs.opened import OpenedModels
from llmviz.runs.ship import MOST_BYTES, RECIPES, film, opening, right_share
from llmviz.settings import parse_settings

STORY_GPT = RunDirectory(Path(__file__).parents[2] / "assets" / "models" / "story-gpt")
RECIPE = RECIPES["story-gpt"]


@pytest.fixture(scope="module")
def stored():
    return STORY_GPT.read_json("opening.json")


@pytest.fixture(scope="module")
def computed():
    return opening(STORY_GPT)


def test_it_was_made_by_the_recipe_of_this_version():
    assert STORY_GPT.settings() == RECIPE.settings
    assert parse_settings(STORY_GPT.read_json("recipe.json")["settings"]) == RECIPE.settings


def test_it_fits_and_has_a_past():
    files = [path for path in STORY_GPT.path.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
    assert len(STORY_GPT.snapshots()) >= 8
    assert {0, RECIPE.settings.training.max_steps} <= set(STORY_GPT.snapshots())


def test_its_curve_is_whole():
    frame = metrics_frame(STORY_GPT)
    assert set(range(200)) <= set(frame.step)
    assert frame.step.max() == RECIPE.settings.training.max_steps
    final = frame[frame.full == True].iloc[-1]  # noqa: E712 (a column that also holds None)
    assert final.val_loss == STORY_GPT.state()["val_loss"]
    assert frame.loss.dropna().iloc[0] == pytest.approx(math.log(53), abs=0.3)  # a blind guess at first


def test_its_text_can_still_be_written():
    from llmviz.text.datasets import recipe_sha256

    assert recipe_sha256(RECIPE.settings.data) == STORY_GPT.run()["data"]["sha256"]


def test_the_stored_sample_is_what_it_writes(stored, computed):
    assert stored["sample"] == computed["sample"]


@pytest.mark.slow
def test_the_stored_film_is_what_its_snapshots_write():
    assert [record for _, record in read_records(STORY_GPT.events)] == film(STORY_GPT)


def test_the_stored_attention_is_what_it_computes(stored, computed):
    from llmviz.probes import unpack_maps

    there, here = stored["attention"], computed["attention"]
    shape = there["n_layer"], there["n_head"], there["T"]
    assert there["T"] <= 64
    assert {k: v for k, v in there.items() if k != "maps"} == {k: v for k, v in here.items() if k != "maps"}
    # One level of 255, because another processor may round the last bit of a sum the other way.
    assert abs(unpack_maps(there["maps"], *shape) - unpack_maps(here["maps"], *shape)).max() < 0.01


@pytest.mark.slow
def test_an_evaluation_today_finds_its_loss(command):
    found = json.loads(command("evaluate", "story-gpt", "--json").out)
    assert found["loss"] == pytest.approx(STORY_GPT.state()["val_loss"], abs=1e-4)


@pytest.mark.slow
def test_it_writes_grammatical_sentences():
    fewer = replace(RECIPE, judged_by=80)  # the recipe's 200 take a minute
    assert right_share(OpenedModels().get(STORY_GPT.path), fewer) >= 0.95
