"""The tables of n-grams against the same arithmetic on Python's own whole numbers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.model import build_gpt, n_parameters
from llmviz.model.ngrams import NGramEmbedding
from llmviz.settings import ModelSettings, SettingsError, parse_settings

VOCABULARY, LONGEST, ROWS, WIDTH = 65, 4, 97, 8


def filled(vocabulary: int = VOCABULARY) -> NGramEmbedding:
    torch.manual_seed(0)
    table = NGramEmbedding(vocabulary, LONGEST, ROWS, WIDTH)
    torch.nn.init.normal_(table.weight)
    return table


def row_by_hand(ids: list[int], position: int, n: int, vocabulary: int) -> int:
    """Which row of table n an n-gram has: its number, scattered over 64 bits that wrap around."""
    number = 0
    for back in range(n):
        at = position - back
        number = number * (vocabulary + 1) + (ids[at] + 1 if at >= 0 else 0)
    scattered = number * 0x9E3779B97F4A7C15 % 2**64
    signed = scattered - 2**64 if scattered >= 2**63 else scattered
    return (signed >> 32) % ROWS + (n - 2) * ROWS


@pytest.mark.parametrize("vocabulary", [2, 65, 50_257, 2**31])
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_rows_are_those_of_the_formula(vocabulary, data):
    ids = data.draw(st.lists(st.integers(0, vocabulary - 1), min_size=1, max_size=12))
    table = filled() if vocabulary == VOCABULARY else NGramEmbedding(vocabulary, LONGEST, ROWS, WIDTH)
    rows = table.rows_of(torch.tensor([ids]))[0]
    for position in range(len(ids)):
        for n in range(2, LONGEST + 1):
            assert rows[position, n - 2] == row_by_hand(ids, position, n, vocabulary)


def test_every_length_adds_its_row():
    table, ids = filled(), torch.randint(VOCABULARY, (3, 10))
    x = torch.randn(3, 10, WIDTH)
    rows = table.rows_of(ids)
    expected = x + sum(table.weight[rows[..., table_number]] for table_number in range(LONGEST - 1))
    assert torch.allclose(table(x, ids), expected, atol=1e-6)


def test_tokens_know_nothing_of_those_after_them():
    table, ids = filled(), torch.randint(VOCABULARY, (2, 10))
    changed = ids.clone()
    changed[:, 6] = (changed[:, 6] + 1) % VOCABULARY
    x = torch.zeros(2, 10, WIDTH)
    before, after = table(x, ids), table(x, changed)
    assert torch.equal(before[:, :6], after[:, :6])
    assert not torch.equal(before[:, 6:], after[:, 6:])
    assert torch.equal(table(x[:, :4], ids[:, :4]), before[:, :4])  # a token's row needs no later window


def test_the_common_pairs_of_a_text_seldom_meet():
    """1,331 pairs on 5,120 rows: about as many rows as chance gives, 1,170; a bad hash puts many on one."""
    table = NGramEmbedding(VOCABULARY, 2, 5_120, WIDTH)
    pairs = torch.randperm(VOCABULARY**2)[:1_331]
    rows = table.rows_of(torch.stack([pairs // VOCABULARY, pairs % VOCABULARY], dim=1))[:, 1]
    assert len(rows.unique()) > 1_100


def test_what_was_never_met_says_nothing():
    table = NGramEmbedding(VOCABULARY, LONGEST, ROWS, WIDTH)
    x = torch.randn(1, 5, WIDTH)
    assert torch.equal(table(x, torch.randint(VOCABULARY, (1, 5))), x)


@pytest.mark.parametrize(
    ("flat", "named"), [({"ngram_embeddings": 1}, "1 token"), ({"ngram_rows": 9}, "Rows of n-grams")]
)
def test_settings_that_would_do_nothing_are_refused(flat, named):
    with pytest.raises(SettingsError) as refused:
        parse_settings({"architecture": "modern"} | flat)
    assert len(refused.value.sentences) == 1 and named in refused.value.sentences[0]


def test_a_model_has_the_tables_that_its_settings_ask_for():
    asked = parse_settings({"architecture": "modern", "ngram_embeddings": 3, "ngram_rows": 50}).model
    model, plain = build_gpt(asked, VOCABULARY, seed=1), build_gpt(ModelSettings(), VOCABULARY, seed=1)
    assert model.ngrams.weight.shape == (2 * 50, asked.n_embd)
    assert n_parameters(asked, VOCABULARY) == sum(weight.numel() for weight in model.parameters())
    assert not hasattr(plain, "ngrams")
