"""From the flags of `train` to the settings of a run, and the reader's own files stored beside it."""

import argparse
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from llmviz.runs.limits import BadLimit, Limits, beyond, limits_alone
from llmviz.runs.machine import machine
from llmviz.settings import FIELDS, PRESETS, RunSettings, SettingsError, parse_settings, usual_settings
from llmviz.settings.derive import Derived
from llmviz.terminal.dial import settings_by_dial
from llmviz.terminal.flags import given_settings
from llmviz.terminal.mistakes import Mistake, explained, read_bytes, read_text

CORPORA = [name for name in get_args(FIELDS["corpus"][1].annotation) if name != "text"]
KINDS = [kind for kind in get_args(FIELDS["tokenizer"][1].annotation) if kind != "file"]
WARMUP_SHARE = 0.1  # at most this share of a short training is warmup, unless the reader says otherwise
WARMUP_IN_TIME = 0.02  # share of a budget of seconds


@dataclass(frozen=True)
class Plan:
    """What to train, and the files of the reader's own that it needs."""

    settings: RunSettings
    preset: str | None
    given: bool  # whether the command line names any setting at all
    text: str | None = None
    tokenizer_file: bytes | None = None
    derived: dict[str, Derived] = field(default_factory=dict)  # what --depth came to

    def build_data(self, data_root: Path) -> None:
        """Build the dataset there. Raises Mistake for a text that cannot be learned from."""
        from llmviz.text.datasets import TextError, build_dataset, store_text, store_tokenizer

        data = self.settings.data
        with explained(TextError):
            if self.text is not None:
                store_text(data_root, data, self.text)
            if self.tokenizer_file is not None:
                store_tokenizer(data_root, data, self.tokenizer_file)
            build_dataset(data, data_root, self.settings.model.block_size)


def plan_training(options: argparse.Namespace) -> Plan:
    """Check everything the command line says. Raises Mistake with a sentence for each mistake."""
    preset = getattr(options, "preset", None)
    flat = given_settings(options)
    text = _data(getattr(options, "data", None), flat)
    tokenizer_file = _tokenizer(getattr(options, "tokenizer_name", None), flat)
    base = PRESETS[preset].settings if preset else RunSettings()
    limits = _limits()
    chosen = flat | _fitting_budget(flat, base, limits)
    derived, sentences = _derived(getattr(options, "depth", None), chosen, base)
    # Better said now than when it is killed half-way: what this machine could not do.
    try:
        implied = usual_settings(flat.get("optimizer", ""), base)
        implied |= {name: found.value for name, found in derived.items()}
        settings = parse_settings(implied | chosen, base)
    except SettingsError as error:
        sentences += error.sentences + (beyond(error.usable, limits) if error.usable else [])
        raise Mistake(*sentences) from None
    sentences += beyond(settings, limits)
    if text is not None and len(text) > limits.text:
        sentences.append(f"The text has {len(text):,} characters; at most {limits.text:,} can be used here.")
    if sentences:
        raise Mistake(*sentences)
    return Plan(settings, preset, bool(flat or preset or derived), text, tokenizer_file, derived)


def _derived(
    depth: str | None, chosen: dict[str, Any], base: RunSettings
) -> tuple[dict[str, Derived], list[str]]:
    """What the dial derives beside the settings that were chosen, and what is wrong with it."""
    try:
        return ({} if depth is None else settings_by_dial(depth, chosen, base)), []
    except ValueError as error:
        return {}, [str(error)]


def _limits() -> Limits:
    """What this machine can do for one run that has it to itself. Raises Mistake."""
    with explained(BadLimit):
        return limits_alone(machine(), os.environ)


def _data(name: str | None, flat: dict[str, Any]) -> str | None:
    """Write the corpus that `name` means into `flat`; returns the text if it is a file of the reader's."""
    if name is None:
        return None
    if name in CORPORA:
        flat["corpus"] = name
        return None
    if not Path(name).exists():
        raise Mistake(
            f"There is no file and no corpus called “{name}”; the corpora are {', '.join(CORPORA)}."
        )
    from llmviz.text.datasets import TextError, sha256_of

    text = read_text(name)
    with explained(TextError):
        flat |= {"corpus": "text", "text_sha256": sha256_of(text)}
    return text


def _tokenizer(name: str | None, flat: dict[str, Any]) -> bytes | None:
    """Write the tokenizer that `name` means into `flat`; returns the content of the file if it is one."""
    if name is None:
        return None
    if name in KINDS:
        flat["tokenizer"] = name
        return None
    if not Path(name).is_file():
        raise Mistake(f"There is no tokenizer file “{name}”; without a file, choose {', '.join(KINDS)}.")
    from llmviz.text.datasets import sha256_of

    content = read_bytes(name)
    flat |= {"tokenizer": "file", "tokenizer_sha256": sha256_of(content)}
    return content


def _fitting_budget(flat: dict[str, Any], base: RunSettings, limits: Limits) -> dict[str, int]:
    """What a short training, or one measured in seconds, implies for the settings that were not given."""
    if "max_seconds" in flat and "max_steps" not in flat:  # as many steps as fit into the time
        # Where the preset wants none, as `speedrun` does, there is none in seconds either.
        warmup = round(WARMUP_IN_TIME * limits.steps) if base.training.warmup_steps else 0
        return {"max_steps": limits.steps} | ({} if "warmup_steps" in flat else {"warmup_steps": warmup})
    steps = str(flat.get("max_steps", ""))
    if steps.isdecimal() and "warmup_steps" not in flat:
        return {"warmup_steps": min(base.training.warmup_steps, int(WARMUP_SHARE * int(steps)))}
    return {}
