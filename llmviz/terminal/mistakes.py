"""How a command says what is wrong: one plain sentence for each mistake, and exit status 2."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Mistake(Exception):
    """Something the reader can put right. `sentences` holds one plain sentence for each mistake."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


@contextmanager
def explained(*errors: type[Exception]) -> Iterator[None]:
    """Errors of other rooms that already are plain sentences, turned into a Mistake."""
    try:
        yield
    except errors as error:
        raise Mistake(*getattr(error, "sentences", [str(error)])) from error


def read_bytes(path: str | Path) -> bytes:
    """The content of a file. Raises Mistake when there is none or it cannot be read."""
    path = Path(path)
    if not path.exists():
        raise Mistake(f"There is no file {path}.")
    if not path.is_file():
        raise Mistake(f"{path} is not a file.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise Mistake(f"{path} cannot be read: {error.strerror}.") from error


def read_text(path: str | Path) -> str:
    """The text of a file. Raises Mistake when there is none, or when it is something else than text."""
    from llmviz.text.datasets import TextError, decode_text

    try:
        return decode_text(read_bytes(path))
    except TextError as error:
        raise Mistake(f"{path}: {error}") from error
