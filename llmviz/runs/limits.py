"""What is too much for this machine, said before a worker sees it: one plain sentence for each mistake.

`llmviz.settings` refuses what makes no sense anywhere; here is what would not fit here and now.
"""

from typing import Any

from llmviz.model.size import memory_bytes, n_parameters
from llmviz.runs.changes import CHANGEABLE
from llmviz.runs.estimates import guess_vocabulary
from llmviz.runs.machine import Machine
from llmviz.runs.refusal import Refused
from llmviz.settings import RunSettings, SettingsError, parse_settings
from llmviz.text.recipes import TextError, check_text, sha256_of

MAX_PARAMETERS = 50_000_000
MAX_TEXT = 5_000_000  # characters of a text of the reader's own
MEMORY_SHARE = 0.5  # of the machine's memory that one run may take
MAX_RUNS = 300  # of one owner
MAX_ACTIVE_RUNS = 16  # of one owner, at the same time
MAX_ACTIVE = 200  # of everybody


def check_new_run(flat: dict[str, Any], text: str | None, machine: Machine) -> RunSettings:
    """The settings of a run that may start. Raises Refused with every reason why it may not."""
    flat, sentences = dict(flat), []
    own_text = text if flat.get("corpus") == "text" else None
    if own_text is not None:
        if len(own_text) > MAX_TEXT:
            sentences.append(
                f"The text has {len(own_text):,} characters; at most {MAX_TEXT:,} can be used here."
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
        raise Refused(sentences + _beyond(error.usable, machine)) from None
    sentences += _text_problems(own_text, settings, settings.model.block_size)
    sentences += _beyond(settings, machine)
    if sentences:
        raise Refused(sentences)
    return settings


def _beyond(settings: RunSettings | None, machine: Machine) -> list[str]:
    """What this machine does not allow of settings that make sense in themselves."""
    return too_large(settings, machine) + too_many_threads(settings, machine) if settings else []


def too_many_threads(settings: RunSettings, machine: Machine) -> list[str]:
    """Why a run cannot have so many threads; [] if it can. More than there are cores only wait in turn."""
    threads, cores = settings.training.threads, machine.cores
    if threads <= cores:
        return []
    most = f"at most {cores}, or 0" if cores > 1 else "1, or 0"
    return [f"{threads} threads are too many for {cores} cores: choose {most} for automatic."]


def too_large(settings: RunSettings, machine: Machine) -> list[str]:
    """Why this model does not fit the machine; [] if it does."""
    model, size = settings.model, guess_vocabulary(settings)
    parameters = n_parameters(model, size)
    sentences = []
    if parameters > MAX_PARAMETERS:
        sentences.append(
            f"The model would have {parameters:,} parameters; at most {MAX_PARAMETERS:,} can be trained "
            "here: choose fewer layers or a smaller width."
        )
    memory = memory_bytes(model, size, settings.training.batch_size)
    limit = machine.memory * MEMORY_SHARE
    if memory > limit:
        sentences.append(
            f"Training would take about {memory / 1e9:.1f} GB of memory; a run may take {limit / 1e9:.1f} GB "
            "here: choose a smaller batch, context or model."
        )
    return sentences


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


def check_room(mine: int, mine_active: int, active: int) -> None:
    """Whether one more run may start. Raises Refused."""
    sentences = []
    if mine >= MAX_RUNS:
        sentences.append(f"You have {mine} runs already; delete one before starting another.")
    if mine_active >= MAX_ACTIVE_RUNS:
        sentences.append(f"You have {mine_active} runs training already; wait for one, or stop one.")
    elif active >= MAX_ACTIVE:
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
