"""Diagnostics in plain language: what the numbers say, and what most likely causes it. No torch.

Each reading is a function of what was recorded; a test provokes every one of them with a real training, and
others hold that healthy ones raise no alarm. Bounds lie far outside of what the presets and GPT-2 at usual
rates were seen to do (in brackets), for an alarm that is wrong is worse than one that comes late.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from llmviz.probes.token_classes import CLASSES
from llmviz.settings import RunSettings

Record = dict[str, Any]

UNEVEN = 100  # times the smallest gradient of a layer (up to 10)
FAR = 0.2  # of its weights' length that a step may move a layer (up to 0.04)
NEAR = 2e-4  # what it should move it at least, while the learning rate is high (from 0.002)
DEAD = 0.5  # of a layer's units (up to 0.01)
STARING = 0.03  # entropy of a layer's heads (from 0.3)
SWOLLEN = 1000  # times the residual stream's start (up to 20)
ABOVE_BLIND = 1.0  # nats above a blind guess, before the first step (0.05)
LOST = 0.5  # nats above the start
FOUND = 0.5  # nats below a blind guess: what went wrong at the start is past by then
CLIPPED = 20  # times the length that clipping allows (up to 3)
CHANCE = 30  # times the batch that would be needed for as much signal as noise (up to 10)
LEARNT = 200  # steps before it is worth a word that a model is still blind to something
NO_USE = 0.1  # nats that the text before should save (from 0.3)
BY_PLACE = ("activation", "gradient", "update")  # lists that begin with what is outside of the layers
HIGH = 0.5  # of its highest, the learning rate
SINGLE = ("batch_loss", "gradient_norm", "signal", "noise", "windows")
KNOWN = {"diagnostics", "height", "dead", "entropy", "positions", "classes", *BY_PLACE, *SINGLE}
MOST_ENTRIES = 100  # of a list; no model has so many layers or heads
MEMORY = 4  # diagnoses over which what is noisy in a single one is averaged


@dataclass(frozen=True)
class Reading:
    """One thing that the numbers say. An alarm wants something done, a note is good to know."""

    code: str
    level: Literal["alarm", "note", "fine"]
    text: str


def readings_of(records: Sequence[Record], settings: RunSettings, vocab_size: int) -> list[Reading]:
    """What a run's diagnostics say at the last of `records` (in order of steps): the gravest first, and if
    there is no alarm one sentence that says so. [] without records. vocab_size: 0 where it is not known."""
    if not records:
        return []
    case = _Case(records, settings, vocab_size)
    found = [reading for look in LOOKS for reading in look(case)]
    alarms = [reading for reading in found if reading.level == "alarm"]
    return (alarms or [_fine(case)]) + [reading for reading in found if reading.level == "note"]


class _Case:
    """The records of a run, and what is asked of them more than once."""

    def __init__(self, records: Sequence[Record], settings: RunSettings, vocab_size: int) -> None:
        self.now, self.settings = records[-1], settings
        self.start = records[0] if step_of(records[0]) == 0 else None
        self.recent = records[-MEMORY:]
        self.step = step_of(self.now)
        self.blind = math.log(vocab_size) if vocab_size else math.inf

    @property
    def about_the_start(self) -> Literal["alarm", "note"]:
        """How grave it is by now if something went wrong at the start."""
        loss = self.now["batch_loss"]
        return "note" if loss is not None and loss < self.blind - FOUND else "alarm"

    def layers(self, name: str, record: Record | None = None) -> list[tuple[int, float]]:
        """(layer, value) where the value is known, layers counted from 1 as on all of the page; what lies
        outside of the blocks is left out."""
        values = (record or self.now)[name]
        return [(layer, value) for layer, value in enumerate(values) if layer and value is not None]


def is_diagnosis(record: Record) -> bool:
    """Whether a record from elsewhere has all that is read here, in its form: finite numbers, or None where
    there was none, for the same number of layers throughout."""
    try:
        layers = len(record["dead"])
        lists = [(record[name], layers + 1) for name in BY_PLACE]
        lists += [(record["dead"], layers), (record["positions"], len(record["positions"]))]
        lists += [(heads, len(heads)) for heads in record["entropy"]]
        single = [record.get("height"), *(record[name] for name in SINGLE)]
        rows = [single, list(record["classes"].values()), *(row for row, _ in lists)]
        return (
            type(record["diagnostics"]) is int
            and set(record) <= KNOWN
            and set(record["classes"]) <= set(CLASSES)
            and len(record["entropy"]) in (0, layers)
            and all(type(row) is list and len(row) == n <= MOST_ENTRIES for row, n in lists)
            and all(_is_number(value) for row in rows for value in row)
        )
    except (KeyError, TypeError, AttributeError, OverflowError):
        return False


def _is_number(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and math.isfinite(value))


def step_of(record: Record) -> int:
    """How many corrections had been made when the model was examined."""
    return record["diagnostics"]


def _starts_wrong(case: _Case) -> Iterator[Reading]:
    loss = case.start and case.start["batch_loss"]
    if loss is not None and loss > case.blind + ABOVE_BLIND:
        yield Reading(
            "start",
            case.about_the_start,
            f"Before its first step the model was sure of itself and wrong: a loss of {loss:.1f}, where "
            f"a blind guess has {case.blind:.1f}. The weights start too large.",
        )


def _loses(case: _Case) -> Iterator[Reading]:
    start, loss = case.start and case.start["batch_loss"], case.now["batch_loss"]
    if start is not None and loss is not None and loss > start + LOST:
        yield Reading(
            "lost",
            "alarm",
            f"The loss is {loss - start:.1f} above where it began: the steps do harm. The learning rate "
            "is too high.",
        )


def _starts_in_a_rush(case: _Case) -> Iterator[Reading]:
    warmup = case.settings.training.warmup_steps
    moved = max((value for _, value in case.layers("update", case.start)), default=0.0) if case.start else 0.0
    if moved > FAR and case.step > 0:
        why = "There is no warmup" if warmup == 0 else f"The warmup ({warmup} steps) is too short"
        yield Reading(
            "rush",
            case.about_the_start,
            f"The very first step moved weights by {_percent(moved)} of their size, before any direction was "
            f"known. {why}, or the learning rate is too high.",
        )


def _moves_too_far(case: _Case) -> Iterator[Reading]:
    layer, moved = max(case.layers("update"), key=lambda pair: pair[1], default=(0, 0.0))
    if moved > FAR:
        yield Reading(
            "far",
            "alarm",
            f"One step moves layer {layer}'s weights by {_percent(moved)} of their size; about 1 % is "
            "healthy. The learning rate is too high, or the weights are too small.",
        )


def _hardly_moves(case: _Case) -> Iterator[Reading]:
    moves = case.layers("update")
    moved = max((value for _, value in moves), default=1.0)
    if moved < NEAR and case.step > 0 and _at_height(case):
        yield Reading(
            "near",
            "alarm",
            f"A step moves the weights of the layers by {_percent(moved)} of their size at most; about 1 "
            "% is healthy. The learning rate is too low, or the weights are too large.",
        )


def _at_height(case: _Case) -> bool:
    """Whether the learning rate was near its highest: at its beginning and its end every run goes slowly, as
    that is what the schedule is for. Where a time limit or a deadline leads it, steps alone do not tell."""
    height = case.now.get("height")
    if height is not None:
        return height >= HIGH
    training = case.settings.training  # examined by a version that did not record it
    return training.warmup_steps // 2 <= case.step < training.max_steps / 2


def _uneven(case: _Case) -> Iterator[Reading]:
    sizes = case.layers("gradient")
    if len(sizes) < 2:
        return
    (low, least), (high, most) = (end(sizes, key=lambda pair: pair[1]) for end in (min, max))
    if least == 0 < most and case.step > 0:  # before the first step, what zero-init shuts off is to open yet
        yield Reading(
            "cut off",
            "alarm",
            f"Layer {low}'s gradients are exactly zero while layer {high}'s are not: it is cut off and "
            "learns nothing. Most likely a learning rate that was too high has switched its units off.",
        )
    if most > UNEVEN * least > 0:
        yield Reading(
            "uneven",
            "alarm",
            f"Layer {high}'s gradients are {_times(most / least)} layer {low}'s: "
            f"{_what_makes_uneven(case.settings)}.",
        )


def _what_makes_uneven(settings: RunSettings) -> str:
    if settings.model.choices.norm_place == "post":
        # Xiong et al. 2020, "On layer normalization in the transformer architecture"
        return "norms after the addition (post-norm) do that, and want a long warmup and a low learning rate"
    return "the learning rate is high or the initialisation is off"


def _nothing_to_learn(case: _Case) -> Iterator[Reading]:
    if case.step > 0 and case.now["gradient_norm"] == 0:
        yield Reading(
            "still",
            "alarm",
            "Every gradient is exactly zero: nothing is learned any more. Most likely a learning rate "
            "that was too high has switched the units off.",
        )


def _dead_units(case: _Case) -> Iterator[Reading]:
    shares = [(layer, share) for layer, share in enumerate(case.now["dead"], 1) if share is not None]
    layer, share = max(shares, key=lambda pair: pair[1], default=(0, 0.0))
    if share > DEAD:
        yield Reading(
            "dead",
            "alarm",
            f"{_percent(share)} of the units in layer {layer} were silent for every token of the batch, "
            f"and a silent unit learns nothing. {_what_silences(case.settings)}",
        )


def _what_silences(settings: RunSettings) -> str:
    if settings.model.choices.bias:
        return "A learning rate too high, or biases far below zero, switch units off."
    return "A learning rate too high switches units off."


def _staring(case: _Case) -> Iterator[Reading]:
    layers = enumerate(case.now["entropy"], 1)
    widths = [(sum(heads) / len(heads), layer) for layer, heads in layers if heads and None not in heads]
    width, layer = min(widths, default=(1.0, 0))
    if width < STARING:
        yield Reading(
            "staring",
            "alarm",
            f"All heads of layer {layer} look at one single token each, whatever the text: the attention "
            "scores are too large. The learning rate is high or the initialisation is off.",
        )


def _swollen(case: _Case) -> Iterator[Reading]:
    start, *sizes = case.now["activation"]
    known = [(layer, size) for layer, size in enumerate(sizes, 1) if size is not None]
    layer, size = max(known, key=lambda pair: pair[1], default=(0, 0.0))
    if start and size > SWOLLEN * start:
        yield Reading(
            "swollen",
            "alarm",
            f"Behind layer {layer} activations are {_times(size / start)} what they are behind the "
            "embeddings: what the layers add drowns the text. The learning rate is high or the "
            "initialisation is off.",
        )


def _clipped(case: _Case) -> Iterator[Reading]:
    norm, allowed = case.now["gradient_norm"], case.settings.training.grad_clip
    if norm is not None and norm > CLIPPED * allowed:
        yield Reading(
            "clipped",
            "note",
            f"The gradient is {_times(norm / allowed)} as long as clipping allows: steps follow its "
            "direction, no longer its size.",
        )


def _chance(case: _Case) -> Iterator[Reading]:
    needed, batch = noise_scale(case.recent), case.settings.training.batch_size
    if needed is None or needed <= CHANCE * batch:
        return
    windows = "far more" if math.isinf(needed) else f"about {_round(needed)}"
    yield Reading(
        "chance",
        "note",
        f"The gradient of a batch of {batch} windows is mostly chance by now: it would take {windows} "
        "for as much signal as noise. A larger batch or a lower learning rate would help more than more "
        "steps.",
    )


def _context(case: _Case) -> Iterator[Reading]:
    gain = gain_from_context(case.recent)
    can = case.settings.model.choices.blocks  # a bigram never will, and need not be told
    if can and case.step >= LEARNT and gain is not None and gain < NO_USE:
        yield Reading(
            "context",
            "note",
            "The model guesses as badly at the end of a window as at its beginning: so far it makes no "
            "use of what stands further back.",
        )


LOOKS = (
    _starts_wrong,
    _loses,
    _nothing_to_learn,
    _dead_units,
    _starts_in_a_rush,
    _moves_too_far,
    _hardly_moves,
    _uneven,
    _staring,
    _swollen,
    _clipped,
    _chance,
    _context,
)


def noise_scale(records: Sequence[Record]) -> float | None:
    """The batch, in windows, whose gradient would be as much signal as noise; infinite where no signal can be
    told from chance, None where there was nothing to compare. Signal and noise are averaged before they are
    divided, as McCandlish et al. 2018 advise: the estimate of either is noisy."""
    pairs = [(record["signal"], record["noise"]) for record in records]
    pairs = [(signal, noise) for signal, noise in pairs if signal is not None and noise is not None]
    if not pairs:
        return None
    signal, noise = (sum(part) for part in zip(*pairs, strict=True))
    return noise / signal if signal > 0 else math.inf


def gain_from_context(records: Sequence[Record]) -> float | None:
    """How many nats lower the loss is in the last part of a window than at its first two tokens."""
    rows = [record["positions"] for record in records if None not in record["positions"]]
    rows = [row for row in rows if len(row) > 2]
    if not rows:
        return None
    return sum((row[0] + row[1]) / 2 - row[-1] for row in rows) / len(rows)


def _fine(case: _Case) -> Reading:
    moves = [value for _, value in case.layers("update")]
    sizes = [size for _, size in case.layers("gradient") if size > 0]
    parts = []
    if len(sizes) > 1:
        parts.append(f"the layers' gradients are within {_times(max(sizes) / min(sizes))} of one another")
    if moves:
        parts.append(f"a step moves weights by {_percent(max(moves))} of their size")
    said = f": {', '.join(parts)}" if parts else ""
    return Reading("fine", "fine", f"Training looks healthy{said}.")


def _round(value: float) -> str:
    return f"{float(f'{value:.2g}'):,.0f}"


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times" if ratio < 9.95 else f"{_round(ratio)} times"


def _percent(share: float) -> str:
    return f"{float(f'{100 * share:.2g}'):,g} %"
