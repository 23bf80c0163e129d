"""OpenAI's vocabularies (GPT-2, GPT-4, GPT-4o) through `tiktoken`, when they can be had.

tiktoken fetches their files at first use and keeps them in a cache folder (`TIKTOKEN_CACHE_DIR`). It
waits for the network without a limit, so we load in a thread and stop waiting after a few seconds; the
thread may finish later and fill the cache. While the network is known to be down we don't ask again.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from llmviz.text.tokenizers.base import Tokenizer, TokenizerError, TokenizerUnavailable, utf8_bytes

if TYPE_CHECKING:
    import tiktoken

TIKTOKEN_NAMES = ("gpt2", "cl100k_base", "o200k_base")


class TiktokenTokenizer(Tokenizer):
    """A `tiktoken.Encoding` behind our interface. Special tokens in a text are read as plain text."""

    kind = "tiktoken"

    def __init__(self, encoding: tiktoken.Encoding) -> None:
        self._encoding = encoding

    @property
    def name(self) -> str:
        return self._encoding.name

    @property
    def vocab_size(self) -> int:
        return self._encoding.n_vocab

    def encode(self, text: str) -> list[int]:
        utf8_bytes(text)  # tiktoken would put U+FFFD for half a character and not say so
        return self._encoding.encode_ordinary(text)

    def token_bytes(self, token_id: int) -> bytes:
        try:
            return self._encoding.decode_single_token_bytes(self.check_id(token_id))
        except KeyError:
            raise TokenizerError(f"{self.name} leaves the number {token_id} unused.") from None

    def to_json(self) -> NoReturn:
        raise TokenizerError(f"{self.name} is OpenAI's to publish; LLMViz does not write it to a file.")


class TiktokenLibrary:
    """The encodings loaded so far, and the memory of what could not be had.

    Args:
        load: makes the tokenizer of a name; may raise anything, or take for ever.
        wait_seconds: how long a caller waits for it.
        cache_seconds: how long instead while the network is known to be down: enough for a cached file.
        retry_seconds: how long a failure is remembered.
    """

    def __init__(
        self,
        load: Callable[[str], Tokenizer],
        wait_seconds: float = 4.0,
        cache_seconds: float = 1.0,
        retry_seconds: float = 120.0,
    ) -> None:
        self._load = load
        self._wait_seconds = wait_seconds
        self._cache_seconds = cache_seconds
        self._retry_seconds = retry_seconds
        self._loaded: dict[str, Tokenizer] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._retry_at: dict[str, float] = {}

    def get(self, name: str) -> Tokenizer:
        """The tokenizer, or `TokenizerUnavailable` after at most `wait_seconds`."""
        now = time.monotonic()
        if name not in self._loaded and now >= self._retry_at.get(name, 0.0):
            is_down = any(now < retry_at for retry_at in self._retry_at.values())
            self._start(name).join(self._cache_seconds if is_down else self._wait_seconds)
            if name not in self._loaded:
                self._retry_at[name] = time.monotonic() + self._retry_seconds
        if name in self._loaded:  # perhaps by a thread that nobody waited for any more
            return self._loaded[name]
        raise TokenizerUnavailable(
            f"The files of {name} are not on this machine and could not be downloaded just now;"
            " the other tokenizers work without them."
        )

    def _start(self, name: str) -> threading.Thread:
        thread = self._threads.get(name)
        if thread is None or not thread.is_alive():
            thread = threading.Thread(target=self._run, args=(name,), daemon=True, name=f"tiktoken-{name}")
            self._threads[name] = thread
            thread.start()
        return thread

    def _run(self, name: str) -> None:
        # no network, a proxy's error page, a full disk: to the reader it is all one, the files are not there
        with contextlib.suppress(Exception):
            self._loaded[name] = self._load(name)


def _load_encoding(name: str) -> TiktokenTokenizer:
    """As `tiktoken.get_encoding`, which holds one lock for all names while it downloads one of them."""
    from tiktoken import Encoding
    from tiktoken_ext.openai_public import ENCODING_CONSTRUCTORS

    return TiktokenTokenizer(Encoding(**ENCODING_CONSTRUCTORS[name]()))


_LIBRARY = TiktokenLibrary(_load_encoding)


def tiktoken_encoding(name: str) -> Tokenizer:
    """One of `TIKTOKEN_NAMES`. Raises `TokenizerUnavailable` within seconds when it can't be had."""
    if name not in TIKTOKEN_NAMES:
        raise TokenizerError(
            f"Of tiktoken's vocabularies there are {', '.join(TIKTOKEN_NAMES)}, and no {name!r}."
        )
    return _LIBRARY.get(name)
