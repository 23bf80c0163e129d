"""What a session writes down for others to read: the two logs and state.json. No torch."""

import contextlib
import time
from typing import Any

from llmviz.runs.directory import RunDirectory
from llmviz.runs.records import Record, RecordLog, fold, read_records, step_of


class Journal:
    """The writing end of a run's logs and of its state, for the one who holds the run's lock."""

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.state: dict[str, Any] = run.state()
        with contextlib.ExitStack() as files:
            self.metrics = RecordLog(run.metrics)
            files.callback(self.metrics.close)
            self.events = RecordLog(run.events)
            files.callback(self.events.close)
            self._files = files.pop_all()

    def close(self) -> None:
        """Give the files back."""
        self._files.close()

    def publish(self, **changed: Any) -> None:
        """Bring state.json up to date."""
        self.state |= changed | {"at": round(time.time())}  # class data is kept for some days after this
        self.run.write_json("state.json", self.state)

    def notice(self, code: str, step: int, text: str) -> None:
        """Tell the reader something, once and for good."""
        self.events.append({"kind": "notice", "step": step, "code": code, "text": text})

    def sample(self, kind: str, step: int, prompt: str, text: str) -> None:
        """What the model writes: "sample" is a row of the film strip, "now" replaces the one before."""
        self.events.append({"kind": kind, "step": step, "prompt": prompt, "text": text})

    def evaluation(self, record: Record) -> None:
        """A new validation loss. state.json has it at the next `publish`."""
        self.metrics.append(record)
        best = self.state.get("best_val_loss")
        losses = [loss for loss in (best, record["val_loss"]) if loss is not None]
        self.state |= {name: record[name] for name in ("val_loss", "val_accuracy", "bits_per_byte")}
        self.state |= {"best_val_loss": min(losses, default=None), "evaluated_full": record["full"]}

    def rewind(self, step: int) -> bool:
        """Declare void what is logged about steps that will be trained again; whether there was anything."""
        records = self._folded()
        lost = any(step_of(r) > step or (step_of(r) == step and "eval" not in r) for r in records)
        if lost:
            self.metrics.append({"rewind": step})
        return lost

    def last_evaluated(self) -> int:
        """The step of the newest evaluation that holds; -1 if there is none."""
        return max((record["eval"] for record in self._folded() if "eval" in record), default=-1)

    def _folded(self) -> list[Record]:
        return fold(record for _, record in read_records(self.run.metrics))
