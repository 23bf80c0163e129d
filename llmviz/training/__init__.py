"""Pretraining, and what it is made of: batches, objective, optimizer, schedule, trainer, checkpoints
(book, chapter 5 and appendix D).

Read in this order: `batches.py`, `objectives.py`, `schedule.py`, `optimizers/`, `trainer.py`,
`checkpoints.py`. Everything a run does depends on its settings, its seed and the number of the step, so that
a run that was interrupted finishes exactly like one that was not. Names are fetched at first use, because
they need torch.

    model = build_gpt(settings.model, tokenizer.vocab_size, seed=1337)
    trainer = Trainer(model, next_token_objective, TokenBatches.of(ids, settings), settings.training)
    while not trainer.finished:
        print(trainer.step())
"""

from llmviz import fetched_at_first_use

__all__, __getattr__, __dir__ = fetched_at_first_use(
    __name__,
    {
        "Batch": "batches",
        "TokenBatches": "batches",
        "batch_at": "batches",
        "next_token_objective": "objectives",
        "learning_rate_at": "schedule",
        "build_optimizer": "optimizers",
        "Diverged": "trainer",
        "StepRecord": "trainer",
        "Trainer": "trainer",
        "CheckpointError": "checkpoints",
        "load_checkpoint": "checkpoints",
        "save_checkpoint": "checkpoints",
    },
)
