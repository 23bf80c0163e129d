"""A page with the three exploring panels and made-up routes that speak the server's contract.

The panels can be tested with neither torch nor Gradio: the numbers here come from formulas, so that a test
knows what has to be on the page.
"""

import base64
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

ASSETS = Path(__file__).parents[2] / "assets"
PREFIX = "/gradio_api/llmviz/"
TYPES = {".js": "text/javascript", ".css": "text/css"}
LETTERS = "\n !,.?\"'" + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
WORDS = [
    "<0A>",
    *LETTERS,
    *("the", "he", "she", "was", "lost", "found", "ball", "garden", "Mia", "Tom", "her", "his", "red", "cat"),
]
STORY = "Mia lost her red ball in the garden. She was sad. Tom found it."

CONTROLS = [
    {
        "name": "temperature",
        "label": "Temperature",
        "unit": "",
        "min": 0.0,
        "max": 5.0,
        "step": 0.05,
        "default": 0.8,
    },
    {
        "name": "top_k",
        "label": "Top-k",
        "unit": "(0: off)",
        "min": 0,
        "max": 100_000,
        "step": 1,
        "default": 0,
    },
    {
        "name": "top_p",
        "label": "Top-p",
        "unit": "(1: off)",
        "min": 0.0,
        "max": 1.0,
        "step": 0.01,
        "default": 1.0,
    },
    {
        "name": "max_new_tokens",
        "label": "Length",
        "unit": "tokens",
        "min": 1,
        "max": 2000,
        "step": 1,
        "default": 120,
    },
    {
        "name": "sample_seed",
        "label": "Dice seed",
        "unit": "",
        "min": 0,
        "max": 2**31 - 1,
        "step": 1,
        "default": 42,
    },
]

