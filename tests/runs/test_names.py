"""Names of runs: free ones where somebody is alone, generated ones in a class; what deleting leaves."""

import pytest

from llmviz.runs import Host, Refused
from llmviz.runs.archive import zip_run
from llmviz.runs.names import ANIMALS, COLOURS, clean_name, opened_name
from llmviz.runs.owners import hash_token

OWNER = "a" * 32


@pytest.fixture(params=[True, False], ids=["class", "alone"])
def hosting(request, tmp_path, tiny_run):
    """(a host that was never started, the id of a run of OWNER's, whether it is a class)."""
    run = tiny_run()
    run.write_meta(owner=hash_token(OWNER))
    environ = {"LLMVIZ_TEACHER_PASSWORD": "blackboard"} if request.param else {}
    host = Host(tmp_path, shipped_dir=None, environ=environ)
    yield host, run.id, request.param
    host.close()


def generated(name: str) -> bool:
    colour, _, animal = name.partition(" ")
    return colour in COLOURS.split() and animal in ANIMALS.split()


def test_a_name_is_one_line_of_bearable_length():
    assert clean_name("  Anna's\n run\t\x00 ") == "Anna's run"
    assert len(clean_name("x" * 1000)) == 60
    assert clean_name(None) == clean_name(7) == clean_name("\n") == ""


def test_only_outside_a_class_a_run_can_be_renamed(hosting):
    host, run, in_class = hosting
    if in_class:
        with pytest.raises(Refused, match="names they were given"):
            host.rename(run, OWNER, "Anna B., 7c")
    else:
        host.rename(run, OWNER, "Anna B., 7c")
    assert host.summary(run)["name"] == ("Amber Otter" if in_class else "Anna B., 7c")


def test_in_a_class_no_run_begins_with_a_free_name(hosting, tiny):
    host, _, in_class = hosting
    if in_class:
        with pytest.raises(Refused, match="names they were given"):
            host.create(tiny().flat(), OWNER, name="Anna B., 7c")
    else:
        run = host.create(tiny().flat(), OWNER, name="Anna B., 7c")
        assert host.summary(run)["name"] == "Anna B., 7c"


def test_in_a_class_an_opened_run_gets_a_generated_name(hosting, tmp_path):
    host, run, in_class = hosting
    entry = host.library.get(run)
    entry.run.write_meta(name="Anna B., 7c")
    zipped = zip_run(entry.run, entry.dataset, tmp_path / "run.zip")
    opened = host.packing.open(zipped, OWNER)
    name = host.summary(opened)["name"]
    assert generated(name) if in_class else name == "Anna B., 7c (2)"  # the run itself is there still


def test_copies_of_a_run_can_be_told_apart():
    taken: list[str] = []
    for name in ("Amber Otter", "Amber Otter (2)", "Amber Otter (3)"):
        taken.append(opened_name("Amber Otter", False, taken))
        assert taken[-1] == name
    assert opened_name("Amber Otter (2)", False, taken) == "Amber Otter (4)"  # a copy of a copy
    assert opened_name("Amber Otter", False, ["Azure Fox"]) == "Amber Otter"
    assert generated(opened_name("", False, taken))
    longest = "x" * 60
    assert len(opened_name(longest, False, [longest])) <= 60


def test_deleting_a_run_deletes_what_was_zipped_of_it(hosting):
    host, run, _ = hosting
    zipped = host.packing.pack(run)
    assert zipped.exists()
    host.command(run, OWNER, "delete")
    assert not zipped.exists()
    with pytest.raises(Refused):
        host.packing.pack(run)
