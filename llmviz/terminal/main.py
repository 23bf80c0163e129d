"""The commands, put together: which there are, and what they return to the shell.

Exit status: 0 done; 2 bad input, with one plain sentence a mistake on stderr; 1 training came to nothing;
130 interrupted by Ctrl-C.
"""

import argparse
import os
import sys
from typing import NoReturn

from llmviz.terminal import (
    evaluate,
    exporting,
    harness,
    importing,
    probe,
    sample,
    ship,
    tokenize,
    train,
    train_tokenizer,
)
from llmviz.terminal.mistakes import Mistake
from llmviz.terminal.output import tolerate_any_character

COMMANDS = (train, sample, evaluate, harness, probe, tokenize, train_tokenizer, importing, exporting, ship)


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake is one sentence and not also half a page of usage."""

    def error(self, message: str) -> NoReturn:
        if "expected one argument" in message:
            message += " (a value that begins with a dash is written as --flag=VALUE)"
        print(f"{self.prog}: {message}. Try --help.", file=sys.stderr)
        sys.exit(2)


def build_parser() -> argparse.ArgumentParser:
    """All commands with all their flags. Needs no torch."""
    parser = Parser(
        prog="python -m llmviz",
        description="Train a small GPT and look inside it. The page does the same: python app.py",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for command in COMMANDS:
        added = commands.add_parser(
            command.NAME, help=command.HELP, description=command.HELP, allow_abbrev=False
        )
        command.add_arguments(added)
        added.set_defaults(run=command.run)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; returns its exit status."""
    tolerate_any_character()
    # Has to be set before torch loads: with libgomp's default, threads that wait for one another burn the
    # cores they wait for, and another busy process makes a training step fifty times slower.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    try:
        options = build_parser().parse_args(arguments)
        return options.run(options)
    except Mistake as mistake:
        print(*mistake.sentences, sep="\n", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output has seen enough, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"{error.filename or 'The disk'} cannot be used: {error.strerror or error}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