# What Gradio does to everything inside its HTML component, and the few variables the panels read.
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>harness</title>
%(styles)s
<style>
  body { --body-text-color: #27272a; --body-background-fill: #fff; --block-background-fill: #fff;
    --border-color-primary: #e4e4e7; --color-accent: #f97316; --background-fill-primary: #fff;
    --input-background-fill: #fff; --button-primary-background-fill: #f97316;
    --button-primary-text-color: #fff;
    --font-mono: "IBM Plex Mono", ui-monospace, "DejaVu Sans Mono", monospace;
    margin: 0; font: 14px "Liberation Sans", sans-serif; background: var(--body-background-fill);
    color: var(--body-text-color); }
  body.dark { --body-text-color: #f4f4f5; --body-background-fill: #0b0f19; --block-background-fill: #1f2937;
    --border-color-primary: #374151; --background-fill-primary: #0b0f19; --input-background-fill: #1f2937; }
  header { height: 44px; padding: 6px 16px; box-sizing: border-box } nav { padding: 0 16px; height: 38px }
  .tab { padding: 6px 16px } .tab[hidden] { display: none }
  .host .prose * { color: var(--body-text-color) }
  .host .prose :last-child { margin-bottom: 0 !important }
  .host .prose button, .host .prose input, .host .prose textarea { margin-bottom: 4px }
</style>
<body class="%(theme)s"><header>LLMViz</header><nav></nav><div class="host"></div>
<script>
  const controls = %(controls)s;
  for (const name of ["attention", "tokens", "sample"]) {
    const tab = document.createElement("div");
    tab.className = "tab"; tab.id = name; tab.hidden = name !== "%(tab)s";
    tab.innerHTML = `<div class="prose"><div class="lv-${name}"></div></div>`;
    document.querySelector(".host").append(tab);
    const button = document.createElement("button");
    button.textContent = name;
    button.onclick = () => {
      for (const other of document.querySelectorAll(".tab")) other.hidden = other !== tab;
    };
    document.querySelector("nav").append(button);
    (window.llmvizQueue ||= []).push([name, tab.firstChild, { value: { controls } }, () => {}, () => {}]);
  }
</script>
<script type="module" src="%(prefix)sassets/js/main.js"></script>
"""


def styles() -> str:
    """Links to all our stylesheets, in the order in which the page loads them."""
    names = sorted(path.name for path in (ASSETS / "css").glob("*.css"))
    return "".join(f'<link rel="stylesheet" href="{PREFIX}assets/css/{name}">' for name in names)


def cut(text: str, unit: str) -> list[bytes]:
    """Letters, bytes, or words with the space before them."""
    if unit == "letters":
        return [letter.encode() for letter in text]
    if unit == "bytes":
        return [bytes([byte]) for byte in text.encode()]
    return [piece.encode() for piece in re.findall(r"\s?\w+|\s?[^\w\s]+|\s", text)]


def attention_weights(tokens: list[bytes], step: int, layers: int = 4, heads: int = 4) -> np.ndarray:
    """(layers, heads, T, T): heads of textbook kinds, sharper at later steps."""
    count = len(tokens)
    row, col = np.mgrid[:count, :count]
    same = np.array([[a.strip().lower() == b.strip().lower() for b in tokens] for a in tokens])
    pronoun = np.array([token.strip().lower() in (b"she", b"her", b"it", b"he") for token in tokens])
    name = np.array([token.strip()[:1].isupper() for token in tokens]) & ~pronoun
    kinds = [
        -((row - col - 1) ** 2) / 2.0,
        np.where(same & (row != col), 4.0, 0.0),
        np.where(pronoun[:, None] & name[None, :], 5.0, 0.0) - 0.02 * (row - col),
        np.where(col == 0, 4.0, 0.0),
        -abs(row - col) / 3.0,
        np.cos((row * 7 + col * 13) * 0.7) * 2,
        np.zeros((count, count)),
        np.where((row - col) % 4 == 0, 2.5, 0.0),
    ]
    sharp = min(1.0, 0.1 + step / 1000)
    maps = np.zeros((layers, heads, count, count))
    for layer in range(layers):
        for head in range(heads):
            scores = kinds[(layer * 3 + head) % len(kinds)] * sharp * (0.6 + 0.2 * layer)
            weights = np.where(col <= row, np.exp(scores), 0)
            maps[layer, head] = weights / weights.sum(-1, keepdims=True)
    return maps


def attention_message(
    text: str, unit: str, step: int, drawn: int = 128, context: int = 128, **shape: int
) -> dict[str, Any]:
    """What the job "attention" answers."""
    whole = cut(text, unit)
    tokens = whole[-drawn:]
    weights = attention_weights(tokens, step, **shape)
    rows, cols = np.tril_indices(len(tokens))
    packed = np.rint(np.sqrt(weights[..., rows, cols]) * 255).astype(np.uint8)
    return {
        "tokens": [token.decode(errors="replace") for token in tokens],
        "ids": list(range(len(tokens))),
        "token_bytes": [token.hex() for token in tokens],
        "n_layer": weights.shape[0],
        "n_head": weights.shape[1],
        "T": len(tokens),
        "step": step,
        "cut": len(whole) - len(tokens),
        "context": context,
        "maps": base64.b64encode(packed.tobytes()).decode(),
        "seconds": 0.01,
    }


def logits_of(text: str, size: int) -> np.ndarray:
    """(V) float32, the same for the same text."""
    dice = np.random.default_rng(sum(text.encode()) + len(text))
    return (dice.standard_normal(size) * 2.2).astype(np.float32)


class Explore:
    """The state behind the routes; tests change it and read what was asked."""

    def __init__(self) -> None:
        common = {"mine": False, "shipped": False, "status": "finished", "step": 1000, "max_steps": 1000}
        self.runs = {
            "shipped": common
            | {"id": "shipped", "name": "Story GPT", "shipped": True, "data": {"unit": "tokens"}}
            | {"settings": {"block_size": 128, "corpus": "stories"}, "snapshots": [0, 10, 100, 1000]},
            "letters": common
            | {"id": "letters", "name": "Amber Otter", "mine": True, "data": {"unit": "letters"}}
            | {"settings": {"block_size": 64, "corpus": "stories"}, "snapshots": [0, 10, 100, 1000]},
        }
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.watched: list[str | None] = []
        self.unreadable = "😊"
        self.token_seconds = 0.02
        self.opening_seconds = 0.0
        self.most_drawn = 10_000  # tokens of a map
        self.shape = {"layers": 4, "heads": 4}
        self.closed = False

    def unit(self, run: str) -> str:
        return self.runs[run]["data"]["unit"]

    def job(self, kind: str, payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The messages of one job."""
        self.asked.append((kind, payload))
        yield from getattr(self, f"_{kind}")(payload)

    def _step(self, payload: dict[str, Any]) -> int:
        asked = payload["step"]
        return self.runs[payload["run"]]["step"] if asked in (None, "live") else asked

    def _attention(self, payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
        run = payload["run"]
        if "§" in payload["text"]:
            yield {"error": "The model has never seen the character “§”."}
            return
        time.sleep(self.opening_seconds)
        context = self.runs[run]["settings"]["block_size"]
        drawn = min(context, self.most_drawn)
        yield attention_message(
            payload["text"], self.unit(run), self._step(payload), drawn, context, **self.shape
        )

    def _logits(self, payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
        time.sleep(self.opening_seconds)
        names = list(LETTERS) if self.unit(payload["run"]) == "letters" else WORDS
        logits = logits_of(payload["text"], len(names))
        message = {
            "tokens": [],
            "logits": base64.b64encode(logits.tobytes()).decode(),
            "step": self._step(payload),
        }
        yield message | ({"vocab": names} if payload.get("vocab") else {})

    def _sample(self, payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield {"prompt_tokens": [], "step": self._step(payload)}
        pieces = cut(" 😊 " + STORY * 40, "bytes" if self.unit(payload["run"]) == "letters" else "tokens")
        for number, piece in enumerate(pieces[: payload["max_new_tokens"]]):
            time.sleep(self.token_seconds)
            yield {"id": number, "text": piece.decode(errors="replace"), "bytes": piece.hex()}
        yield {"done": True, "reason": "length"}

    def _tokenize(self, payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
        text = payload["text"]
        sorry = {"ids": [], "tokens": [], "bytes": []}
        for name in payload["names"]:
            tokens = cut(text, {"chars": "letters", "bytes": "bytes"}.get(name, "tokens"))
            answer = {
                "ids": [sum(token) for token in tokens],
                "tokens": [token.decode(errors="replace") for token in tokens],
                "bytes": [list(token) for token in tokens],
                "error": None,
            }
            if name == "gpt2":
                answer = sorry | {"error": "GPT-2's table has to be downloaded, and there is no connection."}
            if name == "model" and self.unreadable in text:
                answer = sorry | {"error": f"This model has never seen “{self.unreadable}”."}
            yield {name: answer}

    def opening(self, run: str) -> dict[str, Any]:
        if not self.runs[run]["shipped"]:
            return {}
        sample = {"prompt": "Mia lost her", "text": " red ball in the garden. She was sad. Tom found it."}
        return {"sample": sample, "attention": attention_message(STORY, "tokens", 1000)}


def handler(explore: Explore) -> type[BaseHTTPRequestHandler]:
    """The routes, in the shape http.server wants them."""

    class Routes(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            if path == "/":
                options = dict(pair.split("=") for pair in query.split("&") if pair)
                values = {"prefix": PREFIX, "controls": json.dumps(CONTROLS), "styles": styles()}
                self._send(
                    (PAGE % (values | {"theme": "", "tab": "attention"} | options)).encode(), "text/html"
                )
            elif path.startswith(f"{PREFIX}assets/"):
                file = ASSETS / path.removeprefix(f"{PREFIX}assets/")
                self._send(file.read_bytes(), TYPES[file.suffix])
            elif path.startswith(f"{PREFIX}runs/"):
                run = path.rsplit("/", 1)[1]
                self._send(json.dumps(explore.runs[run] | {"opening": explore.opening(run)}).encode())
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            name = self.path.removeprefix(PREFIX)
            try:
                if name == "stream":
                    self._stream(body)
                elif name.startswith("job/"):
                    self._start("application/x-ndjson")
                    for message in explore.job(name.removeprefix("job/"), body):
                        self.wfile.write(json.dumps(message).encode() + b"\n")
            except (BrokenPipeError, ConnectionResetError):
                explore.asked.append(("gone", {"route": name}))

        def _stream(self, body: dict[str, Any]) -> None:
            explore.watched.append(body["watch"])
            self._start("text/event-stream")
            told = None
            while not explore.closed:
                news = json.dumps({"t": "runs", "runs": list(explore.runs.values())})
                if news != told:
                    self.wfile.write(b"data: " + news.encode() + b"\n\n")
                told = news
                time.sleep(0.1)
                self.wfile.write(b'data: {"t": "ping"}\n\n')

        def _start(self, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()

        def _send(self, content: bytes, kind: str = "application/json") -> None:
            self._start(kind)
            self.wfile.write(content)

    return Routes


@contextmanager
def serve(port: int = 0) -> Iterator[tuple[str, Explore]]:
    """(address, state) of a running harness."""
    explore = Explore()
    server = ThreadingHTTPServer(("127.0.0.1", port), handler(explore))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", explore
    finally:
        explore.closed = True
        server.shutdown()
        server.server_close()
