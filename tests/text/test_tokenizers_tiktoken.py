"""tiktoken's vocabularies: the real loading code on a tiny one, and a quick plain sentence offline."""

import base64
import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import tiktoken
from tiktoken.load import load_tiktoken_bpe
from tiktoken_ext import openai_public

from llmviz.text.tokenizers import TIKTOKEN_NAMES, TokenizerError, TokenizerUnavailable, tiktoken_encoding
from llmviz.text.tokenizers import tiktoken_files as module
from llmviz.text.tokenizers.tiktoken_files import TiktokenLibrary, TiktokenTokenizer

RANKS = [bytes([byte]) for byte in range(256)] + [b"he", b"ll", b"hell", b" w", b"hello"]
FILE = b"".join(base64.b64encode(token) + b" %d\n" % rank for rank, token in enumerate(RANKS))


def constructor(url):
    def tiny():
        return {
            "name": "cl100k_base",
            "pat_str": r" ?\p{L}+|[^\p{L}]",
            "mergeable_ranks": load_tiktoken_bpe(url),
            "special_tokens": {"<|endoftext|>": 300},
        }

    return tiny


@pytest.fixture
def server():
    """Serves FILE, or nothing for ever at /hang; counts the requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.paths.append(self.path)
            if self.path == "/hang":
                self.server.released.wait(20)
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(FILE)

        def log_message(self, *args):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    http.paths, http.released = [], threading.Event()
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield http
    http.released.set()
    http.shutdown()
    http.server_close()


@pytest.fixture
def library(monkeypatch, tmp_path, server):
    """A fresh library whose cl100k_base is the tiny vocabulary, fetched from the local server."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "*")

    def serve(path, **options):
        url = f"http://127.0.0.1:{server.server_port}{path}"
        for name in TIKTOKEN_NAMES:
            monkeypatch.setitem(openai_public.ENCODING_CONSTRUCTORS, name, constructor(url))
        monkeypatch.setattr(module, "_LIBRARY", TiktokenLibrary(module._load_encoding, **options))
        return url

    return serve


def test_a_vocabulary_is_fetched_read_and_kept(library, server, tmp_path):
    url = library("/tiny")
    tokenizer = tiktoken_encoding("cl100k_base")
    ids = tokenizer.encode("hello world 😊")
    assert tokenizer.tokens(ids)[:2] == [b"hello", b" w"]
    assert tokenizer.tokens(ids)[-4:] == [b"\xf0", b"\x9f", b"\x98", b"\x8a"]
    assert tokenizer.decode(ids) == "hello world 😊"
    assert (tokenizer.name, tokenizer.kind, tokenizer.vocab_size) == ("cl100k_base", "tiktoken", 301)
    assert (tmp_path / hashlib.sha1(url.encode()).hexdigest()).read_bytes() == FILE
    assert tiktoken_encoding("cl100k_base") is tokenizer
    assert len(server.paths) == 1


def test_a_cached_file_needs_no_network(library, server, tmp_path):
    url = library("/cached")
    (tmp_path / hashlib.sha1(url.encode()).hexdigest()).write_bytes(FILE)
    assert tiktoken_encoding("cl100k_base").encode("hello") == [260]
    assert server.paths == []


def test_a_server_that_never_answers_costs_a_bounded_wait_once(library, server):
    library("/hang", wait_seconds=0.5, cache_seconds=0.1, retry_seconds=60)
    started = time.monotonic()
    for _ in range(5):
        for name in TIKTOKEN_NAMES:
            with pytest.raises(TokenizerUnavailable, match=f"files of {name} are not on this machine"):
                tiktoken_encoding(name)
    assert time.monotonic() - started < 2.5  # 0.5 s, twice 0.1 s, and then at once
    assert len(server.paths) == 3


def test_after_a_while_it_is_tried_again(library):
    attempts = []

    def load(name):
        attempts.append(name)
        if len(attempts) == 1:
            raise OSError("no network")
        return TiktokenTokenizer(tiktoken.Encoding(**constructor_of_bytes()))

    tries = TiktokenLibrary(load, retry_seconds=0.2)
    with pytest.raises(TokenizerUnavailable):
        tries.get("gpt2")
    with pytest.raises(TokenizerUnavailable):
        tries.get("gpt2")
    assert len(attempts) == 1
    time.sleep(0.25)
    assert tries.get("gpt2").encode("a") == [97]


def constructor_of_bytes():
    return {
        "name": "gpt2",
        "pat_str": r"[\s\S]",
        "mergeable_ranks": {bytes([byte]): byte for byte in range(256)},
        "special_tokens": {},
    }


def test_special_tokens_in_a_text_are_read_as_text(library):
    library("/tiny")
    tokenizer = tiktoken_encoding("cl100k_base")
    assert 300 not in tokenizer.encode("<|endoftext|>")
    assert tokenizer.token_bytes(300) == b"<|endoftext|>"
    with pytest.raises(TokenizerError, match="leaves the number 299 unused"):
        tokenizer.token_bytes(299)


def test_refusals(library, tmp_path):
    library("/tiny")
    tokenizer = tiktoken_encoding("cl100k_base")
    with pytest.raises(TokenizerError, match="half of a character"):
        tokenizer.encode("\ud83d")
    with pytest.raises(TokenizerError, match="OpenAI's"):
        tokenizer.save(tmp_path / "tokenizer.json")
    with pytest.raises(TokenizerError, match="and no 'p50k_base'"):
        tiktoken_encoding("p50k_base")
