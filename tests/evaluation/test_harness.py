"""Our adapter in the real harness, on a task made here, against slow and plain arithmetic."""

import json
import math

import pytest
import torch

lm_eval = pytest.importorskip("lm_eval", reason="lm-eval is not installed: see requirements-dev.txt")
from lm_eval.api.instance import Instance  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402
from lm_eval.utils import get_rolling_token_windows  # noqa: E402

from llmviz.evaluation.harness import HarnessModel, prediction_windows  # noqa: E402
from llmviz.generation import generate  # noqa: E402
from llmviz.model import GPT, GPTConfig, build_gpt  # noqa: E402
from llmviz.model.export import export_model  # noqa: E402
from llmviz.model.hub import Marks  # noqa: E402
from llmviz.settings import SamplingSettings, parse_settings  # noqa: E402
from llmviz.text.tokenizers import (  # noqa: E402
    CharTokenizer,
    UnknownCharacter,
    load_tokenizer,
    parse_tokenizer,
)
from tests.model.hub.foreign import train_gpt2_tokenizer  # noqa: E402
from tests.text.peers import peer  # noqa: E402
from tests.text.spaced_peers import spaced_peer  # noqa: E402

BLOCK = 12
ALPHABET = "\n abcdefghijklmnopqrstuvwxyz.?:"
QUESTIONS = [
    {"question": "a cat says", "choices": ["meow", "woof woof woof"], "answer": 0},
    {"question": "a dog says", "choices": ["moo", "woof"], "answer": 1},
    {"question": "a very very old cow says", "choices": ["moo", "quack quack", "meow"], "answer": 0},
]
TASK = """
task: tiny_animals
dataset_path: json
dataset_kwargs: {{data_files: {{test: "{path}"}}}}
output_type: multiple_choice
test_split: test
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{answer}}}}"
target_delimiter: " "
metric_list: [{{metric: acc}}, {{metric: acc_norm}}]
"""


@pytest.fixture(scope="module")
def asked() -> HarnessModel:
    torch.manual_seed(0)
    config = GPTConfig(vocab_size=len(ALPHABET), block_size=BLOCK, n_layer=2, n_head=2, n_embd=16)
    model = GPT(config)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    return HarnessModel(model, CharTokenizer(ALPHABET))


@pytest.fixture
def task_folder(tmp_path, monkeypatch):
    """The questions and the task file that describes them; no request leaves this machine."""
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    questions = tmp_path / "questions.jsonl"
    questions.write_text("\n".join(map(json.dumps, QUESTIONS)))
    (tmp_path / "tiny_animals.yaml").write_text(TASK.format(path=questions))
    return tmp_path


def instances(kind: str, *arguments: tuple) -> list[Instance]:
    return [Instance(kind, {}, argument, i) for i, argument in enumerate(arguments)]


def by_hand(asked: HarnessModel, context: str, continuation: str) -> tuple[float, bool]:
    """One token at a time, each seeing all that fits before it, in 64 bits."""
    ids = asked.tokens.encode(context) or asked.tokens.encode("\n")
    model = asked.model.double()
    nats, greedy = 0.0, True
    for target in asked.tokens.encode(continuation):
        with torch.no_grad():
            log_p = model(torch.tensor([ids[-BLOCK:]]))[0, -1].log_softmax(-1)
        nats += log_p[target].item()
        greedy &= int(log_p.argmax()) == target
        ids.append(target)
    asked.model.float()
    return nats, greedy


def test_a_continuation_is_as_likely_as_by_hand(asked):
    pairs = [("a cat says", " me"), ("", "moo"), ("abc", "d"), ("ab", " cd ef.")]
    found = asked.loglikelihood(instances("loglikelihood", *pairs), disable_tqdm=True)
    for (context, continuation), (nats, greedy) in zip(pairs, found, strict=True):
        expected = by_hand(asked, context, continuation)
        assert nats == pytest.approx(expected[0], abs=1e-4)
        assert greedy == expected[1]


def test_greedy_means_what_the_model_would_write(asked):
    (written,) = asked.generate_until(instances("generate_until", ("a cat", {"max_gen_toks": 5})))
    other = "zzzzz" if written != "zzzzz" else "aaaaa"
    found = asked.loglikelihood(
        instances("loglikelihood", ("a cat", written), ("a cat", other)), disable_tqdm=True
    )
    assert [greedy for _, greedy in found] == [True, False]


