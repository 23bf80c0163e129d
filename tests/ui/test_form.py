"""What follows from a change of the form: sizes, optimizers, dial and links bring theirs; choices stay."""

import itertools
from dataclasses import asdict

import pytest

from llmviz.settings import PRESETS
from llmviz.ui.form import Form, Kept, followed

SMALL = PRESETS["small"].settings.flat()


class Page:
    """A page: its form, and what it keeps between events."""

    def __init__(self) -> None:
        self.form = Form("small", SMALL, Kept())
        self.change()

    def change(self, size: str | None = None, asked: dict | None = None, **chosen) -> Form:
        """The reader changes something; the server fills in what follows."""
        kept = Kept.told(asdict(self.form.kept))
        form = Form(size or self.form.size, self.form.flat | chosen, kept)
        self.form = followed(form, asked or {})
        return self.form

    def differs(self, size: str = "small") -> dict:
        recipe = PRESETS[size].settings.flat()
        return {name: value for name, value in self.form.flat.items() if value != recipe[name]}


def test_a_fresh_form_is_the_usual_size():
    page = Page()
    assert (page.form.size, page.differs(), page.form.kept.chosen) == ("small", {}, False)


# ---------------------------------------------------------------- a size that somebody else suggests


def test_an_untouched_form_takes_a_suggested_size_and_another_one_after_it():
    page = Page()
    for size in ("spark", "medium"):
        page.change(asked={"suggest": size})
        assert (page.form.size, page.differs(size)) == (size, {})
    assert page.form.kept.also == "Medium also set Text to Stories, Read as to Byte-pair tokens."


@pytest.mark.parametrize("chosen", [{"corpus": "rhymes"}, {"n_layer": 3}, {"temperature": 0.1}])
def test_what_was_changed_is_no_longer_anybodys_to_suggest(chosen):
    page = Page()
    page.change(**chosen)
    page.change(asked={"suggest": "spark"})
    assert (page.form.size, page.differs()) == ("small", chosen)


def test_a_size_that_was_chosen_stays():
    page = Page()
    page.change("medium")
    page.change("small")
    page.change(asked={"suggest": "spark"})
    assert page.form.size == "small"


@pytest.mark.parametrize("query", ["preset=small", "n_layer=3&optimizer=lion&corpus=rhymes"])
def test_a_links_settings_stay_even_where_both_are_asked_for_at_once(query):
    page = Page()
    page.change(asked={"query": f"?{query}", "suggest": "spark"})
    before = page.form
    page.change(asked={"suggest": "spark"})
    assert (page.form.size, page.form.flat) == ("small", before.flat)


def test_a_link_that_fills_in_nothing_leaves_the_form_untouched():
    page = Page()
    assert page.change(asked={"query": "?tab=banana"}).mistakes
    assert page.change(asked={"suggest": "spark"}).size == "spark"


# ---------------------------------------------------------------- sizes


def test_what_a_size_has_set_besides_is_said_until_something_changes():
    page = Page()
    said = page.change("spark").kept.also
    assert said == "Spark also set Text to Dinosaurs."
    assert page.change().kept.also == said  # an event without a change, as when a menu is left
    assert page.change(n_layer=3).kept.also == ""


def test_two_sizes_at_once_are_the_last_one():
    page = Page()
    page.change("large")
    assert page.differs("large") == {}
    assert page.form.kept.size == "large"


# ---------------------------------------------------------------- optimizers


def test_leaving_the_menu_of_optimizers_changes_nothing():
    page = Page()
    page.change(weight_decay=0.0)
    page.change()
    assert page.differs() == {"weight_decay": 0.0}


def test_an_optimizer_brings_its_own_and_another_takes_it_back():
    page = Page()
    page.change(optimizer="sgd")
    assert page.differs() == {"optimizer": "sgd", "learning_rate": 0.2, "weight_decay": 0.0}
    page.change(optimizer="adamw")
    assert page.differs() == {}


def test_a_value_that_was_chosen_stays_though_an_optimizer_might_have_brought_it():
    page = Page()
    page.change(weight_decay=0.0)
    page.change(optimizer="lion")
    assert page.form.flat["weight_decay"] == 0.0
    assert page.form.flat["learning_rate"] == 0.0013


def test_after_the_dial_an_optimizer_brings_the_dials_rate():
    page = Page()
    page.change(asked={"depth": 6})
    assert page.form.flat["learning_rate"] == 0.0033
    page.change(optimizer="lion")
    assert page.form.flat["learning_rate"] == 0.0011
    page.change(asked={"depth": 3})
    assert page.form.flat["learning_rate"] == 0.0015


def test_so_it_does_after_the_dials_width_was_changed():
    page = Page()
    page.change(asked={"depth": 6})
    page.change(n_embd=120)
    assert page.change(optimizer="sgd").flat["learning_rate"] == 0.2
    assert page.change(optimizer="adamw").flat["learning_rate"] == 0.0041


# ---------------------------------------------------------------- the dial


def test_the_dial_leaves_what_was_chosen():
    page = Page()
    page.change(batch_size=32)
    dial = page.change(asked={"depth": 6}).dial
    assert dial["own"] == ["Batch"]
    assert "batch_size" not in [found["name"] for found in dial["derived"]]
    flat = page.form.flat
    assert (flat["n_layer"], flat["n_embd"], flat["batch_size"]) == (6, 192, 32)
    page.change(n_embd=120)
    assert page.change(asked={"depth": 4}).dial["own"] == ["Width", "Batch"]
    assert (page.form.flat["n_layer"], page.form.flat["n_embd"]) == (4, 120)


def test_one_turn_after_another_is_as_the_last_alone():
    turned = Page()
    for depth in (3, 9, 2, 6):
        turned.change(asked={"depth": depth})
    once = Page()
    once.change(asked={"depth": 6})
    assert turned.form.flat == once.form.flat


def test_what_the_dial_would_say_itself_is_no_choice_where_a_link_brought_it():
    dialled, page = Page(), Page()
    dialled.change(asked={"depth": 3})
    link = "&".join(f"{name}={value}" for name, value in dialled.differs().items())
    page.change(asked={"query": f"preset=small&{link}"})
    page.change(asked={"depth": 5})
    dialled.change(asked={"depth": 5})
    assert page.form.flat == dialled.form.flat


def test_a_size_takes_the_dials_reasons_away():
    page = Page()
    assert page.change(asked={"depth": 5}).dial["derived"]
    assert page.change().dial is None  # as it was
    assert page.change("medium").dial == {}


def test_a_bigram_has_no_depth_and_says_so():
    page = Page()
    page.change(architecture="bigram")
    assert "no depth" in page.change(asked={"depth": 5}).dial["error"]
    assert page.differs() == {"architecture": "bigram"}


# ---------------------------------------------------------------- whatever is sent

JUNK = [None, "x", 7, [], {}, {"size": []}, {"size": "x", "put_in": 3}, {"put_in": {"n_layer": [1], "x": 1}}]
ASKED = [{"query": 7}, {"suggest": []}, {"suggest": "x"}, {"depth": "6"}, {"depth": 99}, {"depth": True}]


@pytest.mark.parametrize(("kept", "asked"), list(itertools.product(JUNK, ASKED)))
def test_whatever_a_page_says_it_has_kept_a_form_comes_out(kept, asked):
    form = followed(Form("small", SMALL, Kept.told(kept)), asked)
    assert form.flat == SMALL
    asdict(form)
