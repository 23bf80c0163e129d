"""Settings of the training loop: how long, how fast, with which optimizer (book, chapter 5, appendix D)."""

from typing import Literal

from llmviz.settings.base import Room, setting

OptimizerName = Literal["adamw", "muon", "sgd", "lion"]
ScheduleName = Literal["cosine", "linear", "constant", "wsd"]
PrecisionName = Literal["auto", "fp32", "bf16", "fp16"]
DeviceName = Literal["auto", "cpu", "cuda", "mps"]

SOME = "Of some optimizers and schedules"  # headings of what is folded away
SIZES = "Batches in pieces, and growing ones"
MACHINE = "The machine"


class TrainingSettings(Room):
    """By default AdamW with linear warmup, cosine decay and gradient clipping, as the book has it."""

    max_steps: int = setting(
        600,
        ge=1,
        le=1_000_000,
        label="Steps",
        unit="steps",
        chapter="5.2",
        help="How many times the weights are adjusted, once after every batch.",
    )
    max_seconds: float | None = setting(
        None,
        gt=0,
        le=1_000_000,
        label="Time limit",
        unit="seconds (0: none)",
        help="Ends training after so many seconds of training time; the learning rate follows it down.",
    )
    batch_size: int = setting(
        16,
        ge=1,
        le=4096,
        label="Batch",
        unit="windows",
        chapter="2.6",
        help="How many stretches of text are learned from at once in every step.",
    )
    accumulation: int = setting(
        1,
        ge=1,
        le=1024,
        group=SIZES,
        label="Batch in pieces",
        unit="pieces",
        chapter="5.2",
        help="In how many pieces a batch is worked through before one step: the same gradient, less memory.",
    )
    start_batch: int = setting(
        0,
        ge=0,
        le=4096,
        group=SIZES,
        label="First batch",
        unit="windows (0: as later)",
        help="How large the batches are at first; doubled or halved now and then until they are as above.",
    )
    start_context: int = setting(
        0,
        ge=0,
        le=2048,
        group=SIZES,
        label="First context",
        unit="tokens (0: as later)",
        help="How long the windows are at first, doubled from time to time: what is near is learned first, "
        "and quicker so.",
    )
    growth_share: float = setting(
        0.5,
        gt=0.0,
        le=1.0,
        step=0.05,
        group=SIZES,
        label="Full sizes after",
        unit="of the run",
        help="When the first batch and the first context have grown to their full sizes.",
    )
    optimizer: OptimizerName = setting(
        "adamw",
        label="Optimizer",
        chapter="5.2",
        help="How a gradient becomes a correction. AdamW is the custom; Muon learns most a step, and takes "
        "longer for it; Lion looks at signs only; SGD is the plainest. Lion and SGD bring along the learning "
        "rate, and SGD the weight decay, that they usually want, unless others are chosen.",
    )
    learning_rate: float = setting(
        2e-3,
        gt=0.0,
        le=1.0,
        live=True,
        label="Learning rate",
        chapter="5.2",
        help="How far one step moves the weights, at its highest: too small crawls, too large falls apart.",
    )
    matrix_learning_rate: float = setting(
        0.02,
        gt=0.0,
        le=1.0,
        group=SOME,
        label="Learning rate of matrices",
        unit="(Muon)",
        help="The highest rate for the matrices inside the blocks, which Muon corrects; AdamW has the rest.",
    )
    schedule: ScheduleName = setting(
        "cosine",
        label="Schedule",
        chapter="D.2",
        help="How the learning rate comes down after the warmup: along a cosine, in a straight line, not at "
        "all, or late (“stable, then decay”).",
    )
    decay_share: float = setting(
        0.2,
        gt=0.0,
        le=1.0,
        step=0.05,
        group=SOME,
        label="Late decay",
        unit="of the run",
        help="How much of the run the decay of “stable, then decay” takes, at its end.",
    )
    final_lr_ratio: float = setting(
        0.1,
        ge=0.0,
        le=1.0,
        step=0.05,
        label="Final learning rate",
        unit="of the highest",
        chapter="D.2",
        help="Where the schedule ends, as a share of the highest learning rate.",
    )
    warmup_steps: int = setting(
        50,
        ge=0,
        le=100_000,
        label="Warmup",
        unit="steps",
        chapter="D.1",
        help="Over how many steps the learning rate climbs from zero, so that the first steps do no harm.",
    )
    weight_decay: float = setting(
        0.1,
        ge=0.0,
        le=10.0,
        step=0.01,
        label="Weight decay",
        chapter="5.2",
        help="How strongly every step pulls the weight matrices towards zero. With SGD, 0.01 is too much.",
    )
    beta1: float = setting(
        0.9,
        ge=0.0,
        lt=1.0,
        step=0.01,
        label="Beta 1",
        chapter="5.2",
        help="How long AdamW and Lion remember the direction of past gradients.",
    )
    beta2: float = setting(
        0.99,
        ge=0.0,
        lt=1.0,
        step=0.005,
        label="Beta 2",
        chapter="5.2",
        help="How long AdamW remembers the size of past gradients, and Lion their mean.",
    )
    momentum: float = setting(
        0.95,
        ge=0.0,
        lt=1.0,
        step=0.01,
        group=SOME,
        label="Momentum",
        unit="(Muon, SGD)",
        help="How long Muon and SGD remember past gradients: 0 forgets them at once.",
    )
    grad_clip: float = setting(
        1.0,
        gt=0.0,
        le=1_000.0,
        step=0.1,
        label="Gradient clipping",
        chapter="D.3",
        help="Gradients longer than this are shortened to it, so that one odd batch does no harm.",
    )
    seed: int = setting(
        1337,
        ge=0,
        le=2**31 - 1,
        label="Seed",
        help="Decides the first weights and the order of the batches; the same seed gives the same model.",
    )
    eval_interval: int = setting(
        50,
        ge=1,
        le=1_000_000,
        label="Validate every",
        unit="steps",
        chapter="5.1.3",
        help="How often the model is tried on text it has never seen.",
    )
    eval_windows: int = setting(
        64,
        ge=1,
        le=100_000,
        label="Validation windows",
        unit="windows",
        chapter="5.1.3",
        help="How many stretches of unseen text are tried each time; the whole text is tried at the end.",
    )
    diagnose_every: int = setting(
        50,
        ge=0,
        le=50,
        label="Diagnose every",
        unit="steps (0: never)",
        help="How often training is examined from inside: gradients, activations and updates of every layer.",
    )
    threads: int = setting(
        0,
        ge=0,
        le=256,
        label="Threads",
        unit="(0: automatic)",
        help="CPU threads of this run. Automatic: all cores while it is alone and gains by them, else one.",
    )
    device: DeviceName = setting(
        "cpu",
        group=MACHINE,
        label="Computed by",
        help="The processor, an NVIDIA graphics card (cuda), or the one in an Apple chip (mps). Automatic: a "
        "graphics card if there is one.",
    )
    precision: PrecisionName = setting(
        "fp32",
        group=MACHINE,
        label="Precision",
        help="How many bits a number has in matrix products. Automatic: 16, where the machine has units for "
        "it and a short trial says that it is faster.",
    )
    recompute: bool = setting(
        False,
        group=MACHINE,
        label="Compute twice",
        help="Forgets what happens inside a block and computes it again when it is needed: less memory, a "
        "third more work (activation checkpointing).",
    )
    compile: bool = setting(
        False,
        group=MACHINE,
        label="Compile",
        help="Lets PyTorch translate the model first. That takes up to a minute for each size that batches "
        "have, and gains much on a graphics card and little on a processor.",
    )
