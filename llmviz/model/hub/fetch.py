"""A model's files from the Hub, fetched with nothing but the standard library. No torch.

    model = find_on_hub("openai-community/gpt2")     one request: which files, how large
    model.fetch_description(folder)                  config.json and tokenizer.json: what it would be
    model.fetch_weights(folder, most=10**9)          the weights, after a look at their size

No token is sent, though there may be one on this machine: only what everybody may read is fetched. A file may
not be longer than was announced, and has to have the hash that was announced. Two routes are used, as
`huggingface_hub` uses them: `/api/models/NAME/revision/main?blobs=true` lists the files, and
`/NAME/resolve/VERSION/FILE` is one of them, mostly by way of a redirection.
"""

import hashlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from llmviz.model.hub.checkpoint import CONFIG, INDEX, TOKENIZER, WEIGHTS, indexed_files, read_object
from llmviz.model.hub.errors import ForeignModelError
from llmviz.model.hub.naming import hub_name

HUB = "https://huggingface.co"
PATIENCE = 30.0  # seconds without a byte
KNOCKS = 5.0  # seconds in which a Hub that can be reached at all says something
SLOWEST = 20_000  # bytes a second, on the whole: one model comes at a time, and others wait for it
CHUNK = 1 << 20
MAX_LISTING = 20_000_000  # bytes
MAX_DESCRIPTION = {CONFIG: 10_000_000, TOKENIZER: 32_000_000, INDEX: 10_000_000}  # bytes
Progress = Callable[[int, int], object]  # (bytes here, bytes in all)


@dataclass(frozen=True)
class HubFile:
    """One file of a model, as the Hub announces it."""

    size: int
    sha256: str | None  # of large files only


@dataclass(frozen=True)
class HubModel:
    """A model on the Hub at one version, and its files."""

    name: str
    revision: str
    files: dict[str, HubFile] = field(repr=False)
    endpoint: str = HUB

    def fetch_description(self, folder: Path) -> None:
        """Everything but the weights: small, and enough to say what the model would be."""
        for name in (CONFIG, TOKENIZER):
            if name not in self.files:
                raise ForeignModelError(f"{self.name} has no {name}, so LLMViz cannot open it.")
            self._fetch(name, folder, MAX_DESCRIPTION[name])

    def fetch_weights(self, folder: Path, most: int, progress: Progress = lambda *_: None) -> None:
        """The weights, at most `most` bytes of them. Raises ForeignModelError before the first byte comes."""
        names = self._weight_files(folder)
        total, done = sum(self.files[name].size for name in names), 0
        if total > most:
            raise ForeignModelError(
                f"The weights of {self.name} are {total / 1e6:,.0f} MB; at most {most / 1e6:,.0f} MB can be "
                "fetched here: choose a smaller model."
            )
        for name in names:
            self._fetch(name, folder, most, lambda here, before=done: progress(before + here, total))
            done += self.files[name].size

    def _weight_files(self, folder: Path) -> list[str]:
        if WEIGHTS in self.files:
            return [WEIGHTS]
        if INDEX not in self.files:
            raise ForeignModelError(
                f"{self.name} has no weights as safetensors. Other kinds are pickled, and opening such a "
                "file would run whatever is in it."
            )
        self._fetch(INDEX, folder, MAX_DESCRIPTION[INDEX])
        names = indexed_files(read_object(folder / INDEX))
        if missing := [name for name in names if name not in self.files]:
            raise ForeignModelError(f"{self.name} lacks {missing[0][:60]}, which its index names.")
        return names

    def _fetch(self, name: str, folder: Path, most: int, progress: Callable[[int], object] = int) -> None:
        announced = self.files[name]
        if announced.size > most:
            raise ForeignModelError(f"The {name} of {self.name} is too large: {announced.size:,} bytes.")
        address = f"{self.endpoint}/{self.name}/resolve/{quote(self.revision, safe='')}/{quote(name)}"
        digest, here = hashlib.sha256(), 0
        with _opened(address, self.name) as answer, open(folder / name, "wb") as file:
            for piece in _pieces(answer, announced.size + 1):
                here += len(piece)
                if here > announced.size:
                    break
                digest.update(piece)
                file.write(piece)
                progress(here)
        if here != announced.size or announced.sha256 not in (None, digest.hexdigest()):
            raise ForeignModelError(f"{name} did not arrive as the Hub announced it: please try again.")


