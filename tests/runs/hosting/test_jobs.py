"""Jobs: real numbers from a process of its own, streamed, fair, bounded, and back again after a crash."""

import asyncio
import base64
import os
import signal
import struct
import time

import pytest
import torch

from llmviz.probes import unpack_maps
from llmviz.runs import jobkinds
from llmviz.runs.jobclient import MAX_TEXT
from llmviz.runs.opened import OpenedModels
from llmviz.runs.refusal import Refused


@pytest.fixture
def ask(shared_host, finished):
    """All messages of one job about a finished run."""
    return lambda kind, **payload: list(shared_host.submit(kind, {"run": finished} | payload).messages(60))


def test_attention_is_that_of_the_model(ask):
    (message,) = ask("attention", text="abac")
    maps = unpack_maps(message["maps"], message["n_layer"], message["n_head"], message["T"])
    assert message["tokens"] == list("abac") and message["T"] == 4
    assert message["token_bytes"] == ["61", "62", "61", "63"]
    assert abs(maps.sum(-1) - 1).max() < 0.05, "each row sums to 1, but for the packing"
    assert message["step"] == 30


def test_attention_at_an_earlier_step_is_another(ask):
    (before,) = ask("attention", text="abac", step=0)
    (after,) = ask("attention", text="abac", step=30)
    assert before["step"] == 0
    assert before["maps"] != after["maps"]


def test_a_sample_comes_token_by_token(ask):
    first, *tokens, last = ask("sample", prompt="ab", max_new_tokens=6, seed=3)
    assert first == {"prompt_tokens": ["a", "b"], "step": 30}
    assert len(tokens) == 6
    assert all(bytes.fromhex(token["bytes"]).decode() == token["text"] for token in tokens)
    assert last == {"done": True, "reason": "length"}
    assert ask("sample", prompt="ab", max_new_tokens=6, seed=3) == [first, *tokens, last], "the same seed"


def test_logits_of_the_whole_vocabulary(ask):
    (message,) = ask("logits", text="ab", vocab=True)
    values = struct.unpack(f"<{len(message['vocab'])}f", base64.b64decode(message["logits"]))
    assert len(values) == len(message["vocab"]) > 10
    (again,) = ask("logits", text="ab")
    assert "vocab" not in again and again["logits"] == message["logits"]


def test_of_a_long_text_only_the_last_scores_are_computed(shared_host, finished, monkeypatch):
    """For 50,000 tokens and a context of 1,024 all of them would be 200 MB, and take seconds."""
    folder, models = shared_host.library.get(finished).run.path, OpenedModels()
    model = models.get(folder).model
    expected = model(torch.tensor([models.tokenizer(folder).encode("abac")]))[0, -1]
    monkeypatch.setattr(model, "forward", None)
    (message,) = [m for m in jobkinds.logits(models, folder, {"text": "abac"}) if m]
    values = struct.unpack(f"<{len(expected)}f", base64.b64decode(message["logits"]))
    torch.testing.assert_close(torch.tensor(values), expected, atol=1e-5, rtol=1e-5)


def test_tokenizers_side_by_side(ask, shared_host):
    answers = {}
    for message in ask("tokenize", text="a😊", names=["chars", "bytes", "model", "nonsense"]):
        answers |= message
    assert answers["chars"]["tokens"] == ["a", "😊"]
    assert answers["bytes"]["bytes"] == [[0x61], [0xF0], [0x9F], [0x98], [0x8A]]
    assert "😊" in answers["model"]["error"], "a character the vocabulary lacks is named"
    assert "nonsense" in answers["nonsense"]["error"]
    assert (
        list(shared_host.submit("tokenize", {"text": "", "names": ["chars"]}).messages(60))[0]["chars"]["ids"]
        == []
    )


def test_the_film_of_another_prompt(ask):
    messages = ask("film", prompt="ab")
    assert [row["step"] for row in messages[-1]["rows"]] == [0, 4, 16, 30]
    assert len(messages) == 4, "rows are sent as they are ready"
    assert all(row["text"] for row in messages[-1]["rows"])


def test_the_passport_counts_parameters(ask, shared_host, finished):
    (passport,) = ask("passport")
    assert passport["n_parameters"] == shared_host.summary(finished)["n_parameters"]


@pytest.mark.parametrize(
    ("kind", "payload", "part"),
    [
        ("attention", {"text": "日本"}, "日"),
        ("sample", {"prompt": "日本"}, "日"),
        ("attention", {"text": "ab", "step": 7}, "step 7"),
    ],
)
def test_what_cannot_be_computed_is_said_in_a_sentence(ask, kind, payload, part):
    (message,) = ask(kind, **payload)
    assert part in message["error"] and message["error"].endswith(".")


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("attention", {"text": "x" * (MAX_TEXT + 1)}),
        ("attention", {"text": 7}),
        ("attention", {"text": "a", "step": "../../etc/passwd"}),
        ("sample", {"prompt": "a", "max_new_tokens": 10**9}),
        ("sample", {"prompt": "a", "temperature": float("nan")}),
        ("sample", {"prompt": "a", "top_p": -1, "top_k": "many"}),
        ("tokenize", {"text": "a", "names": ["chars"] * 100}),
        ("tokenize", {"text": "a", "names": "chars"}),
        ("explode", {}),
        ("__class__", {}),
    ],
)
def test_bad_questions_are_refused_in_sentences(shared_host, finished, kind, payload):
    with pytest.raises(Refused) as refused:
        shared_host.submit(kind, {"run": finished} | payload)
    assert all(sentence.endswith(".") for sentence in refused.value.sentences)


