"""Where texts begin and end: as the makers of a model said, as far as its tokenizer has such tokens."""

import pytest

from llmviz.model.hub import Marks, marks_for
from llmviz.text.tokenizers import ByteTokenizer, parse_tokenizer
from tests.text.peers import peer
from tests.text.test_tokenizers_files import peer_in_gpt2_layout


def with_begin():
    return parse_tokenizer(peer("llama3", begin=True).to_str().encode())


def with_end_of_text():
    return parse_tokenizer(peer_in_gpt2_layout(["<|end|>", "<|endoftext|>"]).to_str().encode())


@pytest.mark.parametrize(
    ("tokenizer", "source", "expected"),
    [
        (ByteTokenizer, None, Marks()),
        (ByteTokenizer, {"bos_token_id": 1, "eos_token_id": 10}, Marks(1, (10,))),
        (with_begin, {"name": "a/b", "revision": None}, Marks(0)),
        (with_begin, {"bos_token_id": 5, "eos_token_id": [1, 9]}, Marks(5, (1, 9))),
        (with_end_of_text, None, Marks(1, (1,))),
        (
            with_end_of_text,
            {"bos_token_id": 50_256, "eos_token_id": 50_256},
            Marks(1, (1,)),
        ),  # GPT-2's
        (with_end_of_text, {"bos_token_id": None, "eos_token_id": 0}, Marks(1, (0,))),
    ],
)
def test_whose_marks_count(tokenizer, source, expected):
    assert marks_for(tokenizer(), source) == expected
