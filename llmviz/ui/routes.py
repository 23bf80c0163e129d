"""Our own routes, all under /gradio_api/llmviz/ (other paths never get past the front proxy of a Space).

The owner's token comes in a header and never in a URL. Every check is the host's; a refusal is one plain
sentence for each reason, as JSON.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from llmviz.runs import Host, Refused
from llmviz.runs.rates import TooOften
from llmviz.ui.code import code_of
from llmviz.ui.lessons import lessons
from llmviz.ui.liveshapes import sizes_of
from llmviz.ui.stream import Stream
from llmviz.ui.teacher_routes import session_of, teacher_table

PREFIX = "/gradio_api/llmviz"
ASSETS = Path(__file__).parents[2] / "assets"
MAX_BODY = 2_000_000
_TYPES = {".js": "text/javascript", ".css": "text/css", ".png": "image/png", ".svg": "image/svg+xml"}

Handler = Callable[[Request], Awaitable[Response]]


def refusal(sentences: list[str], status: int = 400) -> JSONResponse:
    """What every route answers where it cannot do what was asked. A sentence may quote what was sent, which
    need not be text that can be sent back: half of a character becomes a question mark."""
    writable = [sentence.encode("utf-8", "replace").decode() for sentence in sentences]
    return JSONResponse({"errors": writable}, status_code=status)


def _plainly(handler: Handler, host: Host) -> Handler:
    """Answer a refusal with its sentences, and an unknown run with a 404, whichever route it came from; and
    take note that whoever asks is there."""

    @wraps(handler)
    async def answered(request: Request) -> Response:
        host.seen(owner_of(request))
        try:
            return await handler(request)
        except Refused as refused:
            answer = refusal(refused.sentences, refused.status)
            if isinstance(refused, TooOften):
                answer.headers["Retry-After"] = str(refused.seconds)
            return answer

    return answered


def owner_of(request: Request) -> str:
    """The token of the browser that asks; empty where it sent none."""
    return request.headers.get("x-llmviz-owner", "")[:200]


async def _json_body(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises Refused where it is too long or something else."""
    sent = await _bounded_body(request, MAX_BODY)
    try:
        body = json.loads(sent)
    except (ValueError, RecursionError):
        raise Refused(["The request has to be JSON."]) from None
    if not isinstance(body, dict):
        raise Refused(["The request has to be a JSON object."])
    return body


async def _bounded_body(request: Request, limit: int) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise Refused([f"That is too long: at most {limit // 1_000_000} MB can be sent."], status=413)
        chunks.append(chunk)
    return b"".join(chunks)


