"""What stands before every route, Gradio's own included: closed doors, bounds on bodies and rates, headers.

Plain ASGI, so that a stream passes through message by message. Our own routes bound their bodies more tightly
and check the rest; this is for all that Gradio opens by itself.
"""

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llmviz.runs import Host
from llmviz.runs.rates import TooOften
from llmviz.ui.compression import Compression

OURS = "/gradio_api/llmviz/"
EVENT = 4_000_000  # bytes of an event, beside a text of the reader's own: four for each of its letters
# Gradio's routes that this page never needs: uploads, its file server and proxy, tools for developers.
_CLOSED = re.compile(
    r"(/gradio_api)?/(upload|upload_progress|proxy=|file=|file/|stream/|deep_link|process_recording|dev/|vibe-"
    r"|undo-vibe-|run-history|profiling|monitoring|custom_component|runs/?$)"
)
_EVENTS = ("/gradio_api/queue/join", "/gradio_api/run/", "/gradio_api/api/", "/gradio_api/call/")
_SPACES = "https://huggingface.co https://*.huggingface.co https://hf.co https://*.hf.space"
_FEATURES = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
# Gradio's page has scripts and styles in its text and builds functions out of templates.
_PAGE = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; "
)
_CHECK_PAGE = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "


def guards(host: Host, environ: Mapping[str, str]) -> list[Middleware]:
    """The middleware for `launch(app_kwargs=…)`, the outermost first."""
    on_space = bool(environ.get("SPACE_ID"))
    return [
        Middleware(SafeHeaders, on_space=on_space),
        Middleware(Compression),
        Middleware(ClosedDoors),
        Middleware(RateLimit, host=host, on_space=on_space),
        Middleware(BodyLimit, limit=4 * host.limits.text + EVENT),
    ]


class SafeHeaders:
    """The headers that a careful app sends. A page of ours is shown in frames of its own site only, and on a
    Space in that of Spaces; there the policy says no more than that, for Spaces adds scripts of its own."""

    def __init__(self, app: ASGIApp, on_space: bool) -> None:
        self.app = app
        frames = f"frame-ancestors 'self'{' ' + _SPACES if on_space else ''}"
        self.page = frames if on_space else _PAGE + frames
        self.check_page = _CHECK_PAGE + frames

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        policy = self.check_page if scope["path"] == f"{OURS}check" else self.page

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Permissions-Policy"] = _FEATURES
                headers["Content-Security-Policy"] = policy
            await send(message)

        await self.app(scope, receive, send_with_headers)


class ClosedDoors:
    """Routes of Gradio's that this page has no use for answer as if they were not there."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _CLOSED.match(scope["path"]):
            return await _refuse(send, 404, "There is nothing here.")
        await self.app(scope, receive, send)


class RateLimit:
    """Counts requests: by browser where it says who it is, by address, and altogether."""

    def __init__(self, app: ASGIApp, host: Host, on_space: bool) -> None:
        self.app, self.host, self.on_space = app, host, on_space

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        owner, address = headers.get("x-llmviz-owner", ""), self._address(scope, headers)
        scope["llmviz_address"] = address
        try:
            for kind in kinds_of(scope["method"], scope["path"]):
                self.host.rates.spend(kind, owner, address)
        except TooOften as refused:
            return await _refuse(send, 429, refused.sentences[0], retry_after=refused.seconds)
        await self.app(scope, receive, send)

    def _address(self, scope: Scope, headers: Headers) -> str:
        """Who is at the other end. Only on a Space is a header believed: its proxy writes it, the newest
        entry last; anywhere else anybody could write one."""
        direct = scope["client"][0] if scope.get("client") else ""
        if not self.on_space:
            return direct
        return next(_public_addresses(headers.get("x-forwarded-for", "")), direct)


def kinds_of(method: str, path: str) -> list[str]:
    """As what a request counts."""
    kinds = ["request"]
    if path.startswith(f"{OURS}job/"):
        kinds.append("sample" if path.endswith("/sample") else "picture")
    elif path in (f"{OURS}open", f"{OURS}import") or path.endswith("/export"):
        kinds.append("upload")
    elif method == "POST" and path.startswith(_EVENTS):
        kinds.append("event")
    return kinds


class BodyLimit:
    """Bounds what is sent to a route of Gradio's, however it is sent. Ours bound theirs themselves."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(OURS):
            return await self.app(scope, receive, send)
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced) > self.limit:
            return await self._refuse(send)
        received, answered = 0, False

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                return {"type": "http.disconnect"}  # nobody reads any further
            return message

        async def send_unless_too_long(message: Message) -> None:
            nonlocal answered
            if received <= self.limit or answered:
                answered = True
                await send(message)

        try:
            await self.app(scope, counted, send_unless_too_long)
        except Exception:
            if received <= self.limit:
                raise
        if received > self.limit and not answered:
            await self._refuse(send)

    async def _refuse(self, send: Send) -> None:
        await _refuse(send, 413, f"That is too long: at most {self.limit // 1_000_000} MB can be sent.")


def _public_addresses(forwarded: str) -> Iterator[str]:
    """The addresses of an X-Forwarded-For that are not those of a private network, the newest first."""
    for part in reversed(forwarded[-1000:].split(",")):
        try:
            address = ipaddress.ip_address(part.strip())
        except ValueError:
            continue
        if address.is_global:
            yield str(address)


async def _refuse(send: Send, status: int, sentence: str, retry_after: int | None = None) -> None:
    """One plain sentence as JSON; `detail` is where Gradio's own page looks for it."""
    body: dict[str, Any] = {"errors": [sentence], "detail": sentence}
    headers = [(b"content-type", b"application/json")]
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
