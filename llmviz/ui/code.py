"""Show me the code: for each panel, the lines of this program that computed its picture.

The sources are read as text, with `ast`: the server shows code that needs torch without importing it. Only
what `PANELS` names can be read.
"""

import ast
import io
import keyword
import textwrap
import tokenize
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from llmviz.runs import Refused
from llmviz.settings.choices import WRITTEN_OUT

ROOT = Path(__file__).parents[2]
ARCHITECTURES = (*WRITTEN_OUT, "variant")
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True)
class Piece:
    """A function, class, method or constant that is worth reading, and why."""

    file: str  # from the repository's root; {architecture} stands for that of the model in view
    name: str  # qualified: "Trainer.step"
    says: str  # one sentence


_NEXT_TOKEN = Piece(
    "llmviz/generation/sampling.py",
    "_next_token",
    "One token: the scores, what is allowed of them, the dice.",
)
_FILTERS = Piece(
    "llmviz/generation/filters.py", "filter_logits", "Temperature, top-k and top-p, in this order."
)
_GENERATE = Piece(
    "llmviz/generation/sampling.py", "generate", "Guess a token, add it to the text, read the whole again."
)
_BLOCK = "llmviz/model/{architecture}.py"
# A model that is put together has its parts in files of their own, a bigram has no blocks at all.
_PARTS = {"CausalSelfAttention": "llmviz/model/heads.py", "Block": "llmviz/model/variant.py"}
_TABLE = Piece("llmviz/model/bigram.py", "Bigram.embed", "The whole model: a row of its table.")

PANELS: dict[str, tuple[Piece, ...]] = {
    "chart": (
        Piece(
            "llmviz/training/trainer.py",
            "Trainer.step",
            "One step. A point of the training line is one, later on the mean of several.",
        ),
        Piece(
            "llmviz/training/objectives.py",
            "next_token_objective",
            "The loss: surprise at the true next token.",
        ),
        Piece(
            "llmviz/training/schedule.py",
            "learning_rate_at",
            "How far a step goes: up a ramp, down a cosine.",
        ),
        Piece("llmviz/evaluation/loss.py", "evaluate", "The validation line: text that is not learned from."),
        Piece("llmviz/evaluation/loss.py", "_score", "The surprise in one batch of that text."),
    ),
    "health": (
        Piece("llmviz/probes/diagnostics.py", "diagnose", "One examination: a batch, read half by half."),
        Piece("llmviz/probes/diagnostics.py", "_read_half", "Forward and backward, without leaving a trace."),
        Piece("llmviz/probes/diagnostics.py", "_mean_and_noise", "How much of a gradient is chance."),
        Piece("llmviz/probes/diagnostics.py", "_dead_units", "Units that no token has heard from."),
        Piece("llmviz/probes/diagnostics.py", "attention_entropy", "How widely each head looks around."),
        Piece("llmviz/probes/diagnostics.py", "WeightSample", "How far a step moves the weights."),
        Piece("llmviz/probes/readings.py", "_uneven", "One of the readings: numbers become a sentence."),
    ),
    "diagram": (
        Piece("llmviz/model/diagram.py", "_Parts.before", "From tokens to the start of the stream."),
        Piece("llmviz/model/diagram.py", "_Parts.block", "A block: two halves, each added to the stream."),
        Piece("llmviz/model/diagram.py", "_Parts.attention", "What attention is made of, and costs."),
        Piece("llmviz/model/diagram.py", "_Parts.mlp", "What the MLP is made of."),
        Piece("llmviz/model/size.py", "n_parameters", "The same count for the model as a whole."),
        Piece("llmviz/model/size.py", "flops_per_token", "And its operations."),
    ),
    "film": (
        Piece("llmviz/runs/film.py", "is_film_step", "Which steps have a row of their own."),
        Piece(
            "llmviz/runs/film.py", "write_sample", "A row: the same beginning and the same dice each time."
        ),
        _GENERATE,
        _NEXT_TOKEN,
        _FILTERS,
    ),
    "tokens": (
        Piece(
            "llmviz/text/tokenizers/chars.py", "CharTokenizer.encode", "Letters: a number for each character."
        ),
        Piece(
            "llmviz/text/tokenizers/bytes.py", "ByteTokenizer.encode", "Bytes: the numbers are there already."
        ),
        Piece("llmviz/text/tokenizers/words.py", "WORD", "Byte-pair tokens, first: cut the text into words."),
        Piece(
            "llmviz/text/tokenizers/bpe_merging.py",
            "merge_word",
            "Then, in each word, join what was learned.",
        ),
        Piece(
            "llmviz/text/tokenizers/bpe_training.py",
            "train_merges",
            "How that was learned: join the most frequent neighbours, again and again.",
        ),
    ),
    "attention": (
        Piece("llmviz/model/attention.py", "attention_with_weights", "The weights that the map shows."),
        Piece(
            _BLOCK,
            "CausalSelfAttention.queries_keys_values",
            "Where queries, keys and values come from.",
        ),
        Piece(_BLOCK, "CausalSelfAttention.forward_with_attention", "All heads of a block at once."),
        Piece(
            _BLOCK,
            "Block.forward_with_intermediates",
            "A block: what attention brings is added, never replaced.",
        ),
        Piece(
            "llmviz/model/gpt.py",
            "GPT.forward_with_intermediates",
            "Block after block; what they did is kept.",
        ),
    ),
    "sample": (
        _GENERATE,
        _NEXT_TOKEN,
        Piece(
            "llmviz/generation/filters.py",
            "filter_logits",
            "What is allowed. The bars follow the same rules in your browser (assets/js/logits.js).",
        ),
        Piece("llmviz/generation/filters.py", "keep_top_k", "Top-k: only the k largest."),
        Piece("llmviz/generation/filters.py", "keep_top_p", "Top-p: as few as reach p together."),
        Piece(
            "llmviz/model/gpt.py", "GPT.residual_stream", "Where the scores come from: through all blocks."
        ),
        Piece(_BLOCK, "Block.forward", "One of these blocks."),
    ),
}


