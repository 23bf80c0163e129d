"""The grammar core: probabilities that sum to 1, an exact parser, and a proof that notices what is
ambiguous."""

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.text.corpora.ambiguity import find_ambiguity
from llmviz.text.corpora.dinosaurs import dinosaur_grammar
from llmviz.text.corpora.grammar import Grammar, GrammarError, words

PEOPLE = [
    {"name": "Mia", "they": "she", "likes": ("cake", "rain")},
    {"name": "Tom", "they": "he", "likes": ("snow",)},
    {"name": "Leo", "they": "he", "likes": ("cake", "mud", "bees")},
]
SMALL = {
    "start": [(3, "<meet>.\n"), "{hero} sang[.|, and {hero.they} [danced|slept].]\n"],
    "meet": ["{hero} met {friend}", (2, "{hero} likes {hero.likes}, and so {hero.they} had {hero.likes}")],
}


def small() -> Grammar:
    return Grammar(SMALL, {"hero": PEOPLE, "friend": PEOPLE})


def test_probabilities_sum_to_one():
    texts = Counter()
    for text, nats in small().texts():
        texts[text] += math.exp(-nats)
    assert math.fsum(texts.values()) == pytest.approx(1, abs=1e-12)
    assert texts["Mia met Tom.\n"] == pytest.approx(3 / 4 * 1 / 3 * 1 / 3 * 1 / 2)
    assert "Mia met Mia.\n" not in texts  # drawn without replacement
    assert texts["Leo likes mud, and so he had mud.\n"] == pytest.approx(3 / 4 * 2 / 3 * 1 / 3 * 1 / 3)
    assert "Leo likes mud, and so he had cake.\n" not in texts  # what was drawn is remembered


def test_dinosaurs_sum_to_one():
    few = dinosaur_grammar("allo stego tricera", "cephalo dino", "saurus raptor don")
    assert math.fsum(math.exp(-nats) for _, nats in few.texts()) == pytest.approx(1, abs=1e-12)
    assert "allocephaloraptor\n" in dict(few.texts())


@pytest.mark.slow
def test_all_dinosaurs_there_can_be_sum_to_one():
    assert math.fsum(math.exp(-nats) for _, nats in dinosaur_grammar().texts()) == pytest.approx(1, abs=1e-9)


@given(seed=st.integers())
def test_what_is_written_parses_as_it_was_written(seed):
    written = small().write(Random(seed))
    [parsed] = small().parse(written.text)
    assert parsed.nats == pytest.approx(written.nats, abs=1e-12)
    assert (parsed.choices, parsed.memory, parsed.mentions) == (
        written.choices,
        written.memory,
        written.mentions,
    )


def test_frequencies_agree_with_probabilities():
    rng, grammar, n = Random(5), small(), 20_000
    counts = Counter(grammar.write(rng).text for _ in range(n))
    for text, nats in grammar.texts():
        p = math.exp(-nats)
        assert abs(counts[text] / n - p) < 5 * math.sqrt(p / n)


def test_memory_and_mentions():
    [parsed] = small().parse("Tom sang, and he danced.\n")
    assert parsed.memory == {"hero": "Tom"}
    name, pronoun = parsed.mentions
    assert (name.slot, name.form, pronoun.slot, pronoun.form) == ("hero", "name", "hero", "they")
    assert parsed.text[pronoun.start : pronoun.end] == "he"
    assert small().parse("Tom sang, and she danced.\n") == []


def test_the_parser_returns_every_derivation():
    twice = Grammar({"start": ["<a>b\n", "a<b>\n"], "a": ["a"], "b": ["b", "c"]})
    assert sorted(math.exp(-one.nats) for one in twice.parse("ab\n")) == pytest.approx([0.25, 0.5])


@pytest.mark.parametrize(
    "rules",
    [
        {"start": ["ab", "[a|x]b"]},
        {"start": ["[a|ab][bc|c]"]},
        {"start": ["[x|]y[z|]", "y"]},
        {"start": ["{hero} met {friend} and <a>"], "a": ["{hero.they}", "{friend.they}"]},
        {"start": ["{hero} <a>"], "a": ["ran", "[ran|slept]"]},
    ],
)
def test_ambiguity_is_found(rules):
    grammar = Grammar(rules, {"hero": PEOPLE, "friend": PEOPLE})
    assert max(Counter(text for text, _ in grammar.texts()).values()) > 1
    assert find_ambiguity(grammar) is not None


@pytest.mark.parametrize(
    "rules",
    [
        SMALL,
        {"start": ["{hero} met {friend}, and [{hero}|{friend}] sang."]},
        {"start": ["[a|ab]c", "[b|ba]c"]},
        {"start": ["<x><x>"], "x": ["a", "ba", "bb"]},
    ],
)
def test_what_is_not_ambiguous_is_proved(rules):
    grammar = Grammar(rules, {"hero": PEOPLE, "friend": PEOPLE})
    assert find_ambiguity(grammar) is None
    assert max(Counter(text for text, _ in grammar.texts()).values()) == 1


@st.composite
def random_rules(draw):
    """Rules over two letters, so short that chance makes many of them ambiguous."""
    piece = st.sampled_from(["a", "b", "ab", "<x>", "<y>", "[a|]", "[a|bb]"])
    option = st.lists(piece, max_size=3).map("".join)
    last = st.lists(st.text("ab", max_size=3), min_size=1, max_size=3)
    options = st.lists(option, min_size=1, max_size=3)
    return {
        "start": draw(options),
        "x": [rule.replace("<x>", "b") for rule in draw(options)],
        "y": draw(last),
    }


@settings(max_examples=300, deadline=None)
@given(rules=random_rules())
def test_the_proof_agrees_with_enumeration(rules):
    grammar = Grammar(rules)
    ways = Counter(text for text, _ in grammar.texts())
    assert (find_ambiguity(grammar) is None) == (max(ways.values()) == 1)
    assert all(len(grammar.parse(text)) == count for text, count in ways.items())


@pytest.mark.parametrize(
    ("rules", "part"),
    [
        ({"start": ["<nobody>"]}, "no rule"),
        ({"start": ["{nobody}"]}, "no slot"),
        ({"start": ["{hero.hat}"]}, "has a form"),
        ({"start": ["a<start>"]}, "contains itself"),
        ({"start": ["[a|b"]}, "never closed"),
        ({"start": ["a]b"]}, "do not match"),
        ({"start": ["a{b"]}, "do not match"),
        ({"start": [(0, "a")]}, "above zero"),
        ({"start": []}, "needs templates"),
    ],
)
def test_mistakes_in_a_grammar_are_told(rules, part):
    with pytest.raises(GrammarError, match=part):
        Grammar(rules, {"hero": PEOPLE})


@pytest.mark.parametrize("slots", [{"hero": PEOPLE}, {"hero": words("rain rainbow")}])
def test_a_first_mention_has_to_tell_the_word(slots):
    text = "{hero.they} sang" if slots["hero"] is PEOPLE else "{hero} fell"
    with pytest.raises(GrammarError, match="mentioned first"):
        find_ambiguity(Grammar({"start": [text]}, slots))
