"""Every reading provoked by a real training that deserves it; and healthy ones raise no alarm."""

import math

import pytest
import torch

import llmviz.runs.resume as resume
from llmviz.model import build_gpt
from llmviz.probes.readings import gain_from_context, is_diagnosis, noise_scale, readings_of, step_of
from llmviz.runs.directory import create_run
from llmviz.runs.inline import run_inline
from llmviz.runs.records import read_records
from llmviz.settings import PRESETS, parse_settings
from llmviz.training import learning_rate_at

CLASSIC = {
    "corpus": "dinosaurs",
    "corpus_chars": 20_000,
    "tokenizer": "chars",
    "architecture": "gpt2",
    "n_layer": 3,
    "n_head": 2,
    "n_embd": 32,
    "block_size": 16,
    "batch_size": 16,
    "max_steps": 60,
    "warmup_steps": 10,
    "learning_rate": 3e-3,
    "eval_interval": 1000,
    "diagnose_every": 10,
    "eval_windows": 1,
    "max_new_tokens": 1,
    "threads": 1,
}


@pytest.fixture
def train(tmp_path_factory, tmp_path, monkeypatch):
    """Trains a small model, its first weights changed by `spoil`; returns its settings and diagnostics."""

    def trained(spoil=None, base=CLASSIC, **more):
        def built(*args, **named):
            model = build_gpt(*args, **named)
            if spoil:
                with torch.no_grad():
                    spoil(model)
            return model

        monkeypatch.setattr(resume, "build_gpt", built)
        settings = parse_settings(base | more)
        run = create_run(tmp_path / "runs", settings, name="Amber Otter", owner_hash="o")
        run_inline(run, data_root=tmp_path_factory.getbasetemp() / "readings-data")
        found = [record for _, record in read_records(run.metrics) if "diagnostics" in record]
        assert all(is_diagnosis(record) for record in found)
        return found, settings

    return trained


def at_every_step(found, settings):
    """The readings as they stood at each diagnosis: [{code: text}]."""
    return [
        {reading.code: reading.text for reading in readings_of(found[: n + 1], settings, 27)}
        for n in range(len(found))
    ]


def alarms(found, settings):
    return {
        reading.code
        for n in range(len(found))
        for reading in readings_of(found[: n + 1], settings, 27)
        if reading.level == "alarm"
    }


def times(factor, pick=lambda name: True):
    """Multiplies the matrices whose name is picked."""

    def spoil(model):
        for name, weight in model.named_parameters():
            if weight.dim() > 1 and pick(name):
                weight.mul_(factor)

    return spoil


@pytest.mark.parametrize("architecture", ["gpt2", "modern"])
def test_a_healthy_training_raises_no_alarm(train, architecture):
    found, settings = train(architecture=architecture)
    assert alarms(found, settings) == set()
    said = at_every_step(found, settings)[-1]["fine"]
    assert said.startswith("Training looks healthy: the layers' gradients are within")
    assert "a step moves weights by" in said


@pytest.mark.slow
def test_a_healthy_preset_raises_no_alarm(train):
    found, settings = train(base=PRESETS["spark"].settings.flat(), max_steps=300, threads=1)
    assert [record["diagnostics"] for record in found] == [0, 10, 25, 50, 100, 150, 200, 250]
    assert alarms(found, settings) == set()
    assert set(at_every_step(found, settings)[-1]) == {"fine"}


def test_an_initialisation_a_hundred_times_too_large(train):
    found, settings = train(times(100))
    first = at_every_step(found, settings)[0]
    assert "where a blind guess has 3.3" in first["start"]
    assert "The weights start too large." in first["start"]
    assert "All heads of layer" in first["staring"]
    assert "no longer its size" in first["clipped"]
    assert "hardly" not in first
    assert "fine" not in first
    unknown = {reading.code for reading in readings_of(found[:1], settings, 0)}
    assert "start" not in unknown  # what a blind guess has is not known then


def test_layers_that_start_a_hundred_times_too_large_drown_the_text(train):
    found, settings = train(times(100, lambda name: "blocks" in name))
    said = at_every_step(found, settings)[0]["swollen"]
    layers = found[0]["activation"]
    assert said.startswith(f"Behind layer {max((1, 2, 3), key=lambda layer: layers[layer])} activations are")


