"""Long answers of text are compressed on their way to the browser. Gradio does that for files alone, which it
knows by their names: neither for its page nor for what a route of ours says."""

import re

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

# Only what is said at once: a stream has to arrive piece by piece.
_AT_ONCE = re.compile(
    r"/|/gradio_api/run/\w+"
    r"|/gradio_api/llmviz/(poll|runs|lessons|code/\w+|runs/[\w-]+(/(words|diagnostics|metrics\.csv))?)"
)
SHORT = 1_000  # bytes: less fits into a packet or two anyway


class Compression:
    """Middleware: gzip for the answers above, where the browser takes it."""

    def __init__(self, app: ASGIApp) -> None:
        self.plain, self.compressed = app, GZipMiddleware(app, minimum_size=SHORT, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        at_once = scope["type"] == "http" and _AT_ONCE.fullmatch(scope["path"])
        await (self.compressed if at_once else self.plain)(scope, receive, send)
