"""How the host says no: one plain sentence for each reason, and the status a web route answers with."""

import contextlib
import errno
from collections.abc import Iterator

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no room at all, no room for us, no room in a file


class Refused(ValueError):
    """A wish that cannot be granted. `sentences`: why not, each in plain words; `status`: as in HTTP."""

    def __init__(self, sentences: list[str], status: int = 400) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences
        self.status = status


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error is Python's, PyTorch's or a graphics card's way of saying that memory did not do."""
    words = str(error)
    return isinstance(error, MemoryError) or "allocate memory" in words or "out of memory" in words


@contextlib.contextmanager
def disk_troubles_told() -> Iterator[None]:
    """Refuse in a sentence what the disk does not allow. Also a decorator."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            sentence = "The disk of this machine is full: delete something, for example a run, and try again."
        else:
            sentence = f"The files could not be read or written: {error.strerror or type(error).__name__}."
        raise Refused([sentence], status=507) from error
