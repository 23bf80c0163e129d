"""One dial, the depth, and the rest of a model's size and training derived from it, each with the reason.

The rules were read off the presets, which were tuned one by one, and agree with what larger models do. They
are a start: whatever they say can be changed afterwards. The idea of one dial is nanochat's.
"""

import math
from dataclasses import dataclass

HEAD_WIDTH = 32  # numbers of a head, and of the width for each layer
USUAL_WIDTH, USUAL_RATE = 128, 4e-3  # the width at which AdamW's best rate was looked for, and that rate
STEPS_A_LAYER = 500
WARMUP = 40  # one step of warmup for so many steps of training
BATCH = 16
DEEPEST = 12


@dataclass(frozen=True)
class Derived:
    """A setting's value, and why."""

    value: float
    reason: str


def derived_from_depth(depth: int) -> dict[str, Derived]:
    """{setting: its value and the reason} for a model of so many layers, 1 to DEEPEST."""
    if not 1 <= depth <= DEEPEST:
        raise ValueError(f"The dial goes from 1 to {DEEPEST} layers, and {depth} is not between them.")
    width = HEAD_WIDTH * depth
    rate = float(f"{USUAL_RATE * math.sqrt(USUAL_WIDTH / width):.2g}")
    steps = STEPS_A_LAYER * depth
    return {
        "n_layer": Derived(depth, f"{_count(depth, 'layer')}: the dial itself."),
        "n_embd": Derived(
            width,
            f"Width {width}: {HEAD_WIDTH} for each layer, so that depth and width grow together; the loss "
            "hardly depends on their ratio as long as neither is extreme (Kaplan et al. 2020).",
        ),
        "n_head": Derived(
            depth,
            f"{_count(depth, 'head')}: {HEAD_WIDTH} numbers for each, enough to tell many tokens apart; the "
            "wider the model, the more heads look at different things.",
        ),
        "batch_size": Derived(
            BATCH, f"Batch {BATCH}: on a CPU a larger one costs as much time as it saves steps."
        ),
        "learning_rate": Derived(
            rate,
            f"Learning rate {rate:g}: {USUAL_RATE:g} at a width of {USUAL_WIDTH}, and falling with the root "
            "of the width, as more numbers add up to the same change of a score.",
        ),
        "max_steps": Derived(
            steps,
            f"{steps:,} steps: {STEPS_A_LAYER} for each layer, as a larger model takes more text to be worth "
            "its size; far from the 20 tokens a parameter of Hoffmann et al. 2022, as seconds count here.",
        ),
        "warmup_steps": Derived(
            steps // WARMUP,
            f"Warmup {steps // WARMUP}: one step in {WARMUP}, while AdamW gets to know the gradients.",
        ),
    }


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"
