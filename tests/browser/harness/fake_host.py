"""A host without workers: it keeps the host's interface and answers from memory.

Component tests need runs in every state at once (fresh, running, diverged, with 5,000 records) and at will;
a real host needs minutes for that. Numbers here are made up, which is why nothing but tests may use it.
"""

import json
import math
import random
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

from llmviz.model.diagram import diagram

LETTERS = 27
BEST = 0.9
COLUMNS = ("step", "loss", "accuracy", "lr", "grad_norm", "tok_s")
SAMPLES = {
    0: "xq,ab(e rwwpalm\nzo'tt yd.suq bn ejjk fol ra eux it, gmmb pe oeiz lld k⟨01⟩n",
    4: "e te  hoa n s et aeo tt  ne h ra so  t e ,ii d\nth ee t oa nst rh  e te oh ana",
    16: "the on to hesh and the wat sod. an the the he was tin the ⟨B5⟩ tohe wand",
    64: "Tom wented the gardle. He was sat becaust the dog rund to the park. The lit",
    256: "Mia went to the park because she wanted to find her red ball. She looked glud",
    1024: 'Mia was sad because her ball was lost. "I saw it by the river," said Tom. Mia thanked him and ran',
}
WORDS = sorted({w.strip('.,"') for w in (SAMPLES[256] + " " + SAMPLES[1024]).split() if w != "glud"})


def loss_at(step: int, max_steps: int, noise: random.Random) -> float:
    """A curve of the usual shape, from ln V down to a little above the best possible."""
    share = (BEST + 0.08) + (math.log(LETTERS) - BEST - 0.08) * math.exp(-7 * (step / max_steps) ** 0.55)
    return share + noise.gauss(0, 0.025)


