"""From a run directory to a trainer in memory: new, or where the newest whole checkpoint left it."""

from pathlib import Path

from llmviz.model import build_gpt, load_into
from llmviz.runs.directory import RunDirectory
from llmviz.runs.journal import Journal
from llmviz.runs.weights import read_run_weights
from llmviz.settings import RunSettings
from llmviz.text.datasets import Dataset, build_dataset, open_dataset, recipe_sha256
from llmviz.text.files import write_atomically
from llmviz.training import CheckpointError, TokenBatches, Trainer, load_checkpoint, next_token_objective


def frozen_dataset(run: RunDirectory, settings: RunSettings, data_root: Path) -> Dataset:
    """The text the run was created with, built if it is not there yet.

    Raises ValueError if it is gone and this version of the program would build another one in its place, or
    if it is too short for the model's context.
    """
    folder = run.dataset(data_root)
    if recipe_sha256(settings.data) == folder.name:
        return build_dataset(settings.data, data_root, settings.model.block_size)
    if folder.exists():
        return open_dataset(folder)
    raise ValueError(
        "The text of this run is gone, and this version of LLMViz would build a different one. "
        "The model can still be looked at, but not trained further."
    )


def new_trainer(run: RunDirectory, settings: RunSettings, dataset: Dataset) -> Trainer:
    """The run's trainer before its first step. Raises ValueError if the text is too short for one window."""
    batches = TokenBatches.of(dataset.train, settings)
    batches(0)
    model = build_gpt(settings.model, dataset.tokenizer.vocab_size, settings.training.seed)
    if run.start.exists():  # a child run
        load_into(model, read_run_weights(run.start))
    return Trainer(model, next_token_objective, batches, settings.training)


def load_newest_checkpoint(run: RunDirectory, trainer: Trainer, journal: Journal) -> dict | None:
    """Put the trainer where the newest whole checkpoint was written; returns its extra, None without one.

    A damaged checkpoint is removed, and a notice says from where training goes on instead.
    """
    steps = run.checkpoints()
    while steps:
        step = steps.pop()
        try:
            return load_checkpoint(run.checkpoint(step), trainer)
        except CheckpointError as error:
            instead = "from the checkpoint before it" if steps else "from the very beginning"
            journal.notice("damaged", step, f"{error} Training goes on {instead}.")
            run.checkpoint(step).unlink()
    return None


def copy_tokenizer(run: RunDirectory, dataset: Dataset) -> None:
    """A run keeps its own copy, so that it can be read when the text is long gone."""
    original = (dataset.path / "tokenizer.json").read_bytes()
    if not run.tokenizer.exists() or run.tokenizer.read_bytes() != original:  # none yet, or damaged since
        write_atomically(run.tokenizer, lambda target: target.write(original))
