"""Pretraining, and what it is made of: batches, objective, optimizer, schedule, trainer, checkpoints
(book, chapter 5 and appendix D).

Read in this order: `batches.py`, `objectives.py`, `schedule.py`, `optimizer.py`, `trainer.py`,
`checkpoints.py`. Everything a run does depends on its settings, its seed and the number of the step, so that
a run that was interrupted finishes exactly like one that was not. Names are fetched at first use, because
they need torch.

    model = build_gpt(settings.model, tokenizer.vocab_size, seed=1337)
    trainer = Trainer(model, next_token_objective, TokenBatches.of(ids, settings), settings.training)
    while not trainer.finished:
        print(trainer.step())
"""

from importlib import import_module
from typing import Any

_HOME = {
    "Batch": "batches",
    "TokenBatches": "batches",
    "batch_at": "batches",
    "next_token_objective": "objectives",
    "learning_rate_at": "schedule",
    "build_optimizer": "optimizer",
    "Diverged": "trainer",
    "StepRecord": "trainer",
    "Trainer": "trainer",
    "CheckpointError": "checkpoints",
    "load_checkpoint": "checkpoints",
    "save_checkpoint": "checkpoints",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