def test_jobs_take_turns(shared_host, finished):
    """A short question asked after long ones is answered long before they end."""
    question = {"run": finished, "prompt": "a", "max_new_tokens": 2000}
    long = [shared_host.submit("sample", question) for _ in range(5)]
    for job in long:
        next(job.messages(60))
    list(shared_host.submit("attention", {"run": finished, "text": "ab"}).messages(60))
    told = [len(job._messages) for job in long]
    assert max(told) < 1500
    for job in long:
        job.cancel()
    assert min(told) > 0 or max(told) < 10, "all of them move"


def test_thirty_long_generations_at_once_all_move(shared_host, finished):
    """None waits for another; and who asks for attention or tokens meanwhile has them soon."""
    question = {"run": finished, "prompt": "a", "max_new_tokens": 600, "temperature": 1.0}
    jobs = [shared_host.submit("sample", question | {"seed": n}, owner=f"owner {n}") for n in range(30)]
    for job in jobs:
        next(job.messages(60))
    time.sleep(0.5)
    asked = time.monotonic()
    list(shared_host.submit("attention", {"run": finished, "text": "ab"}, owner="another").messages(60))
    list(shared_host.submit("tokenize", {"text": "ab", "names": ["chars"]}, owner="another").messages(60))
    answered = time.monotonic() - asked
    told = [len(job._messages) for job in jobs]
    for job in jobs:
        job.cancel()
    print(f"tokens of thirty: {min(told)}–{max(told)}; two answers in between in {answered:.2f} s")
    assert max(told) < 600, "none of them has ended yet"
    assert min(told) > 0 and min(told) >= max(told) / 2
    assert answered < 2


def test_who_asks_for_much_keeps_nobody_waiting(shared_host, finished):
    question = {"run": finished, "prompt": "a", "max_new_tokens": 2000}
    greedy = [shared_host.submit("sample", question, owner="greedy") for _ in range(20)]
    modest = shared_host.submit("sample", question, owner="modest")
    for job in greedy:
        next(job.messages(60))
    time.sleep(0.3)
    told, most = len(modest._messages), max(len(job._messages) for job in greedy)
    with pytest.raises(Refused, match="too much at once"):
        for _ in range(20):
            greedy.append(shared_host.submit("sample", question, owner="greedy"))
    for job in [*greedy, modest]:
        job.cancel()
    assert told > 5 * most


def test_cancelling_ends_a_job(shared_host, finished):
    job = shared_host.submit("sample", {"run": finished, "prompt": "a", "max_new_tokens": 2000})
    messages = job.messages(60)
    next(messages)
    job.cancel()
    assert len(list(messages)) < 1990
    assert not shared_host.jobs._jobs


def test_listening_from_asyncio_does_not_hold_up_the_loop(shared_host, finished):
    async def listen():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        question = {"run": finished, "prompt": "a", "max_new_tokens": 300}
        messages = [message async for message in shared_host.submit("sample", question).amessages()]
        ticking.cancel()
        return messages, ticks

    messages, ticks = asyncio.run(listen())
    assert len(messages) == 302
    assert ticks >= 1


def test_a_killed_process_is_replaced_and_its_jobs_get_a_sentence(shared_host, finished, until):
    until(lambda: shared_host.jobs.ready)
    before = shared_host.jobs.pid
    job = shared_host.submit("sample", {"run": finished, "prompt": "a", "max_new_tokens": 2000})
    messages = job.messages(60)
    next(messages)
    os.kill(before, signal.SIGKILL)
    assert "try once more" in list(messages)[-1]["error"]
    until(lambda: shared_host.jobs.ready and shared_host.jobs.pid != before)
    assert list(
        shared_host.submit("sample", {"run": finished, "prompt": "a", "max_new_tokens": 1}).messages(60)
    )[-1]["done"]


def test_a_slot_is_withheld_while_somebody_waits(shared_host, finished):
    turns = shared_host.lives.scheduler.turns
    job = shared_host.submit("sample", {"run": finished, "prompt": "a", "max_new_tokens": 2000})
    assert turns._withheld_since is not None
    job.cancel()
    deadline = time.monotonic() + 20
    while turns._withheld_since is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_attention_of_a_long_text_stays_small_enough_to_send(shared_host, finished, monkeypatch):
    monkeypatch.setattr(jobkinds, "MAX_WEIGHTS", 20)  # 1 layer with 2 heads: 4 tokens are 20 weights
    folder = shared_host.library.get(finished).run.path
    messages = jobkinds.attention(OpenedModels(), folder, {"text": "abacab"})
    (message,) = [message for message in messages if message]
    assert (message["T"], message["cut"], message["tokens"]) == (4, 2, list("acab"))
    assert message["context"] == OpenedModels().get(folder).model.config.block_size
    assert len(base64.b64decode(message["maps"])) == 20
