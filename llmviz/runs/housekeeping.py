"""What the server does while nobody needs the machine: the presets' texts, then measuring how long they take.

Texts are written at the lowest priority whatever else goes on. Measuring would be disturbed by a run and
would disturb it: it begins only while nothing trains, and is given up at once when something does.
"""

import logging
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from llmviz.runs.channel import Channel
from llmviz.runs.estimates import KINDS, ROUNDS, Costs, Estimator, Measured
from llmviz.runs.launcher import TRAINING_NICE, Launcher
from llmviz.runs.roofline import Roof
from llmviz.settings import PRESETS, RunSettings

log = logging.getLogger(__name__)

QUIET_SECONDS = 2.0  # without a run, before measuring begins
MOMENTS = 20  # how often to hope for a machine that is idle
IDLE_SHARE = 0.7  # of its processors' time
GLANCE = 0.05  # seconds between two looks at whether a run has started


class Housekeeper:
    """A thread that prepares and measures the presets."""

    def __init__(
        self, launcher: Launcher, estimator: Estimator, data_root: Path, active: Callable[[], int]
    ) -> None:
        """active: how many runs are training now."""
        self.launcher = launcher
        self.estimator = estimator
        self.data_root = data_root
        self.scratch = data_root.with_name("scratch")
        self.active = active
        self.presets = {name: preset.settings for name, preset in PRESETS.items()}
        self.prepared: set[str] = set()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="llmviz-housekeeping", daemon=True)

    @property
    def all_prepared(self) -> bool:
        """Whether the texts of all presets are there."""
        return len(self.prepared) == len(self.presets)

    def start(self) -> None:
        """Begin."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        self.estimator.load(self.presets)
        self._thread.start()

    def close(self) -> None:
        """Give up whatever is under way."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _work(self) -> None:
        try:
            vocabularies = self._prepare()
            while self.estimator.roof is None and not self._closing.is_set():
                self._measure_roof()
            for goal in range(1, ROUNDS + 1):  # one preset after the other, and again: machines have moods
                for name in vocabularies:
                    while name in self.presets and self.estimator.rounds(name) < goal:
                        if self._closing.is_set():
                            return
                        self._measure(name, self.presets[name], vocabularies[name])
        except Exception:
            log.exception("Housekeeping ended early; estimates stay provisional")

    def _prepare(self) -> dict[str, int]:
        """Write the texts of all presets; {name: size of the vocabulary}."""
        vocabularies = {}
        worker = self._hire()
        try:
            for name, settings in self.presets.items():
                answer = self._ask(
                    [worker], {"do": "prepare", "settings": settings.model_dump()}, lambda: False
                )
                if not answer:
                    break
                if "vocab_size" in answer[0]:
                    vocabularies[name] = answer[0]["vocab_size"]
                self.prepared.add(name)
        finally:
            worker.close()
        return vocabularies

    def _measure(self, name: str, settings: RunSettings, vocab_size: int) -> None:
        """Measure one preset, if it stays quiet for so long: alone, and then one on every core at once."""
        cores = self.estimator.cores
        quiet = self._wait_for_quiet()
        if self._closing.is_set():
            return
        workers = [self._hire() for _ in range(cores)]
        found: dict[str, Costs] = {}
        try:
            for kind, threads, hands in zip(KINDS, (1, cores, 1), (1, 1, cores), strict=True):
                order = {"do": "measure", "settings": settings.model_dump(), "threads": threads}
                answers = self._ask(workers[:hands], order, self._disturbed)
                if not answers:
                    return
                if any("error" in answer for answer in answers):
                    log.warning("preset %s could not be measured: %s", name, answers)
                    del self.presets[name]
                    return
                found[kind] = Costs(
                    **{part: sum(answer[part] for answer in answers) / hands for part in answers[0]}
                )
        finally:
            for worker in workers:
                worker.close()
        self.estimator.add(name, Measured(settings, vocab_size, **found, quiet=quiet))

    def _measure_roof(self) -> None:
        """Measure how fast the machine multiplies matrices, with one thread and with all."""
        quiet = self._wait_for_quiet()
        if self._closing.is_set():
            return
        worker = self._hire()
        try:
            found = [
                self._ask([worker], {"do": "roof", "threads": threads}, self._disturbed)
                for threads in (1, self.estimator.cores)
            ]
        finally:
            worker.close()
        if all(found):
            one, all_ = (answers[0]["flops"] for answers in found)
            self.estimator.add_roof(Roof(one, max(one, all_), self.estimator.cores), quiet)

    def _wait_for_quiet(self) -> bool:
        """Wait until nothing trains, and for a moment when the machine is idle as well; False if it never is:
        then what is measured is true only for a machine that is busy with something else."""
        for _ in range(MOMENTS):
            idle = _idle_seconds()
            since = time.monotonic()
            while time.monotonic() - since < QUIET_SECONDS:
                if self._closing.wait(GLANCE):
                    return False
                if self.active():
                    idle, since = _idle_seconds(), time.monotonic()
            if _idle_seconds() - idle > IDLE_SHARE * QUIET_SECONDS:
                return True
        return False

    def _disturbed(self) -> bool:
        return self.active() > 0

    def _hire(self) -> Channel:
        args = {"data_root": str(self.data_root), "scratch": str(self.scratch)}
        return self.launcher.start("llmviz.runs.chores:serve", args, nice=TRAINING_NICE)

    def _ask(
        self, workers: list[Channel], order: dict[str, Any], disturbed: Callable[[], bool]
    ) -> list[dict[str, Any]] | None:
        """The answers of all workers to one order; None if it was given up."""
        for worker in workers:
            worker.send(order)
            worker.socket.settimeout(GLANCE)
        answers: list[dict[str, Any]] = []
        for worker in workers:
            answer = None
            while answer is None:
                if self._closing.is_set() or disturbed():
                    return None
                for message in worker.receive():
                    answer = message.get("done", answer)
                if worker.closed and answer is None:
                    raise ConnectionError("a worker for chores was lost")
            answers.append(answer)
        return answers


def _idle_seconds() -> float:
    """Seconds that the machine has been idle, as a mean over its processors."""
    return psutil.cpu_times().idle / (psutil.cpu_count() or 1)
