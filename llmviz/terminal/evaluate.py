"""python -m llmviz evaluate: loss, perplexity, bits per byte over all of the validation text."""

import argparse
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from llmviz.terminal.mistakes import Mistake, explained, read_text
from llmviz.terminal.models import HELP as MODEL_HELP
from llmviz.terminal.models import OpenedModel, open_data, open_model
from llmviz.terminal.output import print_json

if TYPE_CHECKING:
    from llmviz.evaluation import Evaluation

NAME = "evaluate"
HELP = "measure a model on text it has not seen"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, and a text of the reader's own."""
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument(
        "--data", metavar="FILE", help="measure on all of this text instead of the run's own validation text"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(options: argparse.Namespace) -> int:
    """The full sweep of DESIGN §5; never an estimate."""
    text = read_text(options.data) if options.data else None
    opened = open_model(options.model)
    found = {"step": opened.step} | _measure(opened, text)
    if not math.isfinite(found["loss"]):
        raise Mistake(f"The model of step {opened.step} has diverged: its loss is not a number.")
    if not math.isfinite(found["perplexity"]):
        found["perplexity"] = None  # JSON has no infinity
    if options.json:
        print_json(found)
    else:
        _print(found)
    return 0


def _measure(opened: OpenedModel, text: str | None) -> dict[str, Any]:
    from llmviz.text.tokenizers import TokenizerError

    if text is None:
        with open_data(opened.run) as data:
            return asdict(_evaluate(opened, data.val)) | {
                "best_possible_loss": data.meta["best_possible_loss"]
            }
    with explained(TokenizerError):
        return asdict(_evaluate(opened, opened.tokenizer.encode(text)))


def _evaluate(opened: OpenedModel, ids: Any) -> "Evaluation":
    from llmviz.evaluation import evaluate

    with explained(ValueError):  # a text of one token: nothing to predict
        return evaluate(opened.model, ids, opened.model.config.block_size, opened.tokenizer)


def _print(found: dict[str, Any]) -> None:
    best = found.get("best_possible_loss")
    print(
        f"loss           {found['loss']:.4f} nats a token" + (f" (best possible {best:.4f})" if best else "")
    )
    if found["perplexity"] is not None:
        print(f"perplexity     {found['perplexity']:.3f}: it chooses among about so many tokens")
    print(f"bits per byte  {found['bits_per_byte']:.4f}")
    print(f"accuracy       {found['accuracy']:.1%} of first guesses are right")
    print(f"measured on    {found['n_tokens']:,} tokens ({found['n_bytes']:,} bytes), step {found['step']:,}")
