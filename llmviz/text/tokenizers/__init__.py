"""Text to ids and back. Read the ladder in order, each file adds one idea:

1. `base`: what every tokenizer can do.
2. `chars`: one token a character.
3. `bytes`: one token a byte.
4. `words`: GPT-2's first cut of a text, before any merge.
5. `bpe_training`: learning merges.
6. `bpe_merging`: applying them to a word.
7. `bpe`: the three together.
8. `cuts`: the first cut as other models make it, and `templates`: what they put before a text.
9. `spaced`: BPE over characters instead of bytes, and `special`: texts that always are one token.
10. `files`: opening a ``tokenizer.json`` that somebody else may have written.
11. `tiktoken_files`: OpenAI's vocabularies, where they can be had.
"""

from llmviz.text.tokenizers.base import Tokenizer, TokenizerError, TokenizerUnavailable, UnknownCharacter
from llmviz.text.tokenizers.bpe import BPETokenizer, train_bpe
from llmviz.text.tokenizers.bytes import ByteTokenizer
from llmviz.text.tokenizers.chars import CharTokenizer
from llmviz.text.tokenizers.files import load_tokenizer, parse_tokenizer
from llmviz.text.tokenizers.spaced import SpacedTokenizer
from llmviz.text.tokenizers.tiktoken_files import TIKTOKEN_NAMES, tiktoken_encoding

__all__ = [
    "TIKTOKEN_NAMES",
    "BPETokenizer",
    "ByteTokenizer",
    "CharTokenizer",
    "SpacedTokenizer",
    "Tokenizer",
    "TokenizerError",
    "TokenizerUnavailable",
    "UnknownCharacter",
    "load_tokenizer",
    "parse_tokenizer",
    "tiktoken_encoding",
    "train_bpe",
]
