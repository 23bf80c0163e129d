"""The inline host: the same slices, one after another, in this very process. For terminals and tests."""

from collections.abc import Callable
from pathlib import Path

from llmviz.runs.directory import RunDirectory
from llmviz.runs.records import Record, read_records
from llmviz.runs.slices import Budget, Session, SliceResult, train_slice

SECONDS_A_SLICE = 0.25  # how often `on_record` hears of progress


def run_inline(
    run: RunDirectory | Path,
    on_record: Callable[[Record], None] | None = None,
    *,
    data_root: Path | None = None,
    threads: int = 1,
) -> SliceResult:
    """Train a run to its end, or resume it. Ctrl-C leaves it paused, with everything written down.

    on_record: called with every new line of metrics.jsonl and events.jsonl. threads: unless the settings
    fix it. Raises RunBusy if another process trains the run.
    """
    with Session(run, data_root) as session:
        tell = _Listener(session.run, on_record)
        try:
            result = train_slice(session, Budget(seconds=0.0), threads=threads)
            tell()
            while result.status == "running":
                result = train_slice(session, Budget(seconds=SECONDS_A_SLICE), threads=threads)
                tell()
        except KeyboardInterrupt:
            session.pause()
            raise
        return result


class _Listener:
    """Passes on what is new in the logs since the last call."""

    def __init__(self, run: RunDirectory, on_record: Callable[[Record], None] | None) -> None:
        self.on_record = on_record
        self.next_id = {path: path.stat().st_size for path in (run.metrics, run.events)}

    def __call__(self) -> None:
        for path, next_id in self.next_id.items():
            for position, record in read_records(path, next_id) if self.on_record else ():
                self.on_record(record)
                self.next_id[path] = position + 1
