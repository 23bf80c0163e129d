"""A small server that speaks the Hub's two routes, for folders on this machine. It remembers questions."""

import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

REVISION = "607a30d783dfa663caf39e06633721c8d4cfcd7e"
LARGE = ".safetensors"  # announced with its hash, and fetched by way of a redirection


class LocalHub:
    """`with LocalHub({"owner/name": folder}) as hub:` serves at hub.url."""

    def __init__(self, models: dict[str, Path]) -> None:
        self.models = models
        self.more: dict[str, Any] = {}  # what else the listing says: {"gated": "manual"}
        self.sizes: dict[str, int] = {}  # lies about sizes
        self.hashes: dict[str, str] = {}  # and about content
        self.status: int | None = None  # answers everything with this fault
        self.drips: float | None = None  # seconds between two bytes
        self.asked: list[tuple[str, dict[str, str]]] = []  # path, headers

    def __enter__(self) -> "LocalHub":
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                hub.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def fetched(self) -> list[str]:
        """The names of the files that were asked for."""
        return [Path(path).name for path, _ in self.asked if "/resolve/" in path]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(request.path).path)
        if self.status:
            return self._send(request, self.status, b"{}")
        for name, folder in self.models.items():
            if path == f"/api/models/{name}/revision/main":
                return self._send(request, 200, json.dumps(self._listing(name, folder)).encode())
            for route in (f"/{name}/resolve/{REVISION}/", f"/cdn/{name}/"):
                if path.startswith(route) and (folder / path.removeprefix(route)).is_file():
                    file = path.removeprefix(route)
                    if file.endswith(LARGE) and "/cdn/" not in path:
                        return self._send(request, 302, b"", {"Location": f"{self.url}/cdn/{name}/{file}"})
                    return self._send(request, 200, (folder / file).read_bytes())
        self._send(request, 401, b'{"error": "Invalid username or password."}')

    def _listing(self, name: str, folder: Path) -> dict[str, Any]:
        files = sorted(path for path in folder.iterdir() if path.is_file())
        siblings = [self._sibling(path) for path in files]
        return {
            "id": name,
            "sha": REVISION,
            "private": False,
            "gated": False,
            "siblings": siblings,
        } | self.more

    def _sibling(self, path: Path) -> dict[str, Any]:
        size = self.sizes.get(path.name, path.stat().st_size)
        told: dict[str, Any] = {"rfilename": path.name, "size": size}
        if path.name.endswith(LARGE):
            sha256 = self.hashes.get(path.name) or hashlib.sha256(path.read_bytes()).hexdigest()
            told["lfs"] = {"sha256": sha256, "size": size, "pointerSize": 135}
        return told

    def _send(self, request: Any, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        request.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            request.send_header(name, value)
        request.end_headers()
        if self.drips is None:
            request.wfile.write(body)
        else:
            self._drip(request, body)

    def _drip(self, request: Any, body: bytes) -> None:
        """A byte from time to time, until nobody listens any more."""
        try:
            for at in range(len(body)):
                request.wfile.write(body[at : at + 1])
                time.sleep(self.drips or 0)
        except OSError:
            return
