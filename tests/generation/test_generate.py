"""Writing, token by token."""

import itertools

import pytest
import torch

from llmviz.generation import NotFinite, continuation, first_ids, generate
from llmviz.model import GPT, GPTConfig
from llmviz.settings import SamplingSettings
from llmviz.text.tokenizers import parse_tokenizer
from tests.text.spaced_peers import spaced_peer

V, BLOCK = 13, 8


@pytest.fixture(params=["gpt2", "modern"])
def model(request) -> GPT:
    torch.manual_seed(0)
    shape = {"vocab_size": V, "block_size": BLOCK, "n_layer": 2, "n_head": 2, "n_embd": 16, "dropout": 0.3}
    model = GPT(GPTConfig(architecture=request.param, **shape))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def write(model, ids, **settings):
    return list(generate(model, ids, SamplingSettings(**({"max_new_tokens": 30} | settings))))


def test_the_same_seed_writes_the_same_text(model):
    assert write(model, [1, 2], sample_seed=5) == write(model, [1, 2], sample_seed=5)
    assert write(model, [1, 2], sample_seed=5) != write(model, [1, 2], sample_seed=6)


def test_torchs_dice_and_the_mode_are_left_alone(model):
    model.train()
    torch.manual_seed(4)
    before = torch.get_rng_state()
    write(model, [1])
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training


def test_temperature_0_always_takes_the_likeliest(model):
    model.eval()
    text = [3, 1, 4]
    for _ in range(20):
        text.append(int(model(torch.tensor([text[-BLOCK:]]))[0, -1].argmax()))
    assert write(model, [3, 1, 4], temperature=0, max_new_tokens=20) == text[3:]
    assert write(model, [3, 1, 4], top_k=1, max_new_tokens=20) == text[3:]


def test_of_a_long_prompt_the_end_is_seen(model):
    prompt = [i % V for i in range(50)]
    assert write(model, prompt) == write(model, prompt[-BLOCK:])


def test_one_token_and_no_token_will_do(model):
    assert len(write(model, [5])) == 30
    assert write(model, []) == write(model, [0])


def test_tokens_come_one_by_one(model):
    stream = generate(model, [1], SamplingSettings(max_new_tokens=2000))
    assert all(0 <= token < V for token in itertools.islice(stream, 3))  # without waiting for 2,000


def test_training_between_tokens_does_no_harm(model):
    stream = generate(model.train(), [1], SamplingSettings(max_new_tokens=3))
    for _ in stream:
        assert model.training
        model(torch.tensor([[1, 2]])).sum().backward()


def test_all_at_once_is_the_same_text(model):
    settings = SamplingSettings(max_new_tokens=20)
    assert continuation(model.train(), [1], settings) == list(generate(model, [1], settings))
    assert model.training


def test_frequencies_follow_the_probabilities(model):
    model.eval()
    expected = model(torch.tensor([[1, 2]]))[0, -1].softmax(-1)
    draws = [write(model, [1, 2], temperature=1, max_new_tokens=1, sample_seed=s)[0] for s in range(1500)]
    found = torch.bincount(torch.tensor(draws), minlength=V) / 1500
    assert (found - expected).abs().max() < 0.05


def test_a_model_that_ran_away_says_so(model):
    with torch.no_grad():
        model.wte.weight.fill_(torch.nan)
    with pytest.raises(NotFinite, match="training has diverged"):
        write(model, [1])


class Letters:
    """A tokenizer of the letters it is given."""

    def __init__(self, letters):
        self.letters = letters

    def encode(self, text):
        return [self.letters.index(letter) for letter in text]


def test_an_empty_prompt_starts_where_texts_start():
    assert first_ids(Letters("ab\n"), "ba") == [1, 0]
    assert first_ids(Letters("ab\n"), "") == [2]
    assert first_ids(Letters("ab"), "") == [0]
    llama = parse_tokenizer(spaced_peer(begin=True).to_str().encode())
    assert first_ids(llama, "") == [1]  # <s>, which stands before every text
    with pytest.raises(ValueError, match="substring not found"):
        first_ids(Letters("ab"), "x")
