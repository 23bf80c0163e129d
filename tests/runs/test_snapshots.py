import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz.runs.directory import RunError
from llmviz.runs.film import is_film_step, readable
from llmviz.runs.snapshots import is_snapshot_step, thin, to_remove
from llmviz.runs.weights import safetensors_metadata, weights_file


def test_steps_are_log_spaced():
    steps = [step for step in range(300) if is_snapshot_step(step)]
    assert steps == [0, 1, 2, 4, 8, 16, 32, 38, 45, 54, 64, 76, 91, 108, 128, 152, 181, 215, 256]


def test_four_an_octave_however_far():
    for octave in range(5, 17):
        assert sum(is_snapshot_step(step) for step in range(2**octave, 2 ** (octave + 1))) == 4


steps_and_sizes = st.dictionaries(st.integers(0, 10**6), st.integers(1, 10**7), min_size=1, max_size=120)


@given(sizes=steps_and_sizes, keep=st.sets(st.integers(0, 10**6), max_size=4), most=st.integers(2, 48))
def test_thinning_keeps_what_it_must_and_goes_no_further_than_needed(sizes, keep, most):
    keep |= set(list(sizes)[::7])
    removed = to_remove(sizes, keep, most=most, most_bytes=10**8)
    left = {step: size for step, size in sizes.items() if step not in removed}
    assert {min(sizes), max(sizes)} <= set(left)
    assert keep & set(sizes) <= set(left)
    fits = len(left) <= most and sum(left.values()) <= 10**8
    assert fits or set(left) <= keep | {min(sizes), max(sizes)}
    if removed:  # without the last removal it would not have fitted
        before = left | {removed[-1]: sizes[removed[-1]]}
        assert len(before) > most or sum(before.values()) > 10**8


@given(sizes=st.dictionaries(st.integers(0, 10**6), st.just(1), min_size=50, max_size=50))
def test_the_most_crowded_goes_first(sizes):
    steps = sorted(sizes)
    gone = to_remove(sizes, (), most=49)[0]
    i = steps.index(gone)
    gaps = [math.log((steps[k + 1] + 1) / (steps[k - 1] + 1)) for k in range(1, 49)]
    assert gaps[i - 1] == min(gaps)


def test_a_long_run_ends_evenly_spread():
    kept: list[int] = []
    for step in filter(is_snapshot_step, range(500_000)):
        kept.append(step)
        gone = to_remove(dict.fromkeys(kept, 1), ())
        kept = [step for step in kept if step not in gone]
    assert len(kept) == 48
    assert kept[0] == 0
    ratios = [b / a for a, b in zip(kept[7:], kept[8:], strict=False)]
    assert max(ratios) < 2.1


def test_thin_deletes_files_but_no_pinned_one(tiny_run):
    run = tiny_run()
    steps = [*range(0, 60)]
    for step in steps:
        run.snapshot(step).touch()
    run.write_meta(pins=[57], children=[58])
    thin(run)
    assert len(run.snapshots()) == 48
    assert {0, 57, 58, 59} <= set(run.snapshots())


def test_no_weights_yet(tiny_run):
    with pytest.raises(RunError, match="no weights yet"):
        weights_file(tiny_run())


@pytest.mark.parametrize("content", [b"", b"abc", b"\xff" * 20, b"\x05\0\0\0\0\0\0\0{bad}"])
def test_metadata_of_what_is_no_safetensors_file_is_empty(tmp_path, content):
    path = tmp_path / "x.safetensors"
    assert safetensors_metadata(path) == {}
    path.write_bytes(content)
    assert safetensors_metadata(path) == {}


def test_film_rows():
    assert [step for step in range(5000) if is_film_step(step)] == [0, 4, 16, 64, 256, 1024, 4096]


def test_bytes_that_are_not_text_are_shown_as_numbers():
    assert readable(["ä".encode(), b"\xb5x\x00", "😊".encode()[:2], b"\n\t"]) == "ä⟨B5⟩x⟨00⟩⟨F0⟩⟨9F⟩\n\t"
