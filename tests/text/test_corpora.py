"""Every corpus keeps the contract: seeded, made of documents, right about its own probabilities, cheap to
import."""

import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.text.corpora import CORPORA, dinosaurs, load_corpus, rhymes, stories
from llmviz.text.corpora.ambiguity import find_ambiguity

WRITTEN = ["stories", "dinosaurs", "rhymes"]
READ = ["python-docs", "python-source"]


def test_names_are_those_of_the_settings():
    assert list(CORPORA) == WRITTEN + READ
    for name, corpus in CORPORA.items():
        assert corpus.name == name and corpus.label and corpus.description and corpus.generator_version >= 1


@pytest.mark.parametrize("name", WRITTEN + READ)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), n_chars=st.integers(1, 30_000))
def test_documents_make_up_the_text(name, seed, n_chars):
    made = CORPORA[name].generate(seed, n_chars)
    assert made == CORPORA[name].generate(seed, n_chars)
    at = 0
    for document in made.documents:
        assert document.start == at < document.end
        at = document.end
    assert at == len(made.text)
    assert abs(at - n_chars) < 1000  # a whole document more, or less by a line
    assert made.text.isascii()


@pytest.mark.parametrize("name", WRITTEN)
def test_probabilities_are_finite_and_seeds_differ(name):
    made = CORPORA[name].generate(1, 50_000)
    assert all(math.isfinite(document.nats) and document.nats > 0 for document in made.documents)
    assert load_corpus(name, 1, 5000) != load_corpus(name, 2, 5000)
    assert load_corpus(name, 1, 50_000).startswith(load_corpus(name, 1, 5000))


@pytest.mark.parametrize("n", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", WRITTEN)
def test_samples_parse_exactly_one_way(name, n):
    corpus = CORPORA[name]
    made = corpus.generate(7, 300 * n)
    assert len(made.documents) >= n
    for document in made.documents[:n]:
        [parsed] = corpus.parse(made.text[document.start : document.end])
        assert parsed.nats == pytest.approx(document.nats, abs=1e-9)
        assert parsed.mentions == document.mentions


@pytest.mark.parametrize("module", [stories, dinosaurs, rhymes])
def test_no_text_can_be_written_in_two_ways(module):
    assert find_ambiguity(module.grammar()) is None


@pytest.mark.parametrize("name", WRITTEN)
def test_strange_texts_do_not_parse(name):
    parse = CORPORA[name].parse
    document = CORPORA[name].generate(1, 1).text
    assert len(parse(document)) == 1
    for text in ["", "\n", document[:-1], document + "\n", document + document, document.upper()]:
        assert parse(text) == []


@pytest.mark.parametrize("name", READ)
def test_python_is_there_in_full_and_clean(name):
    made = CORPORA[name].generate(1, 300_000)
    assert 299_000 < len(made.text) <= 300_000
    assert all(document.nats is None for document in made.documents)
    assert CORPORA[name].parse is None
    assert "\n\n\n" not in made.text and " \n" not in made.text
    assert made.text == CORPORA[name].generate(2, 300_000).text


def test_the_package_is_cheap_to_import():
    code = (
        "import sys, llmviz.text.corpora; "
        "assert not {'torch', 'numpy', 'pydoc_data', 'llmviz.text.corpora.stories'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
