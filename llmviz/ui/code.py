"""Show me the code: for each panel, the lines of this program that computed its picture.

The sources are read as text, with `ast`: the server shows code that needs torch without importing it. Only
what `pieces.py` and `modelpieces.py` name can be read.
"""

import ast
import io
import keyword
import textwrap
import tokenize
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from llmviz.runs import Refused
from llmviz.settings import ModelSettings
from llmviz.ui.liveshapes import with_numbers
from llmviz.ui.modelpieces import attention_pieces, sample_pieces
from llmviz.ui.pieces import ALWAYS, Piece

ROOT = Path(__file__).parents[2]
OF_MODELS = {"attention": attention_pieces, "sample": sample_pieces}
PANELS = (*ALWAYS, *OF_MODELS)
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Assign | ast.AnnAssign


def pieces_of(panel: str, model: ModelSettings) -> list[Piece]:
    """The pieces of a panel that shows this model. Raises Refused for a panel that is not known."""
    if panel not in PANELS:
        raise Refused([f"There is no code to show for this panel: choose {', '.join(PANELS)}."], 404)
    return list(OF_MODELS[panel](model) if panel in OF_MODELS else ALWAYS[panel])


def code_of(
    panel: str, model: ModelSettings | None = None, sizes: dict[str, int] | None = None
) -> list[dict[str, Any]]:
    """The pieces of a panel: {"name", "says", "file", "line", "parts"}.

    model: the one in view; None is GPT-2. sizes: what its letters stand for just now (`sizes_of`).
    parts: [kind, text] pairs, which joined are the code, but for those of kind "shape", which are added to
    it; kind is "quiet" for comments and docstrings, "keyword", "shape", or "". Raises Refused.
    """
    return [_shown(piece, sizes or {}) for piece in pieces_of(panel, model or ModelSettings())]


def _shown(piece: Piece, sizes: dict[str, int]) -> dict[str, Any]:
    line, code = read_piece(ROOT / piece.file, piece.name)
    parts = list(_sized(coloured(code), sizes))
    return {"name": piece.name, "says": piece.says, "file": piece.file, "line": line, "parts": parts}


def _sized(parts: Iterable[tuple[str, str]], sizes: dict[str, int]) -> Iterable[tuple[str, str]]:
    for kind, text in parts:
        yield from with_numbers(text, sizes) if kind == "quiet" and sizes else [(kind, text)]


@cache
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
