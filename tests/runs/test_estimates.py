"""Estimates: provisional until something is measured, then scaled between what was measured."""

import math
from dataclasses import replace

import pytest

from llmviz.runs.estimates import ROUNDS, Costs, Estimator, Measured, seconds_of, step_flops
from llmviz.settings import PRESETS, parse_settings


def costs(step):
    return Costs(
        start=0.1,
        step=step,
        token=0.001,
        window=step / 40,
        snapshot=0.003,
        checkpoint=0.01,
        diagnosis=1.5 * step,
    )


def measured(name, alone, busy):
    return Measured(PRESETS[name].settings, 60, one=costs(busy), all=costs(alone), busy=costs(busy))


@pytest.fixture
def estimator(tmp_path):
    return Estimator(cores=2, data_root=tmp_path, cache=tmp_path / "machine.json")


def test_provisional_until_measured(estimator):
    before = estimator.estimate(PRESETS["spark"].settings)
    assert before["provisional"] is True
    assert before["seconds"] > 0 and 50_000 < before["parameters"] < 200_000 and before["memory_mb"] > 40
    assert before["flops"] > 6 * before["parameters"]
    estimator.add("spark", measured("spark", 0.004, 0.006))
    assert estimator.estimate(PRESETS["spark"].settings)["provisional"] is False


def test_what_was_measured_on_a_busy_machine_is_provisional_and_not_kept(estimator):
    spark = PRESETS["spark"].settings
    estimator.add("spark", replace(measured("spark", 0.004, 0.006), quiet=False))
    assert estimator.estimate(spark)["provisional"] is True
    again = Estimator(2, estimator.data_root, estimator.cache)
    again.load({"spark": spark})
    assert not again.measured


def test_measurements_are_kept_for_the_same_code_and_machine(estimator):
    estimator.add("spark", measured("spark", 0.004, 0.006))
    presets = {name: preset.settings for name, preset in PRESETS.items()}
    again = Estimator(2, estimator.data_root, estimator.cache)
    again.load(presets)
    assert again.measured == estimator.measured
    other = Estimator(4, estimator.data_root, estimator.cache)
    other.load(presets)
    assert not other.measured, "another number of cores is another machine"
    estimator.cache.write_text("garbage")
    again = Estimator(2, estimator.data_root, estimator.cache)
    again.load(presets)
    assert not again.measured


def test_runs_that_are_nearly_done_leave_their_turns_to_the_rest(estimator):
    spark = PRESETS["spark"].settings
    estimator.add("spark", measured("spark", 0.006, 0.006))
    alone = estimator.estimate(spark, ahead=[0.0])["seconds"]
    seven = estimator.estimate(spark, ahead=[alone / 2] * 7)["seconds"]
    assert seven == pytest.approx((alone + 7 * alone / 2) / 2, rel=0.02)


def test_a_run_of_its_own_takes_its_steps_and_a_little_more(estimator):
    spark = PRESETS["spark"].settings
    estimator.add("spark", measured("spark", 0.004, 0.006))
    alone = estimator.estimate(spark)["seconds"]
    assert 600 * 0.004 < alone < 600 * 0.004 * 1.6


def test_with_others_training_it_takes_its_share(estimator):
    spark = PRESETS["spark"].settings
    estimator.add("spark", measured("spark", 0.004, 0.006))
    one_thread = estimator.estimate(spark, ahead=[math.inf])["seconds"]
    eight = estimator.estimate(spark, ahead=[math.inf] * 7)["seconds"]
    assert eight == pytest.approx(4 * one_thread, rel=0.02)


def test_other_settings_lie_between_the_measured_ones(estimator):
    estimator.add("spark", measured("spark", 0.004, 0.006))
    estimator.add("large", measured("large", 0.4, 0.6))
    flat = PRESETS["spark"].settings.flat()
    middle = parse_settings(flat | {"n_layer": 4, "n_embd": 128, "block_size": 64})
    found = estimator.costs(middle, 60, alone=True)
    assert 0.004 < found.step < 0.4
    wider = parse_settings(flat | {"n_layer": 8, "n_embd": 512, "block_size": 128})
    assert estimator.costs(wider, 60, alone=True).step > 0.4
    tiny = parse_settings(flat | {"n_layer": 1, "n_head": 2, "n_embd": 8})
    assert 0.0005 < estimator.costs(tiny, 60, alone=True).step < 0.004
    assert step_flops(wider, 60) > step_flops(middle, 60) > step_flops(tiny, 60)


def test_a_fixed_number_of_threads_counts(estimator):
    estimator.add("spark", measured("spark", 0.004, 0.006))
    one = parse_settings(PRESETS["spark"].settings.flat() | {"threads": 1})
    assert estimator.costs(one, 60, alone=True).step == pytest.approx(0.006)