@cache
def code_of(panel: str, architecture: str = "") -> list[dict[str, Any]]:
    """The pieces of a panel: {"name", "says", "file", "line", "parts"}.

    architecture: that of the model in view; "" is GPT-2's. parts: [kind, text] pairs, which joined are the
    code; kind is "quiet" for comments and docstrings, "keyword", or "". Raises Refused for what is unknown.
    """
    if panel not in PANELS:
        raise Refused([f"There is no code to show for this panel: choose {', '.join(PANELS)}."], 404)
    architecture = architecture or ARCHITECTURES[0]
    if architecture not in ARCHITECTURES:
        raise Refused([f"There is no such architecture: choose {' or '.join(ARCHITECTURES)}."], 404)
    return [_shown(piece) for piece in _pieces(panel, architecture)]


def _pieces(panel: str, architecture: str) -> list[Piece]:
    """The pieces of a panel, from the files of this architecture."""
    if architecture == "bigram":
        of_all = [piece for piece in PANELS[panel] if piece.file != _BLOCK]
        return [_TABLE, *of_all] if len(of_all) < len(PANELS[panel]) else of_all
    placed = []
    for piece in PANELS[panel]:
        part = _PARTS.get(piece.name.split(".")[0], "") if architecture == "variant" else ""
        placed.append(replace(piece, file=part or piece.file.format(architecture=architecture)))
    return placed


def _shown(piece: Piece) -> dict[str, Any]:
    line, code = read_piece(ROOT / piece.file, piece.name)
    return {"name": piece.name, "says": piece.says, "file": piece.file, "line": line, "parts": coloured(code)}


def read_piece(path: Path, name: str) -> tuple[int, str]:
    """The number of its first line, and the code, moved to the left margin. Raises LookupError."""
    source = path.read_text(encoding="utf-8")
    found: ast.Module | Definition = ast.parse(source)
    for part in name.split("."):
        found = _member(found, part)
    first = min([found.lineno, *(decorator.lineno for decorator in getattr(found, "decorator_list", []))])
    lines = source.splitlines()[first - 1 : found.end_lineno]
    return first, textwrap.dedent("\n".join(lines))


def _member(parent: ast.Module | Definition, name: str) -> Definition:
    for node in getattr(parent, "body", []):
        if isinstance(node, Definition) and name in _names(node):
            return node
    raise LookupError(f"there is no {name} here")


def _names(node: Definition) -> list[str]:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [target.id for target in targets if isinstance(target, ast.Name)]
    return [node.name]


def coloured(code: str) -> list[tuple[str, str]]:
    """The code in (kind, text) parts, so that the page may dim comments without knowing Python."""
    starts = [0]  # where each line begins
    for line in code.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    parts, at, before = [], 0, tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        kind = _kind(token, before)
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            before = token.type
        if kind:
            start, end = (starts[row - 1] + column for row, column in (token.start, token.end))
            parts += [("", code[at:start]), (kind, code[start:end])]
            at = end
    return [part for part in [*parts, ("", code[at:])] if part[1]]


def _kind(token: tokenize.TokenInfo, before: int) -> str:
    """before: the type of the token before it; a string at the start of a statement is a docstring."""
    starts_statement = before in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and starts_statement):
        return "quiet"
    return "keyword" if token.type == tokenize.NAME and keyword.iskeyword(token.string) else ""
