"""Every pair of choices works together: a small set of models in which each pair occurs at least once."""

import itertools
import random

import pytest
import torch

from llmviz.model import GPT, GPT2, GPTConfig, ModernGPT, VariantGPT, build_gpt, n_parameters
from llmviz.model.choices import ARCHITECTURES
from llmviz.settings import ModelSettings, SettingsError, parse_settings

VOCABULARY = 13
SIZES = {"n_layer": 2, "n_head": 4, "n_embd": 32, "block_size": 12}
VALUES = {
    "architecture": ["gpt2", "modern", "llama", "transformer"],
    "positions": ["auto", "learned", "sinusoidal", "rope", "alibi", "none"],
    "norm": ["layernorm", "rmsnorm", "plain-rmsnorm"],
    "norm_eps": [0, 1e-3],
    "norm_place": ["pre", "post"],
    "embedding_norm": ["off", "on"],
    "activation": ["gelu", "gelu-exact", "relu", "swiglu", "relu2"],
    "mlp_width": [0, 40],
    "n_kv_head": [0, 1, 2],
    "head_width": [0, 6],
    "window": [0, 3],
    "qk_norm": ["off", "on"],
    "bias": ["off", "on"],
    "tied": ["off", "on"],
    "init": ["gpt2", "pytorch", "mup", "zero", "std"],
    "soft_cap": [0, 8.0],
    "dropout": [0, 0.1],
    "x0_shortcut": [False, True],
    "value_embeddings": [False, True],
    "smear": [False, True],
    "bigram_embeddings": [False, True],
    "ngram_embeddings": [0, 3],
}
REFUSED = {(("init", "mup"), ("tied", "on"))}  # the one pair that does not go together


def pairs_of(row: dict) -> set:
    return set(itertools.combinations(sorted(row.items(), key=lambda item: item[0]), 2))


def covering_rows() -> list[dict]:
    """Rows such that every pair of values occurs: greedily, the best of a few random rows each time."""
    dice = random.Random(1)
    missing = {
        tuple(sorted(((a, x), (b, y)), key=lambda item: item[0]))
        for a, b in itertools.combinations(VALUES, 2)
        for x in VALUES[a]
        for y in VALUES[b]
    } - REFUSED
    rows = []
    while missing:
        wanted = dict(min(missing, key=str))
        tries = [{name: dice.choice(values) for name, values in VALUES.items()} | wanted for _ in range(60)]
        tries = [row for row in tries if not pairs_of(row) & REFUSED]
        rows.append(max(tries, key=lambda row: len(pairs_of(row) & missing)))
        missing -= pairs_of(rows[-1])
    return rows


ROWS = covering_rows()


def settings_of(row: dict) -> ModelSettings:
    size = {"init_std": 0.05} if row["init"] == "std" else {}
    return parse_settings(SIZES | row | size).model


def scrambled(row: dict, seed: int = 0) -> GPT:
    """A model with every weight random, so that nothing hides behind a zero; without dropout."""
    model = build_gpt(settings_of(row), VOCABULARY, seed).eval()
    dice = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=dice) * 0.3)
    return model


def name_of(row: dict) -> str:
    return "-".join(str(value) for value in row.values())


def test_the_rows_are_few_and_hold_every_pair():
    pairs = set().union(*(pairs_of(row) for row in ROWS))
    wanted = sum(len(VALUES[a]) * len(VALUES[b]) for a, b in itertools.combinations(VALUES, 2))
    assert len(pairs) == wanted - len(REFUSED)
    assert len(ROWS) < 60


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_any_pair_of_choices_works(row):
    model, ids = scrambled(row), torch.randint(VOCABULARY, (3, 12))
    logits, maps = model.forward_with_attention(ids)
    fast = model(ids)
    assert fast.shape == (3, 12, VOCABULARY)
    torch.testing.assert_close(fast, logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(model.next_token_logits(ids), logits[:, -1], atol=1e-4, rtol=1e-4)
    for weights in maps:
        assert weights.shape == (3, 4, 12, 12)
        torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4, 12))
        assert not weights.triu(diagonal=1).any()
    assert n_parameters(model.config, VOCABULARY) == sum(w.numel() for w in model.parameters())

    other = ids.clone()
    other[:, 7:] = (ids[:, 7:] + 1) % VOCABULARY
    changed = model(other)
    torch.testing.assert_close(changed[:, :7], fast[:, :7], atol=1e-5, rtol=1e-4)  # nobody sees the future
    assert not torch.allclose(changed[:, 7], fast[:, 7], atol=1e-3)

    model.train()(ids).square().mean().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
    # (A key's bias adds the same to all scores of a row, so its gradient is zero in exact numbers.)
    assert all(weight.grad.any() for weight in model.parameters() if weight.dim() > 1)


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_other_kinds_of_numbers(row):
    """16 bits by autocast, 16 bits for good, and 64 bits: the readable way and the fast one stay equal."""
    model, ids = scrambled(row), torch.randint(VOCABULARY, (2, 12))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model(ids).shape == model.forward_with_attention(ids)[0].shape
        model(ids).float().square().mean().backward()
    assert all(weight.grad.isfinite().all() for weight in model.parameters())
    double = model.double()
    assert double(ids).dtype == torch.float64
    torch.testing.assert_close(double(ids), double.forward_with_attention(ids)[0])
    assert model.to(torch.bfloat16)(ids).dtype == torch.bfloat16


