"""Training settings that are fine one by one but do not go together, each explained in a sentence."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmviz.settings.model import ModelSettings
    from llmviz.settings.training import TrainingSettings


def training_conflicts(
    training: "TrainingSettings", model: "ModelSettings"
) -> Iterator[tuple[set[str], str]]:
    """Each conflict with the names of the settings it is between."""
    if training.warmup_steps >= training.max_steps and training.warmup_steps:
        yield (
            {"warmup_steps", "max_steps"},
            f"Warmup ({training.warmup_steps} steps) must be shorter than the training "
            f"({training.max_steps} steps): lower one or raise the other.",
        )
    if training.start_context > model.block_size:
        yield (
            {"start_context", "block_size"},
            f"The first context ({training.start_context} tokens) cannot be longer than the context "
            f"({model.block_size} tokens): lower one or raise the other.",
        )
    if training.precision == "fp16" and training.device == "cpu":
        yield (
            {"precision", "device"},
            "A processor does not compute with fp16: choose bf16 or automatic, or a graphics card.",
        )
    if model.init == "mup" and training.optimizer == "sgd":
        yield (
            {"init", "optimizer"},
            "µP's rule for the learning rates is made for optimizers that set the size of a step themselves: "
            "choose AdamW, Lion or Muon, or other first weights.",
        )
    smallest = min(training.batch_size, training.start_batch or training.batch_size)
    if training.accumulation > smallest:
        yield (
            {"accumulation", "batch_size", "start_batch"},
            f"A batch of {smallest} windows cannot be cut into {training.accumulation} pieces: choose at "
            f"most {smallest}.",
        )
