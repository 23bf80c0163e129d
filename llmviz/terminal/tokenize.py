"""python -m llmviz tokenize: a text, cut into tokens."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from llmviz.runs.film import readable
from llmviz.terminal.mistakes import explained
from llmviz.terminal.models import find_run, open_tokenizer
from llmviz.terminal.output import print_json, quoted

if TYPE_CHECKING:
    from llmviz.text.tokenizers import Tokenizer

NAME = "tokenize"
HELP = "cut a text into tokens"
TIKTOKEN = ("gpt2", "cl100k_base", "o200k_base")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """TEXT and the tokenizer."""
    parser.add_argument("text", metavar="TEXT", help="the text; one that begins with a dash comes after --")
    parser.add_argument(
        "--tokenizer",
        default="bytes",
        metavar="NAME|FILE",
        help="chars (the characters of TEXT itself), bytes, gpt2, cl100k_base, o200k_base (these three are "
        "downloaded once), a tokenizer.json, or a MODEL [default bytes]",
    )
    parser.add_argument("--json", action="store_true", help='print {"ids", "tokens", "bytes"} instead')


def run(options: argparse.Namespace) -> int:
    """Print each token with its id and its bytes."""
    from llmviz.text.tokenizers import TokenizerError

    with explained(TokenizerError):
        tokenizer = find_tokenizer(options.tokenizer, options.text)
        ids = tokenizer.encode(options.text)
    pieces = tokenizer.tokens(ids)
    tokens = [readable([piece]) for piece in pieces]
    if options.json:
        print_json({"ids": ids, "tokens": tokens, "bytes": [piece.hex() for piece in pieces]})
        return 0
    for token_id, token, piece in zip(ids, tokens, pieces, strict=True):
        print(f"{token_id:>7}  {quoted(token):<20}  {piece.hex(' ')}")
    n_bytes = len(options.text.encode("utf-8"))
    each = f", {n_bytes / len(ids):.2f} bytes a token" if ids else ""
    print(f"{len(ids):,} tokens, {n_bytes:,} bytes{each}")
    return 0


def find_tokenizer(name: str, text: str) -> "Tokenizer":
    """The tokenizer of that name. Raises Mistake or TokenizerError."""
    from llmviz.text.tokenizers import ByteTokenizer, CharTokenizer, load_tokenizer, tiktoken_encoding

    if name == "bytes":
        return ByteTokenizer()
    if name == "chars":
        return CharTokenizer.train(text)
    if name in TIKTOKEN:
        return tiktoken_encoding(name)
    if Path(name).is_file():
        return load_tokenizer(name)
    run, _ = find_run(name)
    return open_tokenizer(run)
