"""What diagnostics cost: steps with them and without take turns, so that whatever else the machine does slows
both. Asserted: examined every 50 steps, a run is less than 5 % slower.

A diagnosis is rare, so its cost is measured by itself (the median of many, each beside a plain step) and
spread over the steps between two.
"""

import statistics
import time

import pytest
import torch

from llmviz.runs.directory import create_run
from llmviz.runs.examiner import EARLY, Examiner
from llmviz.runs.resume import frozen_dataset, new_trainer
from llmviz.settings import PRESETS, parse_settings

pytestmark = pytest.mark.benchmark

EVERY, WARMING_UP, TURNS = 50, 5, 40


class Nowhere:
    """A journal that writes to memory: the disk is not what is measured."""

    def __init__(self):
        self.metrics, self.records = self, []

    def append(self, record):
        self.records.append(record)


@pytest.mark.parametrize("preset", ["spark", "small", "medium"])
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
    diagnoses = steps / EVERY + len(EARLY)
    slower = extra * diagnoses / steps
    with capsys.disabled():
        print(f"\n{preset}, {architecture}: a diagnosis costs {extra:.2f} steps, a run {slower:.1%} more")
    assert slower < 0.05