def hub_endpoint() -> str:
    """The Hub's address, or that of a mirror which HF_ENDPOINT names. Raises ForeignModelError offline, and
    for what is no address."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise ForeignModelError(
            "This machine is set to be offline (HF_HUB_OFFLINE), so the Hub is not asked."
        )
    mirror = os.environ.get("HF_ENDPOINT", "").rstrip("/")
    if mirror and not _is_address(mirror):
        raise ForeignModelError(
            f"HF_ENDPOINT is “{mirror[:60]}”, but it has to be an address such as {HUB}: write it like that, "
            "or leave it out."
        )
    return mirror or HUB


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is no number
        return False


def hub_answers(endpoint: str | None = None) -> bool:
    """Whether anything at all comes back from the Hub."""
    try:
        asked = Request(endpoint or hub_endpoint(), method="HEAD", headers={"User-Agent": "llmviz"})
        build_opener(_CarefulRedirects).open(asked, timeout=KNOCKS).close()
    except HTTPError:  # a refusal is an answer
        return True
    except (OSError, HTTPException, ValueError, ForeignModelError):
        return False
    return True


def find_on_hub(name: object, endpoint: str | None = None) -> HubModel:
    """What the Hub says of a public model. Raises ForeignModelError for every other answer."""
    named, endpoint = hub_name(name), endpoint or hub_endpoint()
    with _opened(f"{endpoint}/api/models/{named}/revision/main?blobs=true", named) as answer:
        content = b"".join(_pieces(answer, MAX_LISTING))
    try:
        told = json.loads(content)
        if told.get("gated") or told.get("private") or told.get("disabled"):
            raise _not_public(named)
        files = {str(one["rfilename"]): _announced(one) for one in told["siblings"]}
        return HubModel(named, str(told["sha"])[:64], files, endpoint)
    except ForeignModelError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise ForeignModelError("The Hub's answer could not be understood; please try again later.") from None


def _announced(told: dict[str, Any]) -> HubFile:
    stored = told.get("lfs") or {}
    size = stored.get("size", told.get("size"))
    return HubFile(max(0, int(size or 0)), stored.get("sha256"))


class _CarefulRedirects(HTTPRedirectHandler):
    """The Hub sends us to where large files lie; never from an encrypted connection to another kind."""

    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str):
        if urlsplit(newurl).scheme not in {"https", urlsplit(req.full_url).scheme}:
            raise URLError("it was redirected to an address that is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opened(address: str, name: str) -> Any:
    """The answer to a request. Raises ForeignModelError."""
    request = Request(address, headers={"User-Agent": "llmviz", "Accept-Encoding": "identity"})
    try:
        return build_opener(_CarefulRedirects).open(request, timeout=PATIENCE)
    except HTTPError as error:
        raise _refusal(error.code, name) from None
    except (OSError, HTTPException, ValueError) as error:
        raise _unreachable(error) from None


def _pieces(answer: Any, most: int) -> Iterator[bytes]:
    """What comes, as it comes, and no more than `most` bytes. Raises ForeignModelError where it comes so
    slowly that nobody would wait for the end."""
    started, here = time.monotonic(), 0
    while here < most:
        try:
            piece = answer.read1(min(CHUNK, most - here))
        except (OSError, HTTPException) as error:
            raise _unreachable(error) from None
        if not piece:
            return
        here += len(piece)
        if time.monotonic() - started > PATIENCE + here / SLOWEST:
            raise ForeignModelError("The Hub sends too slowly just now: please try again later.")
        yield piece


def _unreachable(error: Exception) -> ForeignModelError:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError | socket.timeout):
        return ForeignModelError("The Hub has not answered for half a minute: please try again later.")
    return ForeignModelError(
        "The Hub cannot be reached from this machine, which may be offline: connect it and try again, or "
        "import a folder from the terminal with python -m llmviz import."
    )


def _refusal(status: int, name: str) -> ForeignModelError:
    if status in (401, 404):  # without a token the Hub does not say which
        return ForeignModelError(f"There is no public model called {name} on the Hub.")
    if status == 403:
        return _not_public(name)
    if status == 429:
        return ForeignModelError("The Hub is asked too often from here: please try again in some minutes.")
    return ForeignModelError(f"The Hub answered with a fault ({status}): please try again later.")


def _not_public(name: str) -> ForeignModelError:
    return ForeignModelError(
        f"{name} is not open to everybody: the Hub asks who you are first, and LLMViz sends no token. "
        "Download it yourself and import the folder from the terminal."
    )
