"""What training takes, said before it starts: memory, and floating-point operations of a step. No torch."""

import math
from typing import TYPE_CHECKING

from llmviz.model.size import FLOAT, WORKSPACE, flops_per_token, memory_bytes, n_parameters
from llmviz.training.growth import stages

if TYPE_CHECKING:
    from llmviz.settings import ModelSettings, RunSettings, TrainingSettings

# Newton–Schulz on an (R, C) matrix, R ≤ C, is five times 4R²C + 2R³ operations: for the six matrices of a
# block of width C together 300·C³, which is 25·C a number.
MUON_FLOPS = 25
COMPILER = 300_000_000  # bytes: PyTorch's compiler in the worker, and the C++ compiler beside it
COMPILE_SECONDS = 20.0  # for every shape of inputs, on a CPU
MUON_SCRATCH = 4  # numbers for each of the matrices, while those of one shape are made orthogonal
LION_SCRATCH = 1  # numbers for each parameter: the directions of a step


def block_parameters(model: "ModelSettings", vocab_size: int) -> int:
    """How many of the model's parameters are inside its blocks: nearly all in matrices."""
    outside = model.model_copy(update={"n_layer": 0})
    return n_parameters(model, vocab_size) - n_parameters(outside, vocab_size)


def remembered(settings: "RunSettings", vocab_size: int) -> int:
    """How many numbers the optimizer remembers: two a parameter for AdamW, one for the others."""
    parameters = n_parameters(settings.model, vocab_size)
    if settings.training.optimizer == "muon":
        return 2 * parameters - block_parameters(settings.model, vocab_size)
    return {"adamw": 2, "lion": 1, "sgd": 1}[settings.training.optimizer] * parameters


def training_memory(settings: "RunSettings", vocab_size: int) -> int:
    """About how many bytes training takes at its peak, above a worker that idles: while a gradient is found,
    or afterwards while Muon or Lion works on it, whichever is more."""
    kept, model, training = remembered(settings, vocab_size), settings.model, settings.training
    parameters = n_parameters(model, vocab_size)
    finding = max(
        learning_memory(
            _at(model, stage.block_size),
            vocab_size,
            math.ceil(stage.batch_size / training.accumulation),
            kept,
            training,
        )
        for stage in stages(settings)
    )
    scratch = {
        "muon": MUON_SCRATCH * block_parameters(model, vocab_size),
        "lion": LION_SCRATCH * parameters,
    }.get(training.optimizer, 0)
    correcting = FLOAT * (2 * parameters + kept + scratch) + WORKSPACE
    return max(finding, correcting) + (COMPILER if training.compile else 0)


def learning_memory(
    model: "ModelSettings", vocab_size: int, batch_size: int, kept: int, training: "TrainingSettings"
) -> int:
    """About how many bytes it takes to find a gradient, beside `kept` numbers that lie there anyway."""
    needed = _recomputing if training.recompute else memory_bytes
    return needed(model, vocab_size, batch_size, kept, training.threads)


def _recomputing(model: "ModelSettings", vocab_size: int, batch_size: int, kept: int, threads: int) -> int:
    """As `memory_bytes`, but of all blocks only one is worked on, and of the others only the inputs are kept.
    The one counts twice: what it computes again is there beside the gradients on their way back."""
    two = model.model_copy(update={"n_layer": 2})
    learned = 2 * FLOAT * n_parameters(two, vocab_size)  # counted below, for all blocks
    working = memory_bytes(two, vocab_size, batch_size, 0, threads) - learned
    inputs = batch_size * model.block_size * model.n_layer * model.n_embd
    return working + FLOAT * (2 * n_parameters(model, vocab_size) + kept + inputs)


def compile_seconds(settings: "RunSettings") -> float:
    """What a run waits for the compiler: it translates the model for every shape that inputs have."""
    training = settings.training
    shapes = {
        (size, stage.block_size)
        for stage in stages(settings)
        for size in (
            stage.batch_size // training.accumulation,
            math.ceil(stage.batch_size / training.accumulation),
        )
    }
    return COMPILE_SECONDS * len(shapes) if training.compile else 0.0


def step_flops(settings: "RunSettings", vocab_size: int) -> float:
    """Floating-point operations of a step, over the whole run on average: small batches count for less."""
    return flops_made(settings, vocab_size, 1, _tokens_of_a_step(settings))


def flops_made(settings: "RunSettings", vocab_size: int, steps: int, tokens: float) -> float:
    """Floating-point operations of so many steps that learned from so many tokens in all: of a run that was
    cut short, or led by time, early and small batches are more of its steps than settings tell."""
    model, training = settings.model, settings.training
    a_step = sum(
        stage.share
        * stage.batch_size
        * stage.block_size
        * flops_per_token(_at(model, stage.block_size), vocab_size)
        for stage in stages(settings)
    )
    if training.recompute:
        a_step *= 4 / 3  # forward once more: 2 operations a weight and token on top of 6
    learning = a_step / _tokens_of_a_step(settings) * tokens
    if training.optimizer == "muon":
        learning += steps * MUON_FLOPS * model.n_embd * block_parameters(model, vocab_size)
    return learning


def _tokens_of_a_step(settings: "RunSettings") -> float:
    """As a mean over a whole run."""
    return sum(stage.share * stage.batch_size * stage.block_size for stage in stages(settings))


def _at(model: "ModelSettings", block_size: int) -> "ModelSettings":
    """The same model, reading windows of another length."""
    return model.model_copy(update={"block_size": block_size})
