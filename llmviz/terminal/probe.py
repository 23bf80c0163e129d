"""python -m llmviz probe: the numbers behind the pictures. So far there is one: attention."""

import argparse
from typing import TYPE_CHECKING

from llmviz.runs.film import readable
from llmviz.terminal.mistakes import Mistake, explained
from llmviz.terminal.models import HELP as MODEL_HELP
from llmviz.terminal.models import OpenedModel, open_model
from llmviz.terminal.output import print_json, quoted

if TYPE_CHECKING:
    from llmviz.model import GPT
    from llmviz.probes import AttentionMaps

NAME = "probe"
HELP = "look inside a model: attention"
MOST_LOOKED_AT = 5
MOST_WEIGHTS = 20_000_000  # as text they take 400 MB, and 1.5 GB of memory on the way there


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The probe's name, MODEL and a prompt."""
    parser.add_argument("probe", metavar="NAME", choices=["attention"], help="what to look at: attention")
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument("--prompt", required=True, metavar="TEXT", help="the text that the model reads")
    parser.add_argument(
        "--json",
        action="store_true",
        help='print {"tokens": [T], "attention": [n_layer][n_head][T][T]} instead',
    )


def run(options: argparse.Namespace) -> int:
    """The attention of every layer and head over the prompt; of a long one, over its end."""
    opened = open_model(options.model)

    from llmviz.probes import attention
    from llmviz.text.tokenizers import TokenizerError

    with explained(TokenizerError):
        ids = opened.tokenizer.encode(options.prompt)
    _require_room(opened.model, ids)
    with explained(ValueError):  # an empty prompt
        maps = attention(opened.model, ids)
    if not maps.weights.isfinite().all():
        raise Mistake(f"The model of step {opened.step} has diverged: its attention is not a number.")
    tokens = [readable([piece]) for piece in opened.tokenizer.tokens(maps.ids)]
    if options.json:
        print_json(
            {"tokens": tokens, "attention": maps.weights.tolist(), "ids": maps.ids, "step": opened.step}
        )
    else:
        _print(opened, tokens, maps)
    return 0


def _require_room(model: "GPT", ids: list[int]) -> None:
    """Large models have many heads, and a map of each has as many weights as a text has pairs of tokens."""
    from llmviz.probes import longest_text

    tokens, most = min(len(ids), model.config.block_size), longest_text(model, MOST_WEIGHTS)
    if tokens > most:
        heads = model.config.n_layer * model.config.n_head
        raise Mistake(
            f"The maps of {tokens:,} tokens in {heads:,} heads would be {heads * tokens**2:,} numbers: "
            f"give a prompt of at most {most:,} tokens."
        )


def _print(opened: OpenedModel, tokens: list[str], maps: "AttentionMaps") -> None:
    """What the last token looks at most, for every head; all the rest is in --json."""
    print(f"Step {opened.step:,}. What the last of {maps.T} tokens, {quoted(tokens[-1])}, looks at most:")
    for layer in range(maps.n_layer):
        for head in range(maps.n_head):
            weights, places = maps.weights[layer, head, -1].topk(min(MOST_LOOKED_AT, maps.T))
            looks = (
                f"{quoted(tokens[place])} at {place + 1}: {weight:.0%}"
                for weight, place in zip(weights.tolist(), places.tolist(), strict=True)
            )
            print(f"  layer {layer + 1} head {head + 1}   " + "   ".join(looks))