@pytest.mark.parametrize("row", ROWS[:12], ids=name_of)
def test_what_is_on_the_way_is_returned(row):
    """The states are those of the fast way, and each norm leaves what the formula says of the stream."""
    model, ids = scrambled(row), torch.randint(VOCABULARY, (2, 12))
    logits, states, layers = model.forward_with_intermediates(ids)
    torch.testing.assert_close(logits, model(ids), atol=1e-4, rtol=1e-4)
    for state, fast in zip(states, model.residual_states(ids), strict=True):
        torch.testing.assert_close(state, fast, atol=1e-4, rtol=1e-4)
    for block, before, after, layer in zip(model.blocks, states[:-1], states[1:], layers, strict=True):
        x = block.mix(before, states[0])
        if row["norm_place"] == "pre":
            torch.testing.assert_close(layer.norm_1, block.ln_1(x))
            torch.testing.assert_close(after, layer.stream + block.mlp(layer.norm_2))
        else:
            torch.testing.assert_close(after, layer.norm_2)
            torch.testing.assert_close(layer.norm_2, block.ln_2(layer.stream + block.mlp(layer.stream)))


@pytest.mark.parametrize("row", ROWS[:8], ids=name_of)
def test_the_first_weights_depend_on_the_seed_alone(row):
    first, again = (build_gpt(settings_of(row), VOCABULARY, seed=3).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize(("architecture", "whole"), [("gpt2", GPT2), ("modern", ModernGPT)])
def test_the_models_written_out_equal_the_one_put_together(architecture, whole):
    config = GPTConfig(
        architecture=architecture, vocab_size=31, block_size=16, n_layer=2, n_head=4, n_embd=32
    )
    assert type(GPT(config)) is whole
    written, together = whole(config), VariantGPT(config)
    with torch.no_grad():
        for weight in written.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    together.load_state_dict(written.state_dict())  # the same names and shapes
    ids = torch.randint(31, (2, 16))
    torch.testing.assert_close(together(ids), written(ids), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_an_architecture_has_anyway_may_be_said(architecture):
    """Saying what "auto" stands for builds the same class; changing one part builds another."""
    plain = ModelSettings(architecture=architecture)
    if architecture == "bigram":
        return
    choices = plain.choices
    said = ModelSettings(
        architecture=architecture,
        positions=choices.positions,
        n_kv_head=plain.n_head,
        window=plain.block_size,
        tied="on" if choices.tied else "off",
    )
    assert said.choices == choices
    changed = plain.model_copy(update={"tied": "off" if choices.tied else "on"})
    assert type(build_gpt(said, 9, 0)) is type(build_gpt(plain, 9, 0))
    assert type(build_gpt(changed, 9, 0)) is VariantGPT


def test_what_does_not_go_together_is_explained_all_at_once():
    wrong = {
        "architecture": "gpt2",
        "n_head": 4,
        "n_embd": 128,
        "n_kv_head": 3,
        "init": "mup",
        "rope_base": 500_000,
        "init_std": 0.1,
        "positions": "rope",
    }
    with pytest.raises(SettingsError) as caught:
        parse_settings(wrong | {"positions": "alibi"})
    assert len(caught.value.sentences) == 4
    for part in ("4 heads cannot share 3", "µP", "Only RoPE has a base", "of a chosen size"):
        assert any(part in sentence for sentence in caught.value.sentences), part


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"architecture": "bigram", "positions": "rope"}, "one table of what follows what"),
        ({"architecture": "bigram", "dropout": 0.1}, "“Dropout” has nothing to change"),
        ({"init": "std"}, "choose one above 0"),
        ({"positions": "rope", "n_head": 4, "n_embd": 36}, "RoPE turns the numbers of a head in pairs"),
        ({"positions": "rope", "head_width": 7}, "a head is 7 wide"),
        ({"positions": "rope", "n_head": 3, "n_embd": 112}, "such as 114"),  # not 111, of which 37 are odd
        ({"positions": "learned", "rope_scaling": "linear"}, "Only RoPE can be scaled"),
    ],
)
def test_a_choice_that_does_not_go_with_another_is_refused_with_the_reason(wrong, sentence):
    with pytest.raises(SettingsError, match=sentence):
        parse_settings(wrong)


def test_a_head_width_of_ones_own_frees_the_width():
    settings = parse_settings({"n_head": 3, "n_embd": 32, "head_width": 8}).model
    model = build_gpt(settings, VOCABULARY, 0)
    assert model(torch.zeros(1, 4, dtype=torch.long)).shape == (1, 4, VOCABULARY)
    assert n_parameters(settings, VOCABULARY) == sum(weight.numel() for weight in model.parameters())


@pytest.mark.parametrize("architecture", ["gpt2", "modern", "llama", "transformer"])
@pytest.mark.parametrize(("n_embd", "n_head", "head_width"), [(20, 3, 6), (4, 6, 2)])
def test_a_head_width_of_ones_own_may_be_the_share_rounded_down(architecture, n_embd, n_head, head_width):
    """None of the models that are written out has heads that do not fill the width."""
    shape = {"architecture": architecture, "n_layer": 1, "n_embd": n_embd, "n_head": n_head}
    settings = parse_settings(shape | {"head_width": head_width, "block_size": 8}).model
    model = build_gpt(settings, VOCABULARY, 0)
    ids = torch.randint(VOCABULARY, (2, 8))
    assert type(model) is VariantGPT
    torch.testing.assert_close(model(ids), model.forward_with_attention(ids)[0], atol=1e-5, rtol=1e-5)
    with pytest.raises(SettingsError, match="cannot be shared out"):
        parse_settings(shape)


def test_a_bigram_is_one_table():
    settings = ModelSettings(architecture="bigram", block_size=8)
    model = build_gpt(settings, VOCABULARY, 0)
    torch.nn.init.normal_(model.wte.weight)
    ids = torch.randint(VOCABULARY, (2, 8))
    assert torch.equal(model(ids), model.wte.weight[ids])
    assert n_parameters(settings, VOCABULARY) == VOCABULARY**2 == sum(w.numel() for w in model.parameters())
