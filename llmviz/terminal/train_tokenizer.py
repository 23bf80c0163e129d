"""python -m llmviz train-tokenizer: learn a vocabulary from a text."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from llmviz.settings import FIELDS, SettingsError, parse_settings
from llmviz.terminal.flags import explain, given_settings
from llmviz.terminal.mistakes import Mistake, explained, read_text
from llmviz.terminal.output import print_json

if TYPE_CHECKING:
    from llmviz.text.tokenizers import Tokenizer

NAME = "train-tokenizer"
HELP = "learn a tokenizer from a text"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE, the kind of tokenizer, its size and where it goes."""
    parser.add_argument("file", metavar="FILE", help="the text to learn from (UTF-8)")
    parser.add_argument(
        "--kind", choices=["bpe", "chars"], default="bpe", help="byte pairs or characters [bpe]"
    )
    parser.add_argument(
        "--vocab-size", default=argparse.SUPPRESS, metavar="X", help=explain(FIELDS["vocab_size"][1])
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="the tokenizer.json to write")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(options: argparse.Namespace) -> int:
    """Learn, and write a file in the Hugging Face format."""
    with explained(SettingsError):
        vocab_size = parse_settings(given_settings(options)).data.vocab_size
    out = Path(options.out)
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise Mistake(f"{out} cannot be written: --out names a file in a folder that exists.")
    text = read_text(options.file)
    if not text:
        raise Mistake(f"{options.file} is empty: there is nothing to learn from.")
    started = time.perf_counter()
    tokenizer = _train(options.kind, text, vocab_size)
    seconds = time.perf_counter() - started
    tokenizer.save(out)
    if options.json:
        print_json(
            {"out": str(out), "kind": options.kind, "vocab_size": tokenizer.vocab_size, "seconds": seconds}
        )
    else:
        print(f"{tokenizer.vocab_size:,} tokens learned in {seconds:.1f} s; written to {out}")
        if options.kind == "bpe" and tokenizer.vocab_size < vocab_size:
            print(f"The text has no more pairs to join, so there are fewer than {vocab_size:,}.")
    return 0


def _train(kind: str, text: str, vocab_size: int) -> "Tokenizer":
    from llmviz.text.tokenizers import BPETokenizer, CharTokenizer, TokenizerError

    with explained(TokenizerError):
        return CharTokenizer.train(text) if kind == "chars" else BPETokenizer.train(text, vocab_size)
