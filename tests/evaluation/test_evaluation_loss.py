"""The definition of evaluation, checked against slow and plain arithmetic."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llmviz.evaluation import evaluate, first_guess_is_right, token_byte_lengths, windows_to_visit
from llmviz.model import GPT, GPTConfig

V, BLOCK = 13, 8


class ThreeByteWords:
    """A stand-in for a tokenizer: token i is i letters é, of two bytes each (so token 0 is empty)."""

    vocab_size = V

    def token_bytes(self, token_id):
        return ("é" * token_id).encode()


def small_model(architecture="gpt2", dropout=0.0) -> GPT:
    torch.manual_seed(0)
    shape = {"vocab_size": V, "block_size": BLOCK, "n_layer": 2, "n_head": 2, "n_embd": 16}
    model = GPT(GPTConfig(architecture=architecture, dropout=dropout, **shape))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def by_hand(model, ids, windows):
    """Total nats, right guesses and the targets, one window and one token at a time, in 64 bits."""
    model = model.double().eval()
    nats, right, targets = 0.0, 0, []
    for window in windows:
        chunk = [int(i) for i in ids[window * BLOCK : (window + 1) * BLOCK + 1]]
        logits = model(torch.tensor([chunk[:-1]]))[0].detach().numpy()
        for scores, target in zip(logits, chunk[1:], strict=True):
            nats += math.log(np.exp(scores - scores.max()).sum()) + scores.max() - scores[target]
            right += int(scores.argmax() == target)
            targets.append(target)
    model.float()
    return nats, right, targets


@given(n_ids=st.integers(2, 60), seed=st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_equals_the_formula_for_every_length(n_ids, seed):
    model = small_model()
    ids = np.random.default_rng(seed).integers(V, size=n_ids).astype(np.uint16)
    found = evaluate(model, ids, BLOCK, ThreeByteWords())
    nats, right, targets = by_hand(model, ids, range(math.ceil((n_ids - 1) / BLOCK)))
    assert targets == ids[1:].tolist()  # every token but the first is predicted exactly once
    n_bytes = sum(2 * target for target in targets)
    assert (found.n_tokens, found.n_bytes, found.full) == (n_ids - 1, n_bytes, True)
    assert found.loss == pytest.approx(nats / (n_ids - 1), rel=1e-5)
    assert found.perplexity == pytest.approx(math.exp(found.loss))
    assert found.accuracy == pytest.approx(right / (n_ids - 1))
    if n_bytes:
        assert found.bits_per_byte == pytest.approx(nats / math.log(2) / n_bytes, rel=1e-5)


def test_an_estimate_reads_a_fixed_subset():
    model, ids = small_model(), np.random.default_rng(1).integers(V, size=500)
    estimate = evaluate(model, ids, BLOCK, ThreeByteWords(), windows=10, seed=3)
    chosen = windows_to_visit(500, BLOCK, 10, 3)
    assert len(set(chosen)) == 10
    nats, _, targets = by_hand(model, ids, chosen)
    assert estimate.loss == pytest.approx(nats / len(targets), rel=1e-5)
    assert estimate.n_tokens == len(targets)
    assert not estimate.full
    assert evaluate(model, ids, BLOCK, ThreeByteWords(), windows=10, seed=3) == estimate
    assert windows_to_visit(500, BLOCK, 10, 4) != chosen
    assert evaluate(model, ids, BLOCK, ThreeByteWords(), windows=10_000).full


def test_equals_transformers_loss():
    """A loss of `transformers` on one whole window is the same number."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    model = small_model()
    twin = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=V, n_positions=BLOCK, n_embd=16, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0
        )
    ).eval()
    state = twin.state_dict()
    for name, tensor in model.state_dict().items():
        theirs = "transformer." + name.replace("blocks.", "h.")
        # (in, out) there, (out, in) here, except for embeddings, norms and biases.
        state[theirs] = tensor.t() if ".c_" in name and name.endswith("weight") else tensor
    state["lm_head.weight"] = model.wte.weight
    twin.load_state_dict(state)
    ids = torch.randint(V, (1, BLOCK))
    ours = evaluate(model, ids[0].numpy(), BLOCK, ThreeByteWords())
    assert ours.loss == pytest.approx(twin(ids, labels=ids).loss.item(), rel=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_leaves_the_dice_and_the_mode_alone(training):
    model = small_model(dropout=0.5).train(training)
    ids = list(range(V)) * 5
    torch.manual_seed(9)
    before = torch.get_rng_state()
    first = evaluate(model, ids, BLOCK, ThreeByteWords(), windows=3)
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training is training
    assert evaluate(model, ids, BLOCK, ThreeByteWords(), windows=3) == first  # no dropout inside


def test_the_mode_comes_back_even_after_an_error():
    model = small_model().train()
    with pytest.raises(IndexError):
        evaluate(model, [0, 99, 1, 2], BLOCK, ThreeByteWords())
    assert model.training


def test_a_model_that_ran_away_gives_nan_or_infinity_not_an_exception():
    model = small_model()
    with torch.no_grad():
        model.ln_f.weight.mul_(1e6)
    assert evaluate(model, list(range(V)), BLOCK, ThreeByteWords()).perplexity == math.inf
    with torch.no_grad():
        model.ln_f.weight.fill_(math.nan)
    assert math.isnan(evaluate(model, list(range(V)), BLOCK, ThreeByteWords()).perplexity)


def test_a_new_model_that_finds_all_tokens_alike_has_guessed_nothing():
    shape = {"vocab_size": V, "block_size": BLOCK, "n_layer": 1, "n_head": 2, "n_embd": 16}
    found = evaluate(GPT(GPTConfig(architecture="modern", **shape)), [0] * 50, BLOCK, ThreeByteWords())
    assert found.accuracy == 0
    assert found.loss == pytest.approx(math.log(V))


def test_the_first_guess_is_the_largest_logit():
    logits = torch.randn(200, V, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(200) % V
    assert torch.equal(first_guess_is_right(logits, targets), logits.argmax(-1) == targets)


def test_batches_do_not_change_the_result(monkeypatch):
    model, ids = small_model(), np.random.default_rng(2).integers(V, size=333)
    at_once = evaluate(model, ids, BLOCK, ThreeByteWords())
    monkeypatch.setattr("llmviz.evaluation.loss.TOKENS_AT_ONCE", 1)
    one_by_one = evaluate(model, ids, BLOCK, ThreeByteWords())
    assert one_by_one.loss == pytest.approx(at_once.loss, rel=1e-6)
    assert one_by_one.n_bytes == at_once.n_bytes


def test_lengths_may_be_given_beforehand():
    model, ids = small_model(), list(range(V)) * 3
    lengths = token_byte_lengths(ThreeByteWords())
    assert lengths == [2 * i for i in range(V)]
    assert evaluate(model, ids, BLOCK, lengths) == evaluate(model, ids, BLOCK, ThreeByteWords())


def test_nothing_to_predict_is_said_plainly():
    with pytest.raises(ValueError, match="at least 2 tokens; this text has 1"):
        evaluate(small_model(), [3], BLOCK, ThreeByteWords())
    with pytest.raises(ValueError, match="at least 1 window, not 0"):
        evaluate(small_model(), [3, 4], BLOCK, ThreeByteWords(), windows=0)