def test_uneven_gradients_are_named_by_their_layers(train):
    found, settings = train(times(1000, lambda name: "blocks.0.mlp.c_fc" in name))
    sizes = found[0]["gradient"][1:]
    high, low = sizes.index(max(sizes)) + 1, sizes.index(min(sizes)) + 1  # layers are counted from 1
    said = at_every_step(found, settings)[0]["uneven"]
    assert said.startswith(f"Layer {high}'s gradients are ")
    assert f" times layer {low}'s: the learning rate is high or the initialisation is off." in said
    ratio = float(said.split("are ")[1].split(" times")[0].replace(",", ""))
    assert ratio == pytest.approx(max(sizes) / min(sizes), rel=0.05)


def test_a_learning_rate_far_too_high(train):
    found, settings = train(learning_rate=0.3)
    codes = alarms(found, settings)
    assert {"far", "rush", "swollen"} <= codes
    assert "of their size; about 1 % is healthy" in at_every_step(found, settings)[0]["far"]


def test_no_warmup(train):
    found, settings = train(learning_rate=0.02, warmup_steps=0)
    assert "There is no warmup" in at_every_step(found, settings)[1]["rush"]
    assert "rush" not in alarms(*train(learning_rate=0.02, warmup_steps=20))


def level_of(code, found, settings):
    return next(r.level for r in readings_of(found, settings, 27) if r.code == code)


def test_what_went_wrong_at_the_start_is_a_note_once_the_model_learns(train):
    found, settings = train(learning_rate=0.02, warmup_steps=0)
    assert level_of("rush", found[:2], settings) == "alarm"
    learned = [*found[:-1], found[-1] | {"batch_loss": 2.5}]  # a blind guess has 3.3
    assert level_of("rush", learned, settings) == "note"
    assert level_of("start", [found[0] | {"batch_loss": 9.0}, learned[-1]], settings) == "note"
    assert level_of("start", [found[0] | {"batch_loss": 9.0}, found[0] | {"batch_loss": 3.2}], settings) == (
        "alarm"
    )


def test_steps_that_do_harm(train):
    found, settings = train(base=CLASSIC | {"architecture": "modern"}, learning_rate=1.0)
    assert any("above where it began" in said.get("lost", "") for said in at_every_step(found, settings))


def test_a_learning_rate_far_too_low(train):
    found, settings = train(learning_rate=1e-6)
    said = at_every_step(found, settings)
    assert "The learning rate is too low" in said[2]["near"]
    assert "near" not in said[-1]  # the schedule is on its way down: that is not the reader's rate any more


def test_the_end_of_a_time_limit_is_no_low_learning_rate(train):
    """Where time leads the schedule, few of the steps that are allowed may be made when it ends."""
    found, settings = train(learning_rate=1e-6)
    heights = [learning_rate_at(step_of(record), settings.training) / 1e-6 for record in found]
    assert [record["height"] for record in found] == pytest.approx(heights, rel=1e-3)
    assert "near" in at_every_step(found, settings)[2]
    ending = [record | {"height": 0.1} for record in found]
    assert not any("near" in said for said in at_every_step(ending, settings))


def test_of_an_older_version_steps_alone_tell_where_the_schedule_was(train):
    found, settings = train(learning_rate=1e-6)
    old = [{name: value for name, value in record.items() if name != "height"} for record in found]
    assert all(is_diagnosis(record) for record in old)
    near = ["near" in said for said in at_every_step(old, settings)]
    assert near == [False, True, True, False, False, False]


def kill_units(model):
    model.blocks[1].mlp.c_fc.bias.sub_(100)


def test_units_killed_by_a_bias(train):
    found, settings = train(kill_units)
    assert "100 % of the units in layer 2 were silent" in at_every_step(found, settings)[-1]["dead"]
    assert alarms(found, settings) == {"dead"}


def test_attention_that_stares(train):
    def spoil(model):
        model.blocks[2].attn.c_attn.weight[:64].mul_(100)  # queries and keys

    found, settings = train(spoil)
    assert (
        "All heads of layer 3 look at one single token each" in at_every_step(found, settings)[0]["staring"]
    )


