"""What the page shows of a run's diagnostics: one, and in plain words what all up to it say. No torch."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from llmviz.probes.readings import noise_scale, readings_of, step_of
from llmviz.runs.records import Record
from llmviz.settings import RunSettings

EARLY = (10, 25)  # steps when most goes wrong that does
LONG = 300  # steps of a run in which these two are no noticeable part of its time
AVERAGED = 4  # diagnoses: the noise of a single one is a guess


def is_examined(step: int, every: int, steps: int) -> bool:
    """Whether the model is examined before this step of a run of so many. every: 0 for never."""
    return bool(every) and (step % every == 0 or (step in EARLY and steps >= LONG))


def n_examined(steps: int, every: int) -> int:
    """How often a run of so many steps is examined."""
    if not every:
        return 0
    return -(-steps // every) + (sum(step % every > 0 for step in EARLY) if steps >= LONG else 0)


def examined(
    records: Sequence[Record], settings: RunSettings, vocab_size: int, step: int | None
) -> dict[str, Any]:
    """The newest diagnosis at or before `step` (None: of all), its readings, and the batch it would take for
    as much signal as noise. records: all of a run's, by steps. "diagnosis" is None where there is none."""
    known = [record for record in records if step is None or step_of(record) <= step]
    if not known:
        return {"diagnosis": None, "readings": [], "noise_scale": None}
    scale = noise_scale(known[-AVERAGED:])
    return {
        "diagnosis": known[-1],
        "readings": [asdict(reading) for reading in readings_of(known, settings, vocab_size)],
        "noise_scale": scale if scale is not None and scale < float("inf") else None,
    }
