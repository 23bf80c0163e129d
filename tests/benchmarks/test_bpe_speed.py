"""Training byte-level BPE on 1 MB to 1,024 tokens, beside Hugging Face's `tokenizers` in the same run."""

import json
import statistics
import time

import pytest
import tokenizers
from tokenizers import models, pre_tokenizers, trainers

from llmviz.text import load_corpus, train_bpe

ROUNDS = 5
ALLOWED_RATIO = 20


def train_peer(text):
    peer = tokenizers.Tokenizer(models.BPE())
    peer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=1024, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    peer.train_from_iterator(text.splitlines(keepends=True), trainer)  # lines, so that it may use every core


def seconds(function, *arguments):
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


@pytest.mark.benchmark
@pytest.mark.parametrize("corpus", ["stories", "dinosaurs", "python-source"])
def test_training_takes_under_twenty_times_the_peers_time(corpus):
    text = load_corpus(corpus)
    assert len(text) > 900_000
    ours, peers = [], []
    for _ in range(ROUNDS):  # in turns, so that both meet the same machine
        ours.append(seconds(train_bpe, text, 1024))
        peers.append(seconds(train_peer, text))
    mine, theirs = statistics.median(ours), statistics.median(peers)
    print(f"\n{corpus}: {mine:.2f} s, tokenizers {theirs:.2f} s, {mine / theirs:.2f}×")
    assert mine / theirs < ALLOWED_RATIO


@pytest.mark.benchmark
def test_encoding_a_megabyte_takes_no_longer_than_five_times_the_peer():
    text = load_corpus("python-source")
    ours = train_bpe(text, 1024)
    peer = tokenizers.Tokenizer.from_str(json.dumps(ours.to_json()))
    mine = statistics.median(seconds(ours.encode, text) for _ in range(ROUNDS))
    theirs = statistics.median(seconds(peer.encode, text) for _ in range(ROUNDS))
    print(f"\nencoding 1 MB: {mine:.2f} s, tokenizers {theirs:.2f} s, {mine / theirs:.2f}×")
    assert mine / theirs < 5
