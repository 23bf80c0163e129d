"""What is too much for this machine, said before a worker sees it: one plain sentence for each mistake.

`llmviz.settings` refuses what makes no sense anywhere; here is what would not fit here and now.
"""

import hashlib
from typing import Any

from llmviz.model.size import memory_bytes, n_parameters
from llmviz.runs.machine import Machine
from llmviz.runs.refusal import Refused
from llmviz.settings import RunSettings, SettingsError, parse_settings

MAX_PARAMETERS = 50_000_000
MAX_TEXT = 5_000_000  # characters of a text of the reader's own
MAX_PROMPT = 2_000
MEMORY_SHARE = 0.5  # of the machine's memory that one run may take
CHARS_VOCABULARY = 200  # what a character vocabulary is taken for until the text has been read


def check_new_run(flat: dict[str, Any], text: str | None, machine: Machine) -> RunSettings:
    """The settings of a run that may start. Raises Refused with every reason why it may not."""
    sentences: list[str] = []
    flat = dict(flat)
    if flat.get("corpus") == "text" and text is not None:
        sentences += text_problems(text)
        flat["text_sha256"] = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    try:
        settings = parse_settings(flat)
    except SettingsError as error:
        raise Refused(sentences + error.sentences) from None
    sentences += too_large(settings, machine)
    if sentences:
        raise Refused(sentences)
    return settings


def vocabulary(settings: RunSettings) -> int:
    """How many tokens there will be, as far as that can be known before the text is read."""
    kind = settings.data.tokenizer
    return {"bytes": 256, "bpe": settings.data.vocab_size}.get(kind, CHARS_VOCABULARY)


def too_large(settings: RunSettings, machine: Machine) -> list[str]:
    """Why this model does not fit the machine; [] if it does."""
    model, size = settings.model, vocabulary(settings)
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


def text_problems(text: str) -> list[str]:
    """Why a reader's own text cannot be trained on; [] if it can."""
    if len(text) > MAX_TEXT:
        return [f"The text has {len(text):,} characters; at most {MAX_TEXT:,} can be used here."]
    if not text.strip():
        return ["The text is empty: paste or upload some."]
    if len(set(text)) < 2:
        return ["The text consists of one single character, so there is nothing to predict."]
    return []


def check_changes(changes: dict[str, Any]) -> dict[str, Any]:
    """The live changes that may be made. Raises Refused with a sentence for each that may not."""
    sentences = [
        f"“{str(name)[:30]}” cannot be changed while a run trains."
        for name in changes
        if name not in CHANGEABLE
    ]
    known = {name: value for name, value in changes.items() if name in CHANGEABLE and value is not None}
    try:
        settings = parse_settings(known)
    except SettingsError as error:
        raise Refused(sentences + error.sentences) from None
    if sentences:
        raise Refused(sentences)
    flat = settings.flat()
    return {name: flat[name] for name in known}


CHANGEABLE = ("learning_rate", "dropout", "prompt")
