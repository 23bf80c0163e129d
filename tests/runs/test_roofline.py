"""How close a run came to the limit of the machine: by hand where that is easy, else nothing is said."""

import pytest
import torch

from llmviz.runs.estimates import Estimator
from llmviz.runs.inline import run_inline
from llmviz.runs.roofline import Roof, roofline, speed_told
from llmviz.settings import parse_settings
from llmviz.training import hardware, peak

SETTINGS = parse_settings(
    {"architecture": "gpt2", "n_layer": 2, "n_head": 2, "n_embd": 8, "block_size": 16, "batch_size": 4}
)
HARDWARE = {"device": "cpu", "precision": "fp32", "muon": "fp32"}
STATE = {
    "status": "finished",
    "step": 100,
    "tokens_seen": 100 * 4 * 16,
    "seconds": 2.0,
    "threads": 1,
    "hardware": HARDWARE,
}
ROOF = Roof(one=1e9, all=3e9, threads=2)


def test_the_share_is_what_was_computed_over_what_could_have_been():
    matrices = 2 * 12 * 8 * 8 + 27 * 8  # two blocks of 12·C² and the head
    a_token = 6 * matrices + 12 * 2 * 8 * 16
    reached = a_token * 4 * 16 * 100 / 2.0
    found = roofline(STATE, SETTINGS, 27, ROOF)
    assert found == {
        "reached": pytest.approx(reached),
        "roof": 1e9,
        "share": pytest.approx(reached / 1e9),
        "by": "1 thread",
    }
    assert roofline(STATE | {"threads": 2}, SETTINGS, 27, ROOF)["roof"] == 3e9


def test_of_a_run_that_was_stopped_while_its_batches_were_small_only_those_count():
    growing = parse_settings({"start_batch": 1, "max_steps": 1000}, base=SETTINGS)
    stopped = STATE | {"status": "stopped", "tokens_seen": 100 * 1 * 16}
    found = roofline(stopped, growing, 27, ROOF)["reached"]
    assert found == pytest.approx(roofline(STATE, SETTINGS, 27, ROOF)["reached"] / 4)


def test_a_run_that_changed_its_threads_is_held_against_the_most_it_had():
    found = roofline(STATE | {"threads": 1, "most_threads": 2}, SETTINGS, 27, ROOF)
    assert (found["roof"], found["by"]) == (3e9, "2 threads")


def test_with_some_of_the_threads_a_run_is_not_held_against_what_all_reach():
    state, eight = STATE | {"threads": 2}, Roof(one=1e9, all=6e9, threads=8)
    assert roofline(state, SETTINGS, 27, eight) is None
    assert roofline(state | {"threads": 8}, SETTINGS, 27, eight)["roof"] == 6e9
    told = {"roofline": None, "unmeasured": False}  # nor is it promised
    assert speed_told(state, SETTINGS, 27, eight, cores=8) == told
    assert speed_told(state, SETTINGS, 27, None, cores=8) == told


@pytest.mark.parametrize(
    "state",
    [
        STATE | {"status": "running"},
        STATE | {"hardware": HARDWARE | {"device": "cuda"}},
        STATE | {"hardware": HARDWARE | {"precision": "bf16"}},
        STATE | {"step": 0},
        STATE | {"seconds": 0.0},
        {"status": "finished", "step": 100, "seconds": 2.0, "threads": 1},
    ],
)
def test_what_the_roof_was_not_measured_for_is_not_held_against_it(state):
    assert roofline(state, SETTINGS, 27, ROOF) is None


def test_without_a_measurement_nothing_is_claimed():
    assert roofline(STATE, SETTINGS, 27, None) is None


def test_a_measured_roof_is_kept_for_the_next_server(tmp_path):
    cache = tmp_path / "machine.json"
    Estimator(2, tmp_path, cache).add_roof(ROOF, quiet=True)
    again = Estimator(2, tmp_path, cache)
    again.load({})
    assert again.roof == ROOF


def test_the_roof_of_a_busy_machine_is_not_kept(tmp_path):
    cache = tmp_path / "machine.json"
    Estimator(2, tmp_path, cache).add_roof(ROOF, quiet=False)
    again = Estimator(2, tmp_path, cache)
    again.load({})
    assert again.roof is None


def test_a_product_of_two_matrices_is_counted_once_for_every_sum_and_product(monkeypatch):
    now, shapes = [0.0], []

    def product(left, right):
        now[0] += [0.5, 0.25][len(shapes) % 2]
        shapes.append((left.shape, right.shape, left.dtype))

    monkeypatch.setattr(peak, "linear", product)
    monkeypatch.setattr(peak.time, "perf_counter", lambda: now[0])
    assert peak.peak_flops() == 2 * 1024**3 / 0.25  # the best time counts
    assert set(shapes) == {((1024, 1024), (1024, 1024), torch.float32)}
    shapes.clear()
    peak.peak_flops(precision="bf16")
    assert {dtype for *_, dtype in shapes} == {torch.bfloat16}


@pytest.mark.parametrize(
    ("device", "precision", "by"),
    [
        ("cuda", "bf16", "this graphics card in 16 bits"),
        ("mps", "fp32", "Apple's graphics"),
        ("cpu", "bf16", "1 thread in 16 bits"),
    ],
)
def test_what_the_server_cannot_measure_the_run_has(device, precision, by):
    elsewhere = STATE | {"hardware": HARDWARE | {"device": device, "precision": precision}}
    assert speed_told(elsewhere, SETTINGS, 27, ROOF, 2) == {"roofline": None, "unmeasured": False}
    told = speed_told(elsewhere | {"roof": 5e9}, SETTINGS, 27, ROOF, 2)
    assert (told["roofline"]["roof"], told["roofline"]["by"]) == (5e9, by)
    assert not told["unmeasured"]


def test_a_run_in_16_bits_measures_its_own_roof(tiny_run, tiny_data, monkeypatch):
    monkeypatch.setattr(hardware, "has_bf16_units", lambda device: True)
    monkeypatch.setattr("llmviz.runs.session.WORTH_MEASURING", 0.0)
    monkeypatch.setattr("llmviz.runs.session.peak_flops", lambda device, precision: {"bf16": 7e9}[precision])
    plain, short = tiny_run(max_steps=6), tiny_run(max_steps=6, precision="bf16")
    for run in (plain, short):
        run_inline(run, data_root=tiny_data)
    assert "roof" not in plain.state()
    assert roofline(short.state(), short.settings(), 27, None)["roof"] == 7e9
