"""The teacher's routes, all under /gradio_api/llmviz/teacher/. Every check is `host.teaching`'s.

The session travels in the header X-LLMViz-Teacher. Only the one download has its right in its address: a
random ticket that works once, for a browser saves to disk only what it fetches by itself.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse

from llmviz.runs import Host
from llmviz.ui.stream import PING_SECONDS, encode

GLANCE_SECONDS = 1.0

Reader = Callable[[Request], Awaitable[dict[str, Any]]]
Handler = Callable[[Request], Awaitable[Response]]


def session_of(request: Request) -> str:
    """The teacher's session that a request carries; empty where it has none."""
    return request.headers.get("x-llmviz-teacher", "")[:200]


def teacher_table(host: Host, json_body: Reader) -> list[tuple[str, str, Handler]]:
    """(method, path, handler) of every route. json_body: reads the body of a request as a JSON object."""
    teaching = host.teaching

    async def sign_in(request: Request) -> Response:
        body = await json_body(request)
        return JSONResponse({"session": teaching.sign_in(body.get("password"), _address(request))})

    async def sign_out(request: Request) -> Response:
        teaching.sign_out(session_of(request))
        return JSONResponse({})

    async def watch(request: Request) -> Response:
        teaching.require(session_of(request))
        return StreamingResponse(
            _glances(host, session_of(request)),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )

    async def look(request: Request) -> Response:
        teaching.require_watching(session_of(request))
        return Response(await run_in_threadpool(teaching.view.encoded), media_type="application/json")

    async def command(request: Request) -> Response:
        key, action = request.path_params["key"], request.path_params["action"]
        await run_in_threadpool(teaching.command, session_of(request), key, action)
        return JSONResponse({})

    async def open_run(request: Request) -> Response:
        key = request.path_params["key"]
        return JSONResponse({"run": await run_in_threadpool(teaching.open, session_of(request), key)})

    async def freeze(request: Request) -> Response:
        wanted = (await json_body(request)).get("frozen") is True
        await run_in_threadpool(teaching.freeze, session_of(request), wanted)
        return JSONResponse({})

    async def clear(request: Request) -> Response:
        return JSONResponse({"deleted": await run_in_threadpool(teaching.clear, session_of(request))})

    async def plan(request: Request) -> Response:
        await run_in_threadpool(teaching.plan, session_of(request), await json_body(request))
        return JSONResponse({})

    async def deadline(request: Request) -> Response:
        at = (await json_body(request)).get("deadline")
        await run_in_threadpool(teaching.end_at, session_of(request), at)
        return JSONResponse({})

    async def pack(request: Request) -> Response:
        return JSONResponse({"ticket": await run_in_threadpool(teaching.zip_class, session_of(request))})

    async def fetch(request: Request) -> Response:
        path = teaching.fetch(request.path_params["ticket"])
        name = time.strftime("llmviz-class-%Y-%m-%d.zip")
        return FileResponse(path, media_type="application/zip", filename=name)

    return [
        ("POST", "/teacher/sign-in", sign_in),
        ("POST", "/teacher/sign-out", sign_out),
        ("POST", "/teacher/stream", watch),
        ("POST", "/teacher/look", look),
        ("POST", "/teacher/runs/{key}/do/{action}", command),
        ("POST", "/teacher/runs/{key}/open", open_run),
        ("POST", "/teacher/freeze", freeze),
        ("POST", "/teacher/clear", clear),
        ("POST", "/teacher/plan", plan),
        ("POST", "/teacher/deadline", deadline),
        ("POST", "/teacher/zip", pack),
        ("GET", "/teacher/zip/{ticket}", fetch),
    ]


def _address(request: Request) -> str:
    """Where a request comes from, as `guard` found out."""
    return request.scope.get("llmviz_address") or (request.client.host if request.client else "")


async def _glances(host: Host, session: str) -> AsyncIterator[bytes]:
    """The class, as often as it changed, for as long as the session holds."""
    told, spoke = b"", time.monotonic()
    while not host.closed and host.teaching.holds(session):
        message = await run_in_threadpool(host.teaching.view.encoded)
        if message != told:
            told, spoke = message, time.monotonic()
            yield b"data: " + message + b"\n\n"
        elif time.monotonic() - spoke > PING_SECONDS:
            spoke = time.monotonic()
            yield encode({"t": "ping"})
        await asyncio.sleep(GLANCE_SECONDS)
