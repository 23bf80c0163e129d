"""What diagnostics cost: steps with them and without take turns, so that whatever else the machine does slows
both. Asserted: examined every 50 steps, a run is less than 5 % slower.

A diagnosis is rare, so its cost is measured by itself (the median of many, each beside a plain step) and
spread over the steps between two; and whole runs, with and without, take turns.
"""

import statistics
import time

import pytest
import torch

from llmviz.runs.allocator import keep_freed_memory
from llmviz.runs.directory import create_run
from llmviz.runs.examination import n_examined
from llmviz.runs.examiner import Examiner
from llmviz.runs.inline import run_inline
from llmviz.runs.resume import frozen_dataset, new_trainer
from llmviz.settings import PRESETS, parse_settings

pytestmark = pytest.mark.benchmark

EVERY, WARMING_UP, TURNS = 50, 5, 40
PAIRS = 11


class Nowhere:
    """A journal that writes to memory: the disk is not what is measured."""

    def __init__(self):
        self.metrics, self.records = self, []

    def append(self, record):
        self.records.append(record)


@pytest.mark.parametrize("preset", ["speedrun", "spark", "small", "medium"])
@pytest.mark.parametrize("architecture", ["gpt2", "modern"])
def test_diagnostics_cost_under_five_percent(preset, architecture, tmp_path, tmp_path_factory, capsys):
    flat = PRESETS[preset].settings.flat() | {"architecture": architecture, "corpus_chars": 200_000}
    settings = parse_settings(flat)
    run = create_run(tmp_path / "runs", settings, name="Amber Otter", owner_hash="o")
    dataset = frozen_dataset(run, settings, tmp_path_factory.getbasetemp() / "diagnostics-data")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        trainer = new_trainer(run, settings, dataset)
        examiner = Examiner(1, dataset, trainer, Nowhere())
        plain, examined = [], []
        for turn in range(WARMING_UP + TURNS):
            started = time.perf_counter()
            trainer.step()
            between = time.perf_counter()
            examiner.before_step()
            trainer.step()
            examiner.after_step()
            ended = time.perf_counter()
            if turn >= WARMING_UP:
                plain.append(between - started)
                examined.append(ended - between)
    finally:
        torch.set_num_threads(before)
    assert len(examiner.journal.records) == WARMING_UP + TURNS
    extra = statistics.median(examined) / statistics.median(plain) - 1  # steps that one diagnosis costs
    steps = settings.training.max_steps
    slower = extra * n_examined(steps, EVERY) / steps
    with capsys.disabled():
        print(f"\n{preset}, {architecture}: a diagnosis costs {extra:.2f} steps, a run {slower:.1%} more")
    assert slower < 0.05


def test_a_whole_run_with_them_takes_less_than_five_percent_longer(tmp_path, tmp_path_factory, capsys):
    data = tmp_path_factory.getbasetemp() / "diagnostics-data"

    def seconds(diagnose_every: int) -> float:
        """Of the processor, for a Spark run from its first step to its full evaluation."""
        flat = PRESETS["spark"].settings.flat() | {"threads": 1, "diagnose_every": diagnose_every}
        run = create_run(tmp_path / "runs", parse_settings(flat), name="Amber Otter", owner_hash="o")
        started = time.process_time()
        run_inline(run, data_root=data)
        return time.process_time() - started

    keep_freed_memory()  # as workers do
    seconds(0)  # the text is written, and torch loads what it needs
    ratios = []
    for turn in range(PAIRS):  # one after the other, for a shared machine is now faster and now slower
        took = {every: seconds(every) for every in ((EVERY, 0) if turn % 2 else (0, EVERY))}
        ratios.append(took[EVERY] / took[0])
    slower = statistics.median(ratios)
    with capsys.disabled():
        pairs = ", ".join(f"{ratio:.3f}" for ratio in ratios)
        print(f"\na whole Spark run: {slower:.3f} times as long, the median of {pairs}")
    assert slower < 1.05