def test_a_long_context_shows_its_end_and_a_long_continuation_is_read_in_windows(asked):
    long = "the quick brown fox jumps over the lazy dog"
    ids = asked.tokens.encode(long)
    cut, whole = asked.loglikelihood(
        instances("loglikelihood", (long[-BLOCK:], "s"), (long, "s")), disable_tqdm=True
    )
    assert cut == pytest.approx(whole)
    ours = list(prediction_windows([0], ids, BLOCK))
    assert ours == list(get_rolling_token_windows(ids, 0, BLOCK, context_len=1))
    (nats,) = asked.loglikelihood_rolling(instances("loglikelihood_rolling", (long,)))
    expected = 0.0
    with torch.no_grad():
        for inputs, targets in get_rolling_token_windows(ids, asked.prefix_token_id, BLOCK, context_len=1):
            log_p = asked.model(torch.tensor([inputs]))[0].log_softmax(-1)[-len(targets) :]
            expected += log_p[range(len(targets)), targets].sum().item()
    assert nats == pytest.approx(expected, abs=1e-3)


def test_writing_stops_where_the_task_says(asked):
    whole, cut = asked.generate_until(
        instances("generate_until", ("moo", {"max_gen_toks": 20}), ("moo", {"max_gen_toks": 20, "until": []}))
    )
    assert whole == cut and len(whole) == 20
    stop = whole[7]
    (stopped,) = asked.generate_until(
        instances("generate_until", ("moo", {"max_gen_toks": 20, "until": [stop]}))
    )
    assert stopped == whole[: whole.index(stop)]


def test_an_exported_model_scores_the_same_by_the_harnesss_own_adapter(asked, tmp_path, monkeypatch):
    pytest.importorskip("accelerate", reason="accelerate is not installed: see requirements-dev.txt")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from lm_eval.models.huggingface import HFLM

    export_model(asked.model, asked.tokens, tmp_path, "# A model\n")
    line_end = asked.tokens.encode("\n")[0]
    theirs = HFLM(str(tmp_path), device="cpu", dtype="float32", batch_size=2, prefix_token_id=line_end)
    pairs = [("a cat says", " meow"), ("", "moo"), ("a very very old cow says", " quack.")]
    requests = instances("loglikelihood", *pairs)
    mine, other = (lm.loglikelihood(requests, disable_tqdm=True) for lm in (asked, theirs))
    for (nats, greedy), (expected, as_greedy) in zip(mine, other, strict=True):
        assert nats == pytest.approx(expected, abs=1e-3) and greedy == as_greedy
    whole = instances("loglikelihood_rolling", ("the quick brown fox jumps over the lazy dog",))
    assert asked.loglikelihood_rolling(whole) == pytest.approx(theirs.loglikelihood_rolling(whole), abs=1e-3)


def gpt2_tokenizer(folder):
    train_gpt2_tokenizer("It's now 12345 o'clock. " * 3).save(str(folder / "gpt2.json"))
    return load_tokenizer(folder / "gpt2.json")


def llama_tokenizer(folder):
    return parse_tokenizer(peer("llama3", begin=True).to_str().encode())


def llama_2_tokenizer(folder):
    return parse_tokenizer(spaced_peer().to_str().encode())


