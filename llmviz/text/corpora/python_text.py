"""Text that comes with every Python: its own documentation, and the source code of its standard library.

Both are read from the running interpreter, in an order that does not depend on the machine. They differ
between versions of Python, so whoever names such a text names the version, too.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from llmviz.text.corpora.base import CorpusText, Document

# Typographic signs that the documentation has and a keyboard has not. One spelling for each keeps the number
# of different characters, and with it the vocabulary of a character model, small.
_PLAIN = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "--", "…": "...", "\t": "    "}
)

# Modules worth reading first: short, plain, about things a learner has met. The others follow by name.
_GOOD_READS = (
    "random statistics fractions bisect heapq textwrap calendar string collections functools contextlib "
    "dataclasses enum copy queue sched shlex cmd csv json argparse difflib pprint reprlib graphlib turtle"
)
# Left out: tables, tests, and text about text.
_DULL = {
    "antigravity",
    "pydoc_data",
    "test",
    "idlelib",
    "lib2to3",
    "encodings",
    "site-packages",
    "turtledemo",
    "this",
}


def python_docs(seed: int, n_chars: int) -> CorpusText:
    """Python's own documentation, topic by topic in order of their names. The seed changes nothing."""
    from pydoc_data.topics import topics

    return _joined((_clean(topics[name]) for name in sorted(topics)), n_chars)


def python_source(seed: int, n_chars: int) -> CorpusText:
    """Source code of the standard library, module by module. The seed changes nothing."""
    return _joined((_clean(source) for source in _sources(Path(sysconfig.get_path("stdlib")))), n_chars)


def _sources(stdlib: Path) -> Iterator[str]:
    """Modules of the standard library that are written in ASCII: good reads first, then by name, then
    packages."""
    modules = {path.stem: path for path in stdlib.glob("*.py")}
    packages = {path.parent.name: path.parent for path in stdlib.glob("*/__init__.py")}
    names = sorted({*modules, *packages} - _DULL, key=lambda name: (name.startswith("_"), name))
    for name in dict.fromkeys([*(name for name in _GOOD_READS.split() if name in names), *names]):
        paths = [modules[name]] if name in modules else sorted(packages[name].glob("*.py"))
        for path in paths:
            data = path.read_bytes()
            if data.isascii() and data.strip():
                yield data.decode("ascii")


def _clean(text: str) -> str:
    """Plain signs, no space at the end of a line, at most one empty line in a row, and one at the very
    end."""
    lines: list[str] = []
    for line in text.translate(_PLAIN).splitlines():
        line = "".join(letter for letter in line.rstrip() if letter.isascii() and letter.isprintable())
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).strip("\n") + "\n\n"


def _joined(texts: Iterable[str], n_chars: int) -> CorpusText:
    """The texts one after the other up to `n_chars` characters, the last one cut at the end of a line."""
    pieces, documents, at = [], [], 0
    for text in texts:
        if at + len(text) > n_chars:
            text = text[: text.rfind("\n", 0, n_chars - at) + 1]
        if not text:
            break
        pieces.append(text)
        documents.append(Document(at, at + len(text), None))
        at += len(text)
    return CorpusText("".join(pieces), documents)