def test_threads_are_used_where_they_make_it_quicker(estimator):
    spark, small = PRESETS["spark"].settings, PRESETS["small"].settings
    assert estimator.threads_alone(spark) == 2, "all cores, until it is known better"
    estimator.add("spark", Measured(spark, 28, one=costs(0.006), all=costs(0.0058), busy=costs(0.007)))
    estimator.add("small", Measured(small, 60, one=costs(0.014), all=costs(0.010), busy=costs(0.016)))
    assert (estimator.threads_alone(spark), estimator.threads_alone(small)) == (1, 2)
    cases = ((spark, 0, 0.006), (spark, 2, 0.0058), (small, 0, 0.010), (small, 1, 0.014))
    for preset, threads, step in cases:
        fixed = parse_settings(preset.flat() | {"threads": threads})
        vocab_size = 28 if preset is spark else 60
        assert estimator.costs(fixed, vocab_size, alone=True).step == pytest.approx(step)
        assert estimator.costs(fixed, vocab_size, alone=False).step >= 0.007


def test_several_measurements_are_averaged_and_the_newest_counts_a_quarter_at_least(estimator):
    for step in (0.004, 0.006, 0.005, 0.009):
        estimator.add("spark", measured("spark", step, 0.01))
    assert estimator.rounds("spark") == ROUNDS
    assert estimator.measured["spark"].all.step == pytest.approx(0.75 * 0.005 + 0.25 * 0.009)


def test_a_finished_run_of_a_preset_teaches_how_long_it_takes(estimator):
    spark = PRESETS["spark"].settings
    estimator.add("spark", measured("spark", 0.004, 0.006))
    promised = estimator.estimate(spark)["seconds"]
    for _ in range(12):
        estimator.learn(parse_settings(spark.flat() | {"seed": 7}), "all", 1.3 * promised)
    assert estimator.estimate(spark)["seconds"] == pytest.approx(1.3 * promised, rel=0.05)
    busy = estimator.estimate(spark, ahead=[math.inf])["seconds"]
    estimator.learn(parse_settings(spark.flat() | {"n_layer": 3}), "busy", 100.0)
    again = estimator.estimate(spark, ahead=[math.inf])["seconds"]
    assert again == busy, "another model says nothing of this one"


def test_diagnoses_are_counted():
    settings = parse_settings({"diagnose_every": 50, "max_steps": 1000}, base=PRESETS["spark"].settings)
    never = parse_settings({"diagnose_every": 0}, base=settings)
    more = seconds_of(settings, costs(0.01), 20_000) - seconds_of(never, costs(0.01), 20_000)
    assert more == pytest.approx((1000 / 50 + 2) * 0.015, rel=0.1)  # steps 10 and 25 as well


def test_the_final_evaluation_takes_as_long_however_large_the_batches_are(estimator):
    estimator.add("spark", measured("spark", 0.004, 0.006))
    spark = PRESETS["spark"].settings
    large = parse_settings({"batch_size": 256}, base=spark)
    found, usual = (estimator.costs(s, 60, alone=True) for s in (large, spark))
    assert found.step > 10 * usual.step and found.window == pytest.approx(usual.window)


def test_compiling_is_counted_for_every_size():
    plain = parse_settings({"start_context": 8}, base=PRESETS["spark"].settings)  # then 16, then 32
    compiling = parse_settings({"compile": True}, base=plain)
    more = seconds_of(compiling, costs(0.01), 20_000) - seconds_of(plain, costs(0.01), 20_000)
    assert more == pytest.approx(3 * 20)


@pytest.mark.parametrize("device", ["auto", "cuda", "mps"])
def test_how_long_a_graphics_card_takes_nobody_has_measured(estimator, device):
    found = estimator.estimate(parse_settings({"device": device}))
    assert found["seconds"] is None
    assert found["flops"] == estimator.estimate(parse_settings({}))["flops"]


def test_a_time_limit_limits():
    spark = PRESETS["spark"].settings
    limited = parse_settings(spark.flat() | {"max_steps": 1_000_000, "max_seconds": 2.0})
    assert seconds_of(limited, costs(0.01), 20_000) < 12


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_an_estimate_at_any_time(estimator, preset):
    for active in (0, 1, 30):
        found = estimator.estimate(PRESETS[preset].settings, [math.inf] * active)
        assert found["seconds"] > 0 and found["parameters"] > 0


def test_growing_batches_are_quicker_and_muon_is_slower(estimator):
    plain = PRESETS["medium"].settings
    estimator.add("medium", measured("medium", 0.05, 0.06))

    def seconds(**more):
        return estimator.estimate(parse_settings(more, base=plain))["seconds"]

    assert seconds(start_context=16, growth_share=0.8) < 0.8 * seconds()
    assert seconds() < seconds(optimizer="muon") < 2 * seconds()
    assert seconds() < seconds(recompute=True) < 1.5 * seconds()