class FakeRun:
    """One run: its summary, and the records and events that the stream hands out by position."""

    def __init__(
        self, run_id: str, name: str, *, max_steps: int = 600, mine: bool = True, shipped: bool = False
    ):
        self.id, self.name, self.max_steps = run_id, name, max_steps
        self.mine, self.shipped = mine, shipped
        self.status, self.step, self.reason = "waiting", 0, None
        self.records: list[dict[str, float]] = []
        self.evals: list[list[float]] = []
        self.metrics: list[dict[str, Any]] = []  # records and evaluations in the order they were written
        self.events: list[dict[str, Any]] = []
        self.noise = random.Random(7)
        self.prompt = ""
        self.changes: list[dict[str, Any]] = []
        self.rivals = 5  # runs that take turns, itself included
        self.evaluate()
        self.sample()

    def evaluate(self) -> None:
        loss = loss_at(self.step, self.max_steps, self.noise) + 0.03
        self.metrics.append({"eval": [self.step, loss, 0.8 - loss / 5, self.status == "finished"]})

    def sample(self, kind: str = "sample") -> None:
        text = SAMPLES[max(step for step in SAMPLES if step <= self.step)]
        self.events.append({"kind": kind, "step": self.step, "prompt": self.prompt, "text": text})

    def notice(self, code: str, text: str) -> None:
        self.events.append({"kind": "notice", "step": self.step, "code": code, "text": text})

    def train(self, steps: int) -> None:
        """Advance by `steps`, writing what a worker would write."""
        self.status = "running"
        for _ in range(steps):
            self.step += 1
            loss = loss_at(self.step, self.max_steps, self.noise)
            record = {
                "step": self.step,
                "loss": loss,
                "accuracy": max(0.03, 0.85 - loss / 4),
                "lr": 5e-3 * min(1, self.step / 30) * (1 - 0.9 * self.step / self.max_steps),
                "grad_norm": 0.4 + abs(self.noise.gauss(0, 0.1)),
                "tok_s": 21_000 + self.noise.gauss(0, 900),
            }
            self.metrics.append(record)
            if self.step % max(1, self.max_steps // 14) == 0:
                self.evaluate()
            if self.step in SAMPLES:
                self.sample()
        self.sample("now")
        if self.step >= self.max_steps:
            self.status = "finished"
            self.evaluate()

    def summary(self) -> dict[str, Any]:
        last_eval = next(m["eval"] for m in reversed(self.metrics) if "eval" in m)
        return {
            "id": self.id,
            "name": self.name,
            "mine": self.mine,
            "shipped": self.shipped,
            "status": self.status,
            "step": self.step,
            "max_steps": self.max_steps,
            "val_loss": last_eval[1],
            "val_accuracy": last_eval[2],
            "bits_per_byte": last_eval[1] / math.log(2),
            "seconds": self.step / 50,
            "tokens_seen": self.step * 768,
            "tok_s": 21_400,
            "n_parameters": 345_600,
            "reason": self.reason,
            "threads": 1,
            "evaluated_full": self.status == "finished",
            "snapshots": self.snapshots(),
            "eta_s": (self.max_steps - self.step) / 50 if self.status in ("running", "waiting") else None,
            "queue": {"training_now": 2, "active": self.rivals, "next_turn_in_s": 0.4, "goes_last": False},
            "settings": {
                "corpus": "stories",
                "tokenizer": "chars",
                "architecture": "modern",
                "n_layer": 3,
                "n_head": 4,
                "n_embd": 96,
                "block_size": 64,
                "optimizer": "adamw",
                "learning_rate": 5e-3,
                "dropout": 0.0,
                "seed": 1337,
                "prompt": "",
            },
            "changes": self.changes,
            "data": {
                "vocab_size": LETTERS,
                "best_possible_loss": BEST,
                "unit": "letters",
                "sha256": "d" * 64,
            },
        }

    def snapshots(self) -> list[int]:
        return [0] + [2**k for k in range(20) if 2**k <= self.step]


class Feed:
    """What the stream sends of one run, from a cursor on."""

    def __init__(self, run: FakeRun):
        self.run = run

    def news(self, topic: str, cursor: int | None) -> tuple[bytes | None, int]:
        items = getattr(self.run, topic)
        start = cursor or 0
        if start >= len(items) and cursor is not None:
            return None, len(items)
        message = {"t": topic, "run": self.run.id, "from": start, "to": len(items), "reset": cursor is None}
        message |= self._columns(items[start:]) if topic == "metrics" else {"events": items[start:]}
        return b"data: " + json.dumps(message).encode() + b"\n\n", len(items)

    @staticmethod
    def _columns(items: list[dict[str, Any]]) -> dict[str, Any]:
        records = [item for item in items if "eval" not in item]
        columns = {name: [round(record[name], 5) for record in records] for name in COLUMNS}
        return columns | {"evals": [item["eval"] for item in items if "eval" in item]}


class Job:
    def __init__(self, messages: list[dict[str, Any]]):
        self.replies = messages

    async def amessages(self) -> AsyncIterator[dict[str, Any]]:
        for message in self.replies:
            yield message

    def cancel(self) -> None:
        """Nothing runs, so there is nothing to end."""


class FakeHost:
    """The methods the page's routes call, on runs kept in memory."""

    closed = False
    classroom = SimpleNamespace(on=False)
    teaching = None  # there is no class

    def __init__(self) -> None:
        self.runs: dict[str, FakeRun] = {}
        self.ready = 2
        self.commands: list[tuple[str, str]] = []

    def add(self, run: FakeRun) -> FakeRun:
        self.runs[run.id] = run
        return run

    def exists(self, run_id: str) -> bool:
        return run_id in self.runs

    def status(self) -> dict[str, Any]:
        estimate = {"seconds": 21, "provisional": False, "parameters": 345_600, "memory_mb": 190}
        return {
            "workers": {"ready": self.ready, "total": 2, "step": "loading torch"},
            "active": sum(run.status == "running" for run in self.runs.values()),
            "cores": 2,
            "estimates": dict.fromkeys(("spark", "small", "medium", "large"), estimate),
        }

    def list_runs(self, owner: str) -> list[dict[str, Any]]:
        listed = [run for run in self.runs.values() if run.mine or run.shipped]
        return [self.summary(run.id, owner) for run in sorted(listed, key=lambda run: not run.shipped)]

    def summary(self, run_id: str, owner: str = "") -> dict[str, Any]:
        return self.runs[run_id].summary()

    def opening(self, run_id: str) -> None:
        return None

    def words(self, run_id: str) -> list[str]:
        return WORDS

    def feed(self, run_id: str) -> Feed:
        return Feed(self.runs[run_id])

    def watch(self, run_id: str) -> None:
        """Nobody publishes weights here."""

    def seen(self, owner: str) -> None:
        self.commands.append(("", "keepalive"))

    def estimate(self, settings: Any) -> dict[str, Any]:
        return self.status()["estimates"]["small"]

    def diagram(self, settings: Any) -> dict[str, Any]:
        return diagram(settings.model, LETTERS, settings.training.batch_size)

    def beyond(self, settings: Any) -> list[str]:
        return []

    def create(self, flat: dict[str, Any], owner: str, **_: Any) -> str:
        return self.add(FakeRun(f"{len(self.runs):032x}", "Amber Otter", max_steps=flat["max_steps"])).id

    def command(self, run_id: str, owner: str, action: str) -> str:
        self.commands.append((run_id, action))
        if action == "retry":
            return self.add(FakeRun(f"{len(self.runs):032x}", "Amber Otter again")).id
        self.runs[run_id].status = {"pause": "paused", "resume": "running", "stop": "stopped"}.get(
            action, "paused"
        )
        return run_id

    def change(self, run_id: str, owner: str, changes: dict[str, Any]) -> None:
        run = self.runs[run_id]
        if "prompt" in changes:
            run.prompt = changes["prompt"]
        else:
            run.changes.append({"step": run.step} | changes)
            run.notice(
                "changed", ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in changes.items())
            )

    def submit(self, kind: str, payload: dict[str, Any], owner: str, session: str = "") -> Job:
        if kind != "film":
            return Job([{"error": "There is no model behind this page."}])
        run = self.runs[payload["run"]]
        steps = [step for step in SAMPLES if step <= run.step]
        return Job([{"rows": [{"step": step, "text": SAMPLES[step][::-1]} for step in steps]}])

    def play(self, run: FakeRun, *, rate: float = 60, until: int | None = None) -> None:
        """Train in real time, `rate` steps a second, in this thread."""
        while run.step < (until or run.max_steps):
            run.train(max(1, round(rate / 6)))
            time.sleep(1 / 6)
