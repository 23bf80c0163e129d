"""The classroom: what holds in a lesson survives a restart, and has no effect where there is no class."""

import dataclasses

import pytest

from llmviz.runs.classroom import Classroom
from llmviz.runs.limits import limits_of
from llmviz.runs.machine import Machine
from llmviz.runs.refusal import Refused

CLASS = {"LLMVIZ_TEACHER_PASSWORD": "blackboard"}


def test_without_a_password_there_is_no_class(tmp_path):
    classroom = Classroom(tmp_path, {"LLMVIZ_TEACHER_PASSWORD": ""})
    told = classroom.told()
    assert (told["on"], told["frozen"], told["preset"], told["deadline"]) == (False, False, None, None)
    classroom.require_going()
    assert not list(tmp_path.iterdir())


def test_what_was_decided_survives_a_restart(tmp_path):
    first = Classroom(tmp_path, CLASS)
    first.decide(frozen=True, preset="spark", deadline=12.5)
    second = Classroom(tmp_path, CLASS)
    assert second.lesson == first.lesson
    assert (
        second.told()["frozen"] and second.told()["preset"] == "spark" and second.told()["deadline"] == 12.5
    )
    with pytest.raises(Refused, match="paused the class"):
        second.require_going()
    second.decide(frozen=False)
    second.require_going()


def test_a_frozen_class_of_yesterday_does_not_hold_up_a_server_without_one(tmp_path):
    Classroom(tmp_path, CLASS).decide(frozen=True)
    Classroom(tmp_path, {}).require_going()


def test_class_data_is_counted_from_the_first_day_of_class_mode(tmp_path):
    first = Classroom(tmp_path, CLASS).lesson.since
    assert Classroom(tmp_path, CLASS).lesson.since == first > 0


@pytest.mark.parametrize("damaged", ["", "[]", '{"frozen": true, "unheard": 1}', "{"])
def test_a_damaged_file_is_no_reason_not_to_start(tmp_path, damaged):
    (tmp_path / "class.json").write_text(damaged)
    assert Classroom(tmp_path, CLASS).on


@pytest.mark.parametrize(("given", "days"), [(None, 7), ("", 7), ("2", 2), ("0.5", 0.5)])
def test_days_are_read_from_the_environment(tmp_path, given, days):
    environ = CLASS | ({"LLMVIZ_KEEP_DAYS": given} if given is not None else {})
    assert Classroom(tmp_path, environ).keep_days == days


@pytest.mark.parametrize("given", ["a week", "0", "-1", "nan", "inf"])
def test_days_that_make_no_sense_are_refused_in_a_sentence(tmp_path, given):
    with pytest.raises(ValueError, match=r"LLMVIZ_KEEP_DAYS is .* number of days above 0\."):
        Classroom(tmp_path, CLASS | {"LLMVIZ_KEEP_DAYS": given})


def test_a_lesson_may_allow_less_than_the_machine_and_never_more(tmp_path):
    limits = limits_of(Machine(cores=2, memory=16_000_000_000), {}, disk=10**10)
    classroom = Classroom(tmp_path, CLASS)
    assert classroom.within(limits) == limits
    classroom.decide(limits={"parameters": 40_000, "steps": 10**12})
    for known in (classroom, Classroom(tmp_path, CLASS)):
        assert known.within(limits) == dataclasses.replace(limits, parameters=40_000)
