"""python -m llmviz sample: the model carries on a prompt, token by token."""

import argparse
import codecs
from collections.abc import Iterable, Iterator

from llmviz.settings import SettingsError, parse_settings
from llmviz.terminal.flags import add_setting_flags, given_settings
from llmviz.terminal.mistakes import explained
from llmviz.terminal.models import HELP as MODEL_HELP
from llmviz.terminal.models import OpenedModel, open_model
from llmviz.terminal.output import print_json

NAME = "sample"
HELP = "let a model write"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, and the settings of sampling."""
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    add_setting_flags(parser, ["sampling"])
    parser.add_argument(
        "--seed", dest="sample_seed", default=argparse.SUPPRESS, metavar="X", help="the same as --sample-seed"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(options: argparse.Namespace) -> int:
    """Write the prompt and what the model makes of it, each token as soon as it is there."""
    with explained(SettingsError):
        settings = parse_settings(given_settings(options)).sampling
    opened = open_model(options.model)

    from llmviz.generation import NotFinite, first_ids, generate
    from llmviz.text.tokenizers import TokenizerError

    with explained(TokenizerError, NotFinite):
        prompt_ids = first_ids(opened.tokenizer, settings.prompt)
        new_ids = generate(opened.model, prompt_ids, settings)
        if options.json:
            ids = list(new_ids)
            print_json(_as_json(opened, settings.prompt, prompt_ids, ids) | settings.model_dump())
        else:
            print(settings.prompt, end="", flush=True)
            for piece in characters(opened.tokenizer.token_bytes(token) for token in new_ids):
                print(piece, end="", flush=True)
            print()
    return 0


def characters(pieces: Iterable[bytes]) -> Iterator[str]:
    """Bytes as text as soon as their characters are whole: 😊 may come in several tokens."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for piece in pieces:
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def _as_json(opened: OpenedModel, prompt: str, prompt_ids: list[int], ids: list[int]) -> dict:
    completion = "".join(characters(opened.tokenizer.tokens(ids)))
    return {
        "step": opened.step,
        "text": prompt + completion,
        "completion": completion,
        "prompt_ids": prompt_ids,
        "ids": ids,
    }