@pytest.mark.parametrize(
    ("architecture", "tokenizer_in", "begin", "end"),
    [
        ("gpt2", gpt2_tokenizer, "<|endoftext|>", "<|endoftext|>"),
        ("llama", llama_tokenizer, "<|begin|>", "<|end|>"),
        ("llama", llama_2_tokenizer, "<s>", "</s>"),
    ],
)
def test_texts_begin_and_end_as_for_the_harnesss_own_adapter(
    tmp_path, monkeypatch, architecture, tokenizer_in, begin, end
):
    pytest.importorskip("accelerate", reason="accelerate is not installed: see requirements-dev.txt")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from lm_eval.models.huggingface import HFLM

    tokenizer, text = tokenizer_in(tmp_path), "It's now 12345"
    shape = {"n_layer": 1, "n_head": 2, "n_embd": 16, "block_size": 64, "tied": "off"}
    settings = parse_settings({"architecture": architecture} | shape)
    model = build_gpt(settings.model, tokenizer.vocab_size, seed=1).eval().requires_grad_(False)
    torch.manual_seed(1)  # one with which it does not write the same token all the time
    for weight in model.parameters():
        weight.add_(0.5 * torch.randn_like(weight))
    greedily = SamplingSettings(temperature=0, max_new_tokens=8)
    first, *others = generate(model, tokenizer.encode(text), greedily)
    fresh = next(token for token in others if token != first)
    ended = tokenizer.special_tokens[end]
    model.lm_head.weight[ended] = 1.001 * model.lm_head.weight[fresh]  # so that it is written instead

    marks = Marks(tokenizer.special_tokens[begin], (ended,))
    export_model(model, tokenizer, tmp_path / "theirs", "", marks)
    mine = HarnessModel(model, tokenizer, marks)
    theirs = HFLM(str(tmp_path / "theirs"), device="cpu", dtype="float32", batch_size=1)
    assert (mine.prefix_token_id, mine.eot_token_id) == (theirs.prefix_token_id, theirs.eot_token_id)
    pairs = [("It's", " now"), ("", "now"), ("", f"{begin} now"), (f"{begin}12 ", "345")]
    asked = [
        ("loglikelihood", instances("loglikelihood", *pairs)),
        ("loglikelihood_rolling", instances("loglikelihood_rolling", (text,), ("o'clock",))),
    ]
    for ask, requests in asked:
        ours, expected = (getattr(lm, ask)(requests) for lm in (mine, theirs))
        assert torch.tensor(ours) == pytest.approx(torch.tensor(expected), abs=1e-3)
    requests = instances("generate_until", (text, {"max_gen_toks": 8, "until": ["zzz"]}))
    ours, expected = (lm.generate_until(requests) for lm in (mine, theirs))
    assert ours == expected and ours != [""] and end not in ours[0]


@pytest.mark.parametrize("name", ["max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens"])
def test_however_a_task_says_how_much_may_be_written(asked, name):
    requests = instances("generate_until", ("moo", {name: 4, "until": None}), ("moo", {name: 4, "until": ""}))
    assert [len(written) for written in asked.generate_until(requests)] == [4, 4]


@pytest.mark.parametrize("blank", [" ", "\n", " \n "])
def test_a_context_of_white_space_only_is_read(asked, blank):
    ((nats, _),) = asked.loglikelihood(instances("loglikelihood", (blank, "moo")), disable_tqdm=True)
    assert nats == pytest.approx(by_hand(asked, "\n", blank + "moo")[0], abs=1e-4)


def test_sampling_and_unknown_characters_are_refused(asked):
    with pytest.raises(ValueError, match="first guess"):
        asked.generate_until(instances("generate_until", ("moo", {"do_sample": True})))
    with pytest.raises(UnknownCharacter):
        asked.loglikelihood(instances("loglikelihood", ("moo", " 7")), disable_tqdm=True)


def test_the_harness_measures_what_the_arithmetic_says(asked, task_folder):
    found = lm_eval.simple_evaluate(
        asked,
        tasks=["tiny_animals"],
        task_manager=TaskManager(include_path=str(task_folder), include_defaults=False),
        bootstrap_iters=0,
    )["results"]["tiny_animals"]
    right = right_by_length = 0
    for question in QUESTIONS:
        scores = []
        for choice in question["choices"]:
            context, continuation = question["question"], " " + choice
            ids = asked.tokens.encode(context + continuation)
            log_p, n = 0.0, len(asked.tokens.encode(continuation))
            for start in range(len(ids) - n, len(ids), BLOCK):
                end = min(start + BLOCK, len(ids))
                first = max(0, end - 1 - BLOCK)
                with torch.no_grad():
                    guesses = asked.model(torch.tensor([ids[first : end - 1]]))[0].log_softmax(-1)
                log_p += sum(guesses[at - 1 - first, ids[at]].item() for at in range(start, end))
            scores.append((log_p, log_p / len(choice)))
        right += max(range(len(scores)), key=lambda i: scores[i][0]) == question["answer"]
        right_by_length += max(range(len(scores)), key=lambda i: scores[i][1]) == question["answer"]
    assert math.isclose(found["acc,none"], right / len(QUESTIONS))
    assert math.isclose(found["acc_norm,none"], right_by_length / len(QUESTIONS))


def test_without_a_line_end_among_the_letters_a_text_begins_with_the_first_token(asked):
    letters = HarnessModel(asked.model, CharTokenizer(ALPHABET.replace("\n", "!")))
    assert letters.prefix_token_id == 0
    assert letters.loglikelihood_rolling([Instance("loglikelihood_rolling", {}, ("cat",), 0)])[0] < 0
