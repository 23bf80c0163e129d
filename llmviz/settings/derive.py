"""One dial, the depth, and the rest of a model's size and training derived from it, each with the reason.

The rules were read off the presets, which were tuned one by one, and agree with what larger models do. They
are a start: whatever they say can be changed, before or afterwards. The idea of one dial is nanochat's.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

from llmviz.settings.model import ModelSettings
from llmviz.settings.optimizers import LION_SHARE, OPTIMIZERS, SGD_RATE, usual_settings
from llmviz.settings.run import RunSettings, counted

HEAD_WIDTH = 32  # numbers of a head, and of the width for each layer
MOST_HEADS = 64
USUAL_WIDTH, USUAL_RATE = 128, 4e-3  # the width at which AdamW's best rate was looked for, and that rate
# Stories in letters, the dial's steps, GPT-2's parts with a head of its own, one seed: rates of 0.004, 0.008,
# 0.016 and 0.032 came to losses of 0.88, 0.64, 0.62 and 0.70 at a width of 64, the first three to 0.39,
# 0.36 and 0.37 at 128.
MUP_RATE = 0.012
STEPS_A_LAYER = 500
WARMUP = 40  # one step of warmup for so many steps of training
BATCH = 16
DEEPEST = 12
DERIVED = (
    "n_layer",
    "n_embd",
    "n_head",
    "mlp_width",
    "batch_size",
    "learning_rate",
    "max_steps",
    "warmup_steps",
)


@dataclass(frozen=True)
class Derived:
    """A setting's value, and why."""

    value: float
    reason: str


def derived_from_depth(
    depth: int, settings: RunSettings | None = None, given: Collection[str] = ()
) -> dict[str, Derived]:
    """{setting: its value and the reason} for a model of so many layers, 1 to DEEPEST.

    settings: what is chosen besides: the first weights and the optimizer decide the learning rate. given: the
    names of those that the reader has set; they stand as they are, and what is derived goes with them.
    """
    settings = settings or RunSettings()
    if not 1 <= depth <= DEEPEST:
        raise ValueError(f"The dial goes from 1 to {DEEPEST} layers, and {depth} is not between them.")
    if not settings.model.choices.blocks:
        raise ValueError(
            "A bigram is one table without layers, so it has no depth: choose another architecture."
        )
    width = settings.model.n_embd if "n_embd" in given else _width(depth, settings.model, "n_head" in given)
    steps = settings.training.max_steps if "max_steps" in given else STEPS_A_LAYER * depth
    derived = _size(depth, width, settings.model) | _recipe(width, steps, settings)
    return {name: value for name, value in derived.items() if name not in given}


def brought_along(settings: RunSettings, recipe: RunSettings) -> dict[str, float]:
    """What the optimizer of the settings brings along, instead of what came with another one: from the recipe
    or, where the size is no longer the recipe's, from the dial. What is neither was chosen, and stays."""
    optimizer, flat = settings.training.optimizer, settings.flat()
    usual = {each: usual_settings(each, recipe) for each in OPTIMIZERS}
    found = {
        name: value
        for name, value in usual[optimizer].items()
        if any(flat[name] == other[name] for other in usual.values())
    }
    dialled = {each: dialled_rate(each, settings) for each in OPTIMIZERS}
    resized = (settings.model.n_layer, settings.model.n_embd) != (recipe.model.n_layer, recipe.model.n_embd)
    if resized and settings.training.learning_rate in dialled.values():
        found["learning_rate"] = dialled[optimizer]
    return found


def dialled_rate(optimizer: str, settings: RunSettings) -> float:
    """The learning rate that the dial derives for such a width, with this optimizer."""
    training = settings.training.model_copy(update={"optimizer": optimizer})
    rate, _ = _learning_rate(settings.model.n_embd, settings.model_copy(update={"training": training}))
    return rate


def _size(depth: int, width: int, model: ModelSettings) -> dict[str, Derived]:
    """Layers, width, heads, and the MLP's width."""
    heads = _heads(width, model)
    about = "," if width == HEAD_WIDTH * depth else ", or as near as the heads can share it,"
    return {
        "n_layer": Derived(depth, f"{counted(depth, 'layer')}: the dial itself."),
        "n_embd": Derived(
            width,
            f"Width {width}: {HEAD_WIDTH} for each layer{about} so that depth and width grow together; the "
            "loss hardly depends on their ratio as long as neither is extreme (Kaplan et al. 2020).",
        ),
        "n_head": Derived(
            heads,
            f"{counted(heads, 'head')}: {model.head_width or width // heads} numbers for each, enough to "
            "tell many tokens apart; the wider the model, the more heads look at different things.",
        ),
        "mlp_width": Derived(
            0, "Width of the MLP 0: it follows the width, 4 times it as in GPT-2, or 8/3 of it with SwiGLU."
        ),
    }


def _recipe(width: int, steps: int, settings: RunSettings) -> dict[str, Derived]:
    """How it is trained."""
    rate, why = _learning_rate(width, settings)
    warmup = steps // WARMUP
    return {
        "batch_size": Derived(
            BATCH, f"Batch {BATCH}: on a CPU a larger one costs as much time as it saves steps."
        ),
        "learning_rate": Derived(rate, f"Learning rate {rate:g}: {why}."),
        "max_steps": Derived(
            steps,
            f"{steps:,} steps: {STEPS_A_LAYER} for each layer, as a larger model takes more text to be worth "
            "its size; far from the 20 tokens a parameter of Hoffmann et al. 2022, as seconds count here.",
        ),
        "warmup_steps": Derived(
            warmup,
            f"Warmup {warmup}: one step in {WARMUP}, while the optimizer gets to know the gradients.",
        ),
    }


def _width(depth: int, model: ModelSettings, heads_are_given: bool) -> int:
    """So many numbers for each layer; where the heads are given, an even share for each of them."""
    share = 2 * model.n_head if heads_are_given and not model.head_width else 1
    return max(1, round(HEAD_WIDTH * depth / share)) * share


def _heads(width: int, model: ModelSettings) -> int:
    """About one for every HEAD_WIDTH numbers, among which the width, in RoPE's pairs, and the heads of keys
    can be shared out; if there is no such number, the check of all settings says so."""
    wanted = max(1, round(width / HEAD_WIDTH))
    together = model.n_kv_head or 1
    fitting = [
        n for n in range(together, MOST_HEADS + 1, together) if model.head_width or width % (2 * n) == 0
    ]
    return min(fitting, key=lambda n: abs(n - wanted), default=wanted)


def _learning_rate(width: int, settings: RunSettings) -> tuple[float, str]:
    """The highest rate, and why it is that."""
    optimizer = settings.training.optimizer
    if optimizer == "sgd":
        return (
            SGD_RATE,
            "SGD's steps are as short as its gradients are, so it wants a far larger one than AdamW",
        )
    if settings.model.choices.init == "mup":
        rate = MUP_RATE
        why = f"{rate:g} at every width, as µP itself gives the matrices less of it the wider they are"
    else:
        rate = USUAL_RATE * math.sqrt(USUAL_WIDTH / width)
        why = (
            f"{USUAL_RATE:g} at a width of {USUAL_WIDTH}, and falling with the root of the width, as more "
            "numbers add up to the same change of a score"
        )
    if optimizer == "lion":
        rate *= LION_SHARE
        why += "; a third of that, as Lion moves every weight by all of it"
    return float(f"{rate:.2g}"), why
