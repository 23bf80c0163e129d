"""The figures of Explore: losses of different tokenizers are only laid over one another in bits per byte."""

import math

import pandas as pd
import pytest

from llmviz.ui.explore import Curve, loss_figure

RECORDS = pd.DataFrame({"step": [0, 1, 2], "loss": [4.0, 3.0, 2.0], "val_loss": [None, 3.5, None]})
LETTERS = {"vocab_size": 54, "n_val_tokens": 100, "val_bytes": 100}
PAIRS = {"vocab_size": 512, "n_val_tokens": 100, "val_bytes": 250}


def test_one_tokenizer_stays_in_nats():
    figure = loss_figure([Curve("A", RECORDS, LETTERS), Curve("B", RECORDS, LETTERS)])
    assert list(figure.data[0].y) == [4.0, 3.0, 2.0]
    assert "nats" in figure.layout.yaxis.title.text
    assert len(figure.data) == 4


def test_a_step_of_which_only_the_validation_loss_is_kept_leaves_no_gap():
    thinned = pd.DataFrame({"step": [0, 1, 2], "loss": [4.0, None, 2.0], "val_loss": [None, 3.5, None]})
    training, validation = loss_figure([Curve("A", thinned, LETTERS)]).data
    assert (list(training.x), list(validation.x)) == ([0, 2], [1])


def test_different_tokenizers_are_compared_in_bits_per_byte():
    figure = loss_figure([Curve("A", RECORDS, LETTERS), Curve("B", RECORDS, PAIRS)])
    assert "bits" in figure.layout.yaxis.title.text
    assert figure.data[0].y[0] == pytest.approx(4 / math.log(2))
    assert figure.data[2].y[0] == pytest.approx(4 / math.log(2) / 2.5)


def test_the_figure_lies_on_the_page_and_reads_in_both_themes():
    light, dark = (loss_figure([Curve("A", RECORDS, LETTERS)], dark=dark) for dark in (False, True))
    for figure in (light, dark):
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
    assert light.layout.template.layout.font.color == "#2a3f5f"
    assert dark.layout.template.layout.font.color == "#f2f5fa"


def test_for_a_whole_room_it_has_twice_as_large_letters_and_lines():
    near, far = (loss_figure([Curve("A", RECORDS, LETTERS)], projector=far) for far in (False, True))
    assert far.layout.font.size == 2 * near.layout.font.size
    assert far.data[1].line.width == 2 * near.data[1].line.width
