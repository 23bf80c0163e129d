"""How a training shows itself: a progress bar on a terminal, plain lines elsewhere, JSON for programs."""

import sys
from collections.abc import Iterator
from typing import Any

from llmviz.runs.directory import RunDirectory
from llmviz.runs.records import read_records
from llmviz.settings import TrainingSettings
from llmviz.terminal.output import print_json

Record = dict[str, Any]
SAMPLE_LINES = 3  # of a sample that people see; programs get all of it


class Follower:
    """Reads what a run has written to its logs since the last time."""

    def __init__(self, run: RunDirectory) -> None:
        self._next = {path: _end(read_records(path)) for path in (run.metrics, run.events)}

    def news(self) -> Iterator[Record]:
        """New records, each with its "kind": train, evaluation, diagnostics, rewind; sample, now, notice."""
        for path, start in self._next.items():
            records = read_records(path, start)
            self._next[path] = max(start, _end(records))
            yield from (_with_kind(record) for _, record in records)

    def show_news(self, display: "JsonLines | Lines") -> None:
        """Hand all of it to a display."""
        for record in self.news():
            display.show(record)


def _end(records: list[tuple[int, Record]]) -> int:
    return records[-1][0] + 1 if records else 0


def _with_kind(record: Record) -> Record:
    if "eval" in record:
        return {"kind": "evaluation", "step": record["eval"]} | {
            k: v for k, v in record.items() if k != "eval"
        }
    if "diagnostics" in record:
        return {"kind": "diagnostics", "step": record["diagnostics"]} | {
            k: v for k, v in record.items() if k != "diagnostics"
        }
    if "rewind" in record:
        return {"kind": "rewind", "step": record["rewind"]}
    return {"kind": "train"} | record  # an event brings its own kind


class JsonLines:
    """Every record as a line of stdout."""

    def show(self, record: Record) -> None:
        """Print it."""
        print_json(record)

    def close(self) -> None:
        """Nothing to tidy up."""


class Lines:
    """A line for each evaluation and notice, and the samples of the film strip."""

    def __init__(self, max_steps: int) -> None:
        self._loss: float | None = None
        self._width = len(f"{max_steps:,}")

    def show(self, record: Record) -> None:
        """Print what is worth a line."""
        kind = record["kind"]
        if kind == "train":
            self._loss = record["loss"]
        elif kind == "evaluation":
            self.write(self._evaluation(record))
        elif kind == "sample":
            lines = (record["prompt"] + record["text"]).strip("\n").split("\n")[:SAMPLE_LINES]
            self.write("\n".join(f"{self._at(record)}  writes  {line}" for line in lines))
        elif kind == "notice":
            self.write(f"{self._at(record)}  {record['text']}")

    def _evaluation(self, record: Record) -> str:
        train = "" if self._loss is None else f"  loss {self._loss:.4f}"
        where = "on all of the validation text" if record["full"] else "validation, an estimate"
        return f"{self._at(record)}{train}  {_number(record['val_loss'])} ({where})"

    def _at(self, record: Record) -> str:
        return f"step {record['step']:>{self._width},}"

    def write(self, text: str) -> None:
        """One or more whole lines."""
        print(text, flush=True)

    def close(self) -> None:
        """Nothing to tidy up."""


class Bar(Lines):
    """The same lines above a progress bar, which counts seconds where the budget is one of time."""

    def __init__(self, settings: TrainingSettings, step: int, seconds: float) -> None:
        from tqdm import tqdm

        super().__init__(settings.max_steps)
        self._by_time = settings.max_seconds is not None
        total = settings.max_seconds if self._by_time else settings.max_steps
        unit = "s" if self._by_time else "step"
        self._bar = tqdm(
            total=total, unit=unit, initial=round(seconds) if self._by_time else step, file=sys.stderr
        )

    def show(self, record: Record) -> None:
        """Move the bar, too."""
        if record["kind"] == "train":
            done = round(record["seconds"]) if self._by_time else record["step"] + 1
            self._bar.set_postfix(loss=_number(record["loss"]), refresh=False)
            self._bar.update(min(done, self._bar.total) - self._bar.n)
        super().show(record)

    def write(self, text: str) -> None:
        """Above the bar, on stdout."""
        self._bar.write(text, file=sys.stdout)

    def close(self) -> None:
        """Leave the bar where it is."""
        self._bar.close()


def _number(loss: float | None) -> str:
    return "not a number" if loss is None else f"{loss:.4f}"


def choose_display(settings: TrainingSettings, as_json: bool, state: dict[str, Any]) -> JsonLines | Lines:
    """JSON where it was asked for, a bar where people look, lines where a file or a program does."""
    if as_json:
        return JsonLines()
    if sys.stderr.isatty():
        return Bar(settings, state.get("step", 0), state.get("seconds", 0.0))
    return Lines(settings.max_steps)