def build_routes(host: Host) -> list[Route]:
    """The Starlette routes of one host, to be mounted by `launch(app_kwargs=…)`."""

    async def stream(request: Request) -> Response:
        tab = Stream(host, owner_of(request), await _json_body(request))
        return StreamingResponse(
            tab.messages(),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )

    async def poll(request: Request) -> Response:
        tab = Stream(host, owner_of(request), await _json_body(request))
        return Response(tab.due_at_once(), media_type="application/json")

    async def runs(request: Request) -> Response:
        return JSONResponse({"runs": host.list_runs(owner_of(request))})

    async def run(request: Request) -> Response:
        run_id = request.path_params["run"]
        return JSONResponse(host.summary(run_id, owner_of(request)) | {"opening": host.opening(run_id)})

    async def words(request: Request) -> Response:
        return JSONResponse({"words": host.words(request.path_params["run"])})

    async def command(request: Request) -> Response:
        run_id, action = request.path_params["run"], request.path_params["action"]
        answer = await run_in_threadpool(host.command, run_id, owner_of(request), action)
        return JSONResponse({"run": answer or run_id})

    async def change(request: Request) -> Response:
        changes = await _json_body(request)
        await run_in_threadpool(host.change, request.path_params["run"], owner_of(request), changes)
        return JSONResponse({})

    async def rename(request: Request) -> Response:
        name = (await _json_body(request)).get("name")
        await run_in_threadpool(host.rename, request.path_params["run"], owner_of(request), name)
        return JSONResponse({})

    async def diagnostics(request: Request) -> Response:
        wanted = _count(request.query_params.get("step", ""))
        found = await run_in_threadpool(host.diagnostics, request.path_params["run"], wanted)
        return JSONResponse(found)

    async def metrics_csv(request: Request) -> Response:
        csv = await run_in_threadpool(host.metrics_csv, request.path_params["run"])
        return Response(csv, media_type="text/csv", headers=_attachment(request, "metrics.csv"))

    async def run_zip(request: Request) -> Response:
        path = await run_in_threadpool(host.packing.pack, request.path_params["run"])
        return FileResponse(path, media_type="application/zip", headers=_attachment(request, "run.zip"))

    async def export(request: Request) -> Response:
        run_id, step = request.path_params["run"], (await _json_body(request)).get("step")
        return JSONResponse({"ticket": await run_in_threadpool(host.exports.write, run_id, step)})

    async def exported(request: Request) -> Response:
        path = host.exports.fetch(request.path_params["run"], request.path_params["ticket"])
        headers = _attachment(request, "transformers.zip")
        return FileResponse(path, media_type="application/zip", headers=headers)

    async def open_zip(request: Request) -> Response:
        data = await _bounded_body(request, host.limits.upload)
        return JSONResponse({"run": await run_in_threadpool(host.packing.open, data, owner_of(request))})

    async def job(request: Request) -> Response:
        payload = await _json_body(request)
        kind = request.path_params["kind"]
        started = host.submit(kind, payload, owner_of(request), session_of(request))
        return StreamingResponse(_lines(started), media_type="application/x-ndjson")

    async def from_hub(request: Request) -> Response:
        name = (await _json_body(request)).get("name")
        started = await run_in_threadpool(host.imports.begin, name, owner_of(request))
        return StreamingResponse(_lines(started), media_type="application/x-ndjson")

    async def keepalive(request: Request) -> Response:
        return Response(status_code=204)  # that its reader is there, as with every request

    async def health(_: Request) -> Response:
        found = await run_in_threadpool(host.health)
        headers = {"Cache-Control": "no-store"}
        return JSONResponse(found, status_code=200 if found["ok"] else 503, headers=headers)

    async def check(_: Request) -> Response:
        return FileResponse(ASSETS / "check" / "check.html", headers={"Cache-Control": "no-cache"})

    async def code(request: Request) -> Response:
        panel, run_id = request.path_params["panel"], request.query_params.get("run", "")
        if not run_id:
            return JSONResponse({"pieces": code_of(panel)})
        entry, tokens = host.library.get(run_id), _count(request.query_params.get("tokens", ""))
        sizes = sizes_of(entry.model, tokens, entry.vocab_size) if tokens else {}
        return JSONResponse({"pieces": code_of(panel, entry.model, sizes)})

    async def read_lessons(_: Request) -> Response:
        return JSONResponse({"lessons": await run_in_threadpool(lessons)})

    async def asset(request: Request) -> Response:
        path = _asset_file(request.path_params["path"])
        if path is None:
            return refusal(["There is no such file."], 404)
        # "no-cache" still lets a browser keep the file: it asks with the ETag and mostly gets a 304.
        return FileResponse(path, media_type=_TYPES[path.suffix], headers={"Cache-Control": "no-cache"})

    table: list[tuple[str, str, Handler]] = [
        ("POST", "/stream", stream),
        ("POST", "/poll", poll),
        ("GET", "/runs", runs),
        ("GET", "/runs/{run}", run),
        ("GET", "/runs/{run}/words", words),
        ("GET", "/runs/{run}/diagnostics", diagnostics),
        ("GET", "/runs/{run}/metrics.csv", metrics_csv),
        ("GET", "/runs/{run}/run.zip", run_zip),
        ("POST", "/runs/{run}/export", export),
        ("GET", "/runs/{run}/exported/{ticket}", exported),
        ("POST", "/runs/{run}/change", change),
        ("POST", "/runs/{run}/rename", rename),
        ("POST", "/runs/{run}/do/{action}", command),
        ("POST", "/open", open_zip),
        ("POST", "/import", from_hub),
        ("POST", "/job/{kind}", job),
        ("POST", "/keepalive", keepalive),
        ("GET", "/health", health),
        ("GET", "/check", check),
        ("GET", "/code/{panel}", code),
        ("GET", "/lessons", read_lessons),
        ("GET", "/assets/{path:path}", asset),
        *teacher_table(host, _json_body),
    ]
    return [
        Route(PREFIX + path, _plainly(handler, host), methods=[method]) for method, path, handler in table
    ]


def _count(text: str) -> int | None:
    """A whole number out of an address; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _asset_file(name: str) -> Path | None:
    """The file of that name, if it is one that the page may have."""
    try:
        path = (ASSETS / name).resolve()
        found = path.suffix in _TYPES and path.is_relative_to(ASSETS) and path.is_file()
    except (OSError, ValueError):  # a name too long, or one that no file can have
        return None
    return path if found else None


def _attachment(request: Request, filename: str) -> dict[str, str]:
    run_id = request.path_params["run"][:8]
    return {"Content-Disposition": f'attachment; filename="llmviz-{run_id}-{filename}"'}


async def _lines(job: Any) -> AsyncIterator[bytes]:
    """A job's messages, one JSON object a line; a browser that goes away ends the job."""
    try:
        async for message in job.amessages():
            yield json.dumps(message, separators=(",", ":")).encode() + b"\n"
    except asyncio.CancelledError:
        raise
    finally:
        job.cancel()
