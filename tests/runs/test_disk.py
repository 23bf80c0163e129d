"""The disk: what goes first when it is too much, and what never goes."""

import os

import pytest

from llmviz.runs.directory import create_run
from llmviz.runs.disk import Disk, disk_share, free_bytes, spare, used_bytes
from llmviz.runs.library import Library

KILO = 1000
PLENTY = 10**12


@pytest.fixture
def runs(tmp_path, tiny):
    """Three runs of ten snapshots of 1 kB each, the first of which was looked at last."""
    made = [create_run(tmp_path / "runs", tiny(), name=name, owner_hash="o") for name in "abc"]
    for age, run in enumerate(made):
        for step in range(10):
            run.snapshot(step).write_bytes(b"\0" * KILO)
        os.utime(run.path / "meta.json", (1e9 - age, 1e9 - age))
    return made


@pytest.fixture
def disk(tmp_path, runs, monkeypatch):
    monkeypatch.setattr("llmviz.runs.disk.free_bytes", lambda _: PLENTY)
    return Disk(tmp_path, Library(tmp_path / "runs", None, tmp_path / "data"))


def left(runs):
    return [len(run.snapshots()) for run in runs]


def test_nothing_goes_while_there_is_room(disk, runs):
    assert disk.make_room(KILO, used_bytes(disk.data_dir) + KILO)
    assert left(runs) == [10, 10, 10]


def test_what_nobody_looked_at_for_longest_goes_first(disk, runs):
    assert disk.make_room(3 * KILO, used_bytes(disk.data_dir))
    assert left(runs) == [10, 10, 7]
    assert disk.make_room(7 * KILO, used_bytes(disk.data_dir))
    assert left(runs) == [10, 8, 2]
    assert runs[2].snapshots() == [0, 9]


def test_looking_at_a_run_spares_it(disk, runs):
    disk.looked_at(disk.library.get(runs[2].id))
    assert disk.make_room(3 * KILO, used_bytes(disk.data_dir))
    assert left(runs) == [10, 7, 10]
    again = Disk(disk.data_dir, Library(disk.library.runs, None, disk.data_dir / "data"))  # after a restart
    assert again.make_room(6 * KILO, used_bytes(disk.data_dir))
    assert left(runs) == [9, 2, 10]


def test_first_last_pinned_and_parents_stay_whatever_is_wanted(disk, runs):
    runs[0].write_meta(pins=[4], children=[6])
    assert not disk.make_room(PLENTY, KILO)
    assert [run.snapshots() for run in runs] == [[0, 4, 6, 9], [0, 9], [0, 9]]


def test_a_disk_that_others_fill_counts_as_well(disk, runs, monkeypatch):
    monkeypatch.setattr("llmviz.runs.disk.free_bytes", lambda _: 0)
    disk.make_room(0, PLENTY)
    assert left(runs) == [2, 2, 2]


def test_a_run_that_is_being_deleted_is_no_obstacle(disk, runs):
    for step in runs[2].snapshots():
        runs[2].snapshot(step).unlink()
    (runs[2].path / "meta.json").unlink()
    assert spare(runs[2], KILO) == 0
    assert disk.make_room(KILO, used_bytes(disk.data_dir))


def test_the_share_follows_what_is_free_and_ours(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"\0" * 500)
    monkeypatch.setattr("llmviz.runs.disk.free_bytes", lambda _: 500)
    assert disk_share(tmp_path) == 800
    monkeypatch.setattr("llmviz.runs.disk.free_bytes", lambda _: PLENTY)
    assert disk_share(tmp_path) == 20_000_000_000


def test_the_room_of_a_folder_to_come_is_that_of_its_parent(tmp_path):
    assert free_bytes(tmp_path / "not" / "yet") > 0