def test_the_layer_that_stares_is_named_also_where_others_are_unknown():
    settings = parse_settings(CLASSIC)
    record = {"diagnostics": 0, "entropy": [[None, None], [0.5, 0.5], [0.01, 0.01]], "batch_loss": 3.3}
    record |= {"activation": [1.0], "gradient": [1.0], "update": [None], "dead": [], "positions": []}
    record |= dict.fromkeys(("gradient_norm", "signal", "noise"))
    assert "All heads of layer 3" in {r.code: r.text for r in readings_of([record], settings, 27)}["staring"]


def test_a_layer_that_is_cut_off(train):
    """Without biases a layer of zeros says nothing and hears nothing, for ever."""

    def spoil(model):
        for weight in model.blocks[1].parameters():
            weight.zero_()

    found, settings = train(spoil, architecture="modern", weight_decay=0.0)
    assert found[-1]["gradient"][2] == 0
    assert "Layer 2's gradients are exactly zero while" in at_every_step(found, settings)[-1]["cut off"]
    assert "fine" not in at_every_step(found, settings)[-1]


def test_post_norm_is_named_as_what_makes_gradients_uneven(train):
    found, settings = train(norm_place="post")
    record = found[-1] | {"gradient": [1.0, 0.001, 0.1, 1.0]}
    said = {r.code: r.text for r in readings_of([record], settings, 27)}["uneven"]
    assert "Layer 3's gradients are 1,000 times layer 1's: norms after the addition (post-norm)" in said


def test_gradients_that_are_exactly_zero(train):
    """A last norm without gain or bias says the same of every text, and all before it is cut off."""

    def spoil(model):
        for parameter in model.parameters():
            parameter.zero_()
        model.requires_grad_(False)
        model.wpe.requires_grad_(True)

    found, settings = train(spoil, weight_decay=0.0)
    assert found[-1]["gradient_norm"] == 0
    assert "nothing is learned any more" in at_every_step(found, settings)[-1]["still"]


def test_a_model_that_learns_nothing_from_what_stands_further_back(train):
    found, settings = train(learning_rate=1e-5, max_steps=210)
    assert "context" not in at_every_step(found, settings)[-2]  # at step 190 it is too early to say
    assert "makes no use of what stands further back" in at_every_step(found, settings)[-1]["context"]


def test_a_bigram_is_not_told_to_look_further_back(train):
    found, settings = train(architecture="bigram", learning_rate=0.02, max_steps=210)
    assert set(at_every_step(found, settings)[-1]) <= {"fine", "chance"}


def test_a_batch_that_is_mostly_chance(train):
    found, settings = train(batch_size=2, max_steps=300, learning_rate=6e-3, architecture="modern")
    said = at_every_step(found, settings)
    assert any(
        "The gradient of a batch of 2 windows is mostly chance" in each.get("chance", "") for each in said
    )
    assert alarms(found, settings) == set()  # a note is no alarm


def test_signal_and_noise_are_averaged_before_they_are_divided():
    assert noise_scale([{"signal": 1.0, "noise": 10.0}, {"signal": -0.5, "noise": 20.0}]) == 60.0
    assert noise_scale([{"signal": -1.0, "noise": 10.0}]) == math.inf
    assert noise_scale([{"signal": None, "noise": None}]) is None


def test_what_the_context_saves():
    assert gain_from_context([{"positions": [3.0, 2.0, 1.5]}, {"positions": [3.0, 3.0, 2.0]}]) == 1.0
    assert gain_from_context([{"positions": [3.0, 2.0]}]) is None


def test_without_diagnostics_nothing_is_said():
    assert readings_of([], parse_settings(CLASSIC), 27) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"activation": [1.0]},
        {"update": "far"},
        {"batch_loss": math.nan},
        {"batch_loss": 10**400},
        {"dead": [True, False, False]},
        {"entropy": [[0.5]]},
        {"classes": {"<script>": 1.0}},
        {"positions": [[1.0]]},
        {"more": 1},
        {"gradient": None},
    ],
)
def test_what_is_no_diagnosis_is_told(train, wrong):
    found, _ = train(max_steps=1, warmup_steps=0)
    assert is_diagnosis(found[0])
    assert not is_diagnosis(found[0] | wrong)
