"""What is too much for this machine, said before a worker sees it: one plain sentence for each mistake.

`llmviz.settings` refuses what makes no sense anywhere; here is what would not fit here and now. The limits
follow from the cores, the memory and the disk there are; an operator sets others by environment variables, a
teacher lower ones for a lesson. The arithmetic is the same for the page, the endpoints, an opened .zip and
the terminal.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmviz.model.size import attention_table, n_parameters
from llmviz.runs.changes import CHANGEABLE
from llmviz.runs.estimates import guess_vocabulary
from llmviz.runs.machine import Machine, parse_bytes
from llmviz.runs.memory import run_memory
from llmviz.runs.nearest import nearest_that_fits
from llmviz.runs.refusal import Refused
from llmviz.settings import FIELDS, RunSettings, SettingsError, bound, conflicts, parse_settings
from llmviz.text.recipes import TextError, check_text, sha256_of
from llmviz.training.costs import COMPILE_SECONDS

OURS = 600_000_000  # bytes: the page, the nursery with torch in it, the process for pictures
SMALLEST_RUN = 60_000_000  # bytes of a run however small, its worker included
OPENING = 10  # bytes a parameter while a model is opened: as read, as 32-bit numbers, and room to compute
PREPARING, BYTES_A_LETTER = 40_000_000, 25  # bytes, while a text is written and cut into tokens
BYTE_PAIRS = 70  # bytes a byte of a reader's own text: at worst there are no spaces, and every line is a word
VARIABLES = {
    "LLMVIZ_MAX_PARAMETERS": "parameters",
    "LLMVIZ_MAX_IMPORT": "imported",
    "LLMVIZ_MAX_MEMORY": "memory",
    "LLMVIZ_MAX_CONTEXT": "context",
    "LLMVIZ_MAX_STEPS": "steps",
    "LLMVIZ_MAX_CORPUS": "corpus",
    "LLMVIZ_MAX_TEXT": "text",
    "LLMVIZ_MAX_UPLOAD": "upload",
    "LLMVIZ_MAX_RUNS": "runs",
    "LLMVIZ_MAX_DISK": "disk",
}


class BadLimit(ValueError):
    """An environment variable that is to set a limit says something else."""


@dataclass(frozen=True)
class Limits:
    """The most there may be of everything. Replaced, never changed: a teacher's lesson may lower them."""

    parameters: int  # of a model that is trained
    imported: int  # parameters of one that comes from elsewhere, and is only looked at
    memory: int  # bytes of one run
    together: int  # bytes of all runs that train at the same time
    context: int  # tokens
    steps: int
    corpus: int  # letters that a generator writes
    text: int  # letters of a reader's own text
    upload: int  # bytes of a .zip; unpacked, it may be twice as large
    runs: int  # of one owner
    active: int  # of one owner, at the same time
    everybody: int  # runs that train at the same time, of all owners
    disk: int  # bytes of everything in the data directory
    threads: int  # of one run
    compiling: bool  # on a processor: it is kept busy for so long that all others wait

    def told(self) -> dict[str, Any]:
        """All of them, and the sentence, for the page."""
        return dataclasses.asdict(self) | {"sentence": self.sentence()}

    def sentence(self) -> str:
        """What a reader should know of them beforehand."""
        return (
            f"On this machine: up to {self.parameters:,} parameters, {readable(self.memory)} of memory, "
            f"a context of {self.context:,} tokens, {self.steps:,} steps, a text of {self.text:,} letters, "
            f"and {self.runs:,} runs each."
        )


