"""The log: one line an event, eight characters of an id, and never what a reader typed."""

import io
import logging

from llmviz.runs.logs import OneLine

RUN = "0123456789abcdef0123456789abcdef"
TYPED = "what a reader typed"


def logged(write) -> list[str]:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(OneLine())
    log = logging.Logger("test")
    log.addHandler(handler)
    write(log)
    return out.getvalue().splitlines()


def test_an_event_is_one_line_with_the_time():
    (line,) = logged(lambda log: log.info("run %s:\ncreated", "ab"))
    assert line.endswith("INFO run ab: created")
    assert line[4] == line[7] == "-" and line[13] == line[16] == ":"


def test_an_id_is_cut_wherever_it_comes_from():
    (line,) = logged(lambda log: log.warning("GET /gradio_api/llmviz/runs/%s?x=1", RUN))
    assert line.endswith("runs/01234567?x=1")


def test_an_error_is_its_kind_and_its_place_but_not_its_message():
    def write(log):
        try:
            {}[TYPED]
        except KeyError:
            log.exception("a job failed")

    (line,) = logged(write)
    assert "a job failed (KeyError < runs/test_logs.py:" in line
    assert TYPED not in line
