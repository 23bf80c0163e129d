"""The nearest settings that would fit, for whoever asked for too much. No torch.

First a smaller batch, which changes the model least; then a shorter context; then fewer layers; then less
width; then several of them, which shrink by the same factor. What a batch or a context begins with shrinks
along with it.
"""

import math
from collections.abc import Callable

from llmviz.settings import FIELDS, RunSettings, bound

ALL = ("batch_size", "block_size", "n_layer", "n_embd")
TOGETHER = (*((name,) for name in ALL), ALL[:2], ALL[2:], ALL)
STEPS = [2 ** (-eighth / 8) for eighth in range(1, 8 * 12)]  # by how much, the gentlest first
BEARABLE = 1 / 4  # a batch of 1 instead of 64 is no near neighbour: then let something else shrink as well


def nearest_that_fits(settings: RunSettings, fits: Callable[[RunSettings], bool]) -> str:
    """A sentence that names it; "" if nothing fits."""
    for names in TOGETHER:
        for factor in STEPS if names == ALL else [step for step in STEPS if step >= BEARABLE]:
            if fits(_resized(settings, _shrunk(settings, names, factor))):
                return _sentence(settings, _needed(settings, _shrunk(settings, names, factor), fits))
    return ""


def _needed(
    settings: RunSettings, sizes: dict[str, int], fits: Callable[[RunSettings], bool]
) -> dict[str, int]:
    """Only those of the smaller sizes without which it would not fit."""
    for name in list(sizes):
        without = {other: size for other, size in sizes.items() if other != name}
        if fits(_resized(settings, without)):
            sizes = without
    return sizes


def _shrunk(settings: RunSettings, names: tuple[str, ...], factor: float) -> dict[str, int]:
    """{name: smaller size}, such as go together with the rest."""
    model, batch = settings.model, settings.training.batch_size
    narrowest = int(bound(FIELDS["n_embd"][1], "ge") or 1)
    turns = model.choices.positions == "rope" and not model.head_width
    share = model.n_head * (2 if turns else 1)  # RoPE turns a head's numbers in pairs
    sizes = {
        "batch_size": max(settings.training.accumulation, int(batch * factor)),  # a window a piece
        "block_size": max(2, _rounded(int(model.block_size * factor))),
        "n_layer": max(1, int(model.n_layer * factor)),
        "n_embd": max(math.ceil(narrowest / share), int(model.n_embd * factor) // share) * share,
    }
    chosen = {name: sizes[name] for name in names}
    return chosen | _along(settings, chosen, factor)


def _along(settings: RunSettings, sizes: dict[str, int], factor: float) -> dict[str, int]:
    """What has to shrink along with a smaller batch or context: {name: smaller size}."""
    training, along = settings.training, {}
    if "batch_size" in sizes:
        along["start_batch"] = max(training.accumulation, int(training.start_batch * factor))
    if "block_size" in sizes:
        along["start_context"] = min(training.start_context, sizes["block_size"])
    return {name: size for name, size in along.items() if size < getattr(training, name)}


def _rounded(tokens: int) -> int:
    """A context that looks chosen: a multiple of 8, if it is not short."""
    return tokens // 8 * 8 if tokens > 16 else tokens


def _resized(settings: RunSettings, sizes: dict[str, int]) -> RunSettings:
    """The same settings with other sizes."""
    model = {name: size for name, size in sizes.items() if FIELDS[name][0] == "model"}
    training = {name: size for name, size in sizes.items() if FIELDS[name][0] == "training"}
    return settings.model_copy(
        update={
            "model": settings.model.model_copy(update=model),
            "training": settings.training.model_copy(update=training),
        }
    )


def _sentence(asked: RunSettings, sizes: dict[str, int]) -> str:
    before = asked.flat()
    changes = [
        f"{FIELDS[name][1].title.lower()} {size:,} instead of {before[name]:,}"
        for name, size in sizes.items()
    ]
    listed = " and ".join(filter(None, [", ".join(changes[:-1]), changes[-1]]))
    return f"The nearest that would fit: {listed}."