def limits_of(machine: Machine, environ: Mapping[str, str], disk: int) -> Limits:
    """The limits of a machine that many share, with `disk` bytes for their runs. Raises BadLimit, in a
    sentence, if a variable of the environment cannot be understood."""
    together = int(max(0.8 * machine.memory - OURS, 0.4 * machine.memory))
    memory = min(machine.memory // 2, together)
    letters = memory // (4 * BYTES_A_LETTER)  # byte pairs may take more
    limits = Limits(
        parameters=25_000_000 * machine.cores,
        imported=memory // 2 // OPENING,  # the process for pictures may take half of what a run may
        memory=memory,
        together=together,
        context=1_024 * machine.cores,
        steps=500_000 * machine.cores,
        corpus=letters,
        text=min(5_000_000, letters),
        upload=min(300_000_000, machine.memory // 32),
        runs=300,
        active=16,
        everybody=max(1, min(200, together // SMALLEST_RUN)),
        disk=disk,
        threads=machine.cores,
        compiling=False,
    )
    return _within_bounds(dataclasses.replace(limits, **_overrides(environ, machine)))


def limits_alone(machine: Machine, environ: Mapping[str, str]) -> Limits:
    """The limits of a terminal, whose run has the machine to itself: all that is there."""
    everything = limits_of(machine, {}, disk=machine.memory)
    unbounded = {
        "text": machine.memory // (4 * BYTES_A_LETTER),
        "parameters": 10**12,
        "imported": 10**12,
    }  # memory will say so before
    alone = {"memory": machine.memory, "compiling": True, **unbounded, **_bounds()}
    return _within_bounds(dataclasses.replace(everything, **alone | _overrides(environ, machine)))


def _bounds() -> dict[str, int]:
    """What the settings allow on any machine."""
    fields = {"context": "block_size", "steps": "max_steps", "corpus": "corpus_chars"}
    return {name: int(bound(FIELDS[field][1], "le") or 0) for name, field in fields.items()}


def _within_bounds(limits: Limits) -> Limits:
    """No limit beyond what the settings allow anyway: the page would promise too much."""
    return dataclasses.replace(limits, **{n: min(getattr(limits, n), top) for n, top in _bounds().items()})


def _overrides(environ: Mapping[str, str], machine: Machine) -> dict[str, int]:
    """{limit: value} as the environment says. Raises BadLimit for the first that makes no sense."""
    found = {}
    for variable, name in VARIABLES.items():
        if given := environ.get(variable, "").strip():
            value = parse_bytes(given.replace(",", ""))
            if value is None or not 1 <= value < 1e15:
                raise BadLimit(
                    f"{variable} is “{given[:40]}”, but it has to be a number from 1, such as 500000 or 8G."
                )
            found[name] = int(value)
    if found.get("memory", 0) > machine.memory:
        raise BadLimit(
            f"LLMVIZ_MAX_MEMORY is “{environ['LLMVIZ_MAX_MEMORY'][:40]}”, but this machine has "
            f"{readable(machine.memory)}: choose less, or leave it out."
        )
    if "memory" in found:
        found["together"] = max(found["memory"], int(0.8 * machine.memory - OURS))
    return found


def readable(amount: int) -> str:
    """Bytes as people say them: “8.0 GB”, “250 MB”."""
    return f"{amount / 1e9:,.1f} GB" if amount >= 1e9 else f"{max(1, amount // 1_000_000):,} MB"


def check_new_run(flat: dict[str, Any], text: str | None, limits: Limits) -> RunSettings:
    """The settings of a run that may start. Raises Refused with every reason why it may not."""
    flat, sentences = dict(flat), []
    own_text = text if flat.get("corpus") == "text" else None
    if own_text is not None:
        if len(own_text) > limits.text:
            sentences.append(
                f"The text has {len(own_text):,} characters; at most {limits.text:,} can be used here."
            )
        flat["text_sha256"] = sha256_of(own_text.encode("utf-8", "replace"))
    elif flat.get("corpus") == "text":
        flat["text_sha256"] = None  # whoever names a text has to have it
    if flat.get("tokenizer") == "file":
        sentences.append("A tokenizer from a file can be used from the terminal only: choose another one.")
    try:
        settings = parse_settings(flat)
    except SettingsError as error:
        sentences += _text_problems(own_text, RunSettings(), None) + error.sentences
        raise Refused(sentences + (beyond(error.usable, limits) if error.usable else [])) from None
    sentences += _text_problems(own_text, settings, settings.model.block_size)
    letters = len(set(own_text)) if own_text and settings.data.tokenizer == "chars" else None
    sentences += beyond(settings, limits, letters)
    if sentences:
        raise Refused(sentences)
    return settings


def beyond(settings: RunSettings, limits: Limits, vocab_size: int | None = None) -> list[str]:
    """What this machine does not allow of settings that make sense in themselves; [] if it allows all.

    vocab_size: where it is known, rather than guessed from the settings.
    """
    too_much = too_large(settings, limits, vocab_size)
    too_much += too_long(settings, limits) + too_many_threads(settings, limits)
    return too_much + not_worth_compiling(settings, limits)


def too_many_threads(settings: RunSettings, limits: Limits) -> list[str]:
    """Why a run cannot have so many threads; [] if it can. More than there are cores only wait in turn."""
    threads, cores = settings.training.threads, limits.threads
    if threads <= cores:
        return []
    most = f"at most {cores}, or 0" if cores > 1 else "1, or 0"
    return [f"{threads} threads are too many for {cores} cores: choose {most} for automatic."]


def not_worth_compiling(settings: RunSettings, limits: Limits) -> list[str]:
    """Why a run cannot be compiled where others wait for the same processor; [] if it can."""
    training = settings.training
    if not training.compile or limits.compiling or training.device not in ("auto", "cpu"):
        return []
    return [
        f"Compiling for a processor takes about {COMPILE_SECONDS:.0f} seconds for each size of a batch, in "
        "which everybody else waits, and gains a tenth at most: switch “Compile” off, or choose a graphics "
        "card under “Computed by”. From the terminal it can be tried."
    ]


def too_long(settings: RunSettings, limits: Limits) -> list[str]:
    """Why nobody may train for so long, or on so much; [] if they may."""
    sentences, steps, letters = [], settings.training.max_steps, settings.data.corpus_chars
    if steps > limits.steps:
        sentences.append(f"{steps:,} steps are too many: at most {limits.steps:,} can be trained here.")
    if settings.data.corpus != "text" and letters > limits.corpus:
        sentences.append(f"A text of {letters:,} letters is too long: at most {limits.corpus:,} fit here.")
    return sentences


def too_large(settings: RunSettings, limits: Limits, vocab_size: int | None = None) -> list[str]:
    """Why this model does not fit the machine, and the nearest one that does; [] if it does."""
    vocab_size = vocab_size or guess_vocabulary(settings)
    sentences = excesses(settings, limits, vocab_size)
    if sentences:
        fits = lambda less: not (excesses(less, limits, vocab_size) or conflicts(less))  # noqa: E731 (short)
        # With the first, which the page shows in a line of its own.
        sentences[0] = f"{sentences[0]} {nearest_that_fits(settings, fits)}".strip()
    return sentences


def too_large_to_open(settings: RunSettings, limits: Limits, vocab_size: int | None = None) -> list[str]:
    """Why this model, which comes from elsewhere and is not trained, is too large to look at; [] if not."""
    parameters = n_parameters(settings.model, vocab_size or guess_vocabulary(settings))
    table = attention_table(settings.model)
    if parameters + table <= limits.imported:
        return []
    beside = f" and a table of {table:,} numbers for its attention" if table else ""
    return [
        f"The model has {parameters:,} parameters{beside}; at most {limits.imported:,} can be looked at here."
    ]


def excesses(settings: RunSettings, limits: Limits, vocab_size: int) -> list[str]:
    """One sentence for each respect in which the model is too large."""
    model, sentences = settings.model, []
    parameters = n_parameters(model, vocab_size)
    memory = run_memory(settings, vocab_size)
    if model.block_size > limits.context:
        sentences.append(
            f"A context of {model.block_size:,} tokens is too long: at most {limits.context:,} fit here."
        )
    if parameters > limits.parameters:
        sentences.append(
            f"The model would have {parameters:,} parameters; at most {limits.parameters:,} can be trained "
            "here: choose fewer layers or a smaller width."
        )
    if memory > limits.memory:
        sentences.append(
            f"Training would take about {readable(memory)} of memory; a run may take "
            f"{readable(limits.memory)} here: choose a smaller batch, context or model."
        )
    return sentences


def predicted_memory(settings: RunSettings, own_text: int = 0) -> int:
    """About how many bytes a run takes at its peak, above an idle worker: in training, or before that while
    its text is written and cut into tokens. own_text: bytes of the reader's, where it is one."""
    training = run_memory(settings, guess_vocabulary(settings))
    text = BYTES_A_LETTER * (own_text or settings.data.corpus_chars)
    if own_text and settings.data.tokenizer == "bpe":
        text = BYTE_PAIRS * own_text
    return max(training, PREPARING + text)


def predicted_disk(settings: RunSettings) -> int:
    """About how many bytes a run takes on the disk when everything that can be spared is: its checkpoints,
    the newest two and one being written; its first and last snapshot; its text, as letters and as numbers."""
    numbers = n_parameters(settings.model, guess_vocabulary(settings))
    letters = settings.data.corpus_chars
    return 3 * 3 * 4 * numbers + 2 * 4 * numbers + 5 * letters


def no_disk(needed: int, limits: Limits) -> str:
    """Why a run that takes so many bytes on the disk cannot be kept."""
    return (
        f"There is no room for {readable(needed)} more on the disk of this machine: all runs together may "
        f"take {readable(limits.disk)}, and as much as is free. Delete runs that are no longer needed."
    )


def check_memory_now(settings: RunSettings, taken: int, limits: Limits, own_text: int = 0) -> None:
    """Whether a run fits beside those that train now and take `taken` bytes. own_text: bytes of the reader's
    that it begins with. Raises Refused."""
    memory, left = predicted_memory(settings, own_text), max(0, limits.together - taken)
    if memory > left:
        sentence = (
            f"Training would take about {readable(memory)} of memory, and the runs that train here now leave "
            f"{readable(left)}: wait until one of them has ended, or choose a smaller model."
        )
        raise Refused([sentence], status=429)


def check_changes(changes: dict[str, Any]) -> dict[str, Any]:
    """The live changes that may be made. Raises Refused with a sentence for each that may not."""
    unknown = [name for name in changes if name not in CHANGEABLE]
    sentences = [f"“{str(name)[:30]}” cannot be changed while a run trains." for name in unknown]
    known = {name: value for name, value in changes.items() if name in CHANGEABLE and value is not None}
    try:
        flat = parse_settings(known).flat()
    except SettingsError as error:
        raise Refused(sentences + error.sentences) from None
    if sentences:
        raise Refused(sentences)
    return {name: flat[name] for name in known}


def check_room(mine: int, mine_active: int, active: int, limits: Limits) -> None:
    """Whether one more run may start. Raises Refused."""
    sentences = []
    if mine >= limits.runs:
        sentences.append(f"You have {mine} runs already; delete one before starting another.")
    if mine_active >= limits.active:
        sentences.append(f"You have {mine_active} runs training already; wait for one, or stop one.")
    elif active >= limits.everybody:
        sentences.append(f"{active} runs are training here already, as many as can; please wait a little.")
    if sentences:
        raise Refused(sentences, status=429)


def _text_problems(text: str | None, settings: RunSettings, block_size: int | None) -> list[str]:
    """Why a reader's own text cannot be learned from; [] if it can."""
    if text is None:
        return []
    try:
        check_text(text, settings.data, block_size)
    except TextError as error:
        return [str(error)]
    return []
