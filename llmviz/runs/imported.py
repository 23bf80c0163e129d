"""A model of somebody else's becomes a run: one that has ended, with one snapshot and no training curve.

It holds what every tab needs: settings, weights, tokenizer, the facts of its vocabulary, and a first sample.
Of the text it learned from we know nothing, so there is none. torch inside the functions.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmviz import __version__
from llmviz.model.hub import (
    Checkpoint,
    ForeignModelError,
    find_on_hub,
    foreign_shape,
    foreign_weights,
    marks_in,
    open_checkpoint,
)
from llmviz.model.hub.checkpoint import CONFIG, TOKENIZER, read_object
from llmviz.model.size import n_parameters
from llmviz.runs.directory import FORMAT, RunDirectory
from llmviz.settings import RunSettings, SettingsError, parse_settings
from llmviz.text.recipes import sha256_of, unit_of

if TYPE_CHECKING:
    from torch import Tensor

    from llmviz.model import GPT
    from llmviz.text.tokenizers import Tokenizer

NO_TEXT = sha256_of("")  # what a text of somebody's has as its hash where nobody has it
SAMPLE_TOKENS = 60  # each takes a large model a noticeable time
Say = Callable[[str], object]


@dataclass(frozen=True)
class Source:
    """Where a model comes from: the name of a folder, or owner/name and the version on the Hub."""

    name: str
    revision: str | None = None

    @property
    def short(self) -> str:
        """The name without its owner."""
        return self.name.rpartition("/")[2]


def import_from_hub(
    name: str,
    out: Path,
    *,
    most_bytes: int,
    most_parameters: int,
    label: str | None = None,
    say: Say = lambda _: None,
) -> RunDirectory:
    """Fetch a public model and make the run `out` of it. What it would be is looked at before its weights
    come: at most `most_bytes` of them, for at most `most_parameters`. Raises as `import_model` does."""
    say(f"asking the Hub for {name}")
    model = find_on_hub(name)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=out.parent) as temporary:
        folder = Path(temporary)
        model.fetch_description(folder)
        require_size(folder, model.name, most_parameters)
        model.fetch_weights(folder, most_bytes, _every_second(say, model.name))
        source = Source(model.name, model.revision)
        return import_model(open_checkpoint(folder), out, source=source, name=label, say=say)


def require_size(folder: Path, name: str, most: int) -> None:
    """Refuse a model of more than `most` parameters, and one that cannot be opened, by its description."""
    from llmviz.text.tokenizers import load_tokenizer

    settings = foreign_settings(folder)
    parameters = n_parameters(settings.model, load_tokenizer(folder / TOKENIZER).vocab_size)
    if parameters > most:
        raise ForeignModelError(
            f"{name} has {parameters:,} parameters; at most {most:,} can be opened here: choose a "
            "smaller one."
        )


def _every_second(say: Say, name: str) -> Callable[[int, int], None]:
    """What is to hear of every byte, so that `say` hears of it once a second."""
    said = 0.0

    def progress(here: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said >= 1:
            said = time.monotonic()
            say(f"fetching {name}: {here / 1e6:,.0f} of {total / 1e6:,.0f} MB")

    return progress


def foreign_settings(folder: Path) -> RunSettings:
    """The settings of a run with the model in a folder, which may still lack its weights. Raises
    ForeignModelError."""
    try:
        tokenizer_sha256 = sha256_of((folder / TOKENIZER).read_bytes())
    except OSError:
        raise ForeignModelError(
            "This model has no tokenizer.json, so nobody can say how it reads a text: save its tokenizer "
            "beside it with transformers' save_pretrained."
        ) from None
    given = {
        "corpus": "text",
        "text_sha256": NO_TEXT,
        "tokenizer": "file",
        "tokenizer_sha256": tokenizer_sha256,
        "max_new_tokens": SAMPLE_TOKENS,
    }
    try:
        return parse_settings(given | foreign_shape(read_object(folder / CONFIG)))
    except SettingsError as error:
        raise ForeignModelError(f"This model is of a shape that LLMViz does not have. {error}") from None


def import_model(
    checkpoint: Checkpoint, out: Path, *, source: Source, name: str | None = None, say: Say = lambda _: None
) -> RunDirectory:
    """Make the run directory `out`, which must not hold one, from a model's files; `say` hears how far it is.

    Raises ForeignModelError or TokenizerError in a plain sentence, and then leaves nothing behind.
    """
    made = not out.exists()
    try:
        return _import(checkpoint, RunDirectory(out), source, name or source.short, say)
    except BaseException:
        if made:
            shutil.rmtree(out, ignore_errors=True)
        raise


def _import(checkpoint: Checkpoint, run: RunDirectory, source: Source, name: str, say: Say) -> RunDirectory:
    from llmviz.runs.film import write_sample
    from llmviz.text.tokenizers import load_tokenizer

    settings = foreign_settings(checkpoint.folder)
    tokenizer = load_tokenizer(checkpoint.tokenizer)
    say("reading the weights")
    model, dtype = _build(checkpoint, settings, tokenizer.vocab_size)
    marks = marks_in(checkpoint.config, tokenizer.vocab_size)
    said = {"name": source.name, "revision": source.revision} | marks.known()
    say("writing the run")
    for folder in (run.checkpoint_folder, run.snapshot_folder):
        folder.mkdir(parents=True, exist_ok=True)
    _save(model, dtype, run)
    say("letting it write")
    text = write_sample(model, tokenizer, settings.sampling)
    event = {"kind": "now", "step": 0, "prompt": settings.sampling.prompt, "text": text}
    run.events.write_text(json.dumps(event, ensure_ascii=False) + "\n", "utf-8")
    _describe(run, settings, tokenizer, said, name, sum(weight.numel() for weight in model.parameters()))
    return run


def _build(checkpoint: Checkpoint, settings: RunSettings, vocab_size: int) -> tuple["GPT", Any]:
    """The model, and the type of the numbers its weights were stored in."""
    import torch

    from llmviz.model import WeightsError, build_gpt, load_into, require_fit

    weights = foreign_weights(checkpoint, vocab_size)
    try:
        with torch.device("meta"):  # shapes without numbers: a config may claim more than the memory holds
            require_fit(build_gpt(settings.model, vocab_size, seed=0), weights)
        model = build_gpt(settings.model, vocab_size, seed=0)
        load_into(model, weights)
    except WeightsError as error:
        raise ForeignModelError(str(error)) from None
    if not all(weight.isfinite().all() for weight in model.parameters()):
        raise ForeignModelError("Some of the weights of this model are not finite numbers.")
    return model.eval().requires_grad_(False), _one_type(weights) or torch.float32


def _one_type(weights: "dict[str, Tensor]") -> Any:
    """The 16-bit type that all weights are stored in, so that they take no more room here; else None."""
    types = {weight.dtype for weight in weights.values()}
    return types.pop() if len(types) == 1 and all(dtype.itemsize == 2 for dtype in types) else None


def _save(model: "GPT", dtype: Any, run: RunDirectory) -> None:
    from llmviz.model import save_weights

    save_weights(model, run.snapshot(0), dtype, {"step": "0"})


def _describe(
    run: RunDirectory,
    settings: RunSettings,
    tokenizer: "Tokenizer",
    source: dict[str, Any],
    name: str,
    n_parameters: int,
) -> None:
    """All the small files; run.json last, for a folder without it is no run."""
    sha256 = settings.data.tokenizer_sha256 or ""
    dataset = run.path / "data" / sha256
    dataset.mkdir(parents=True, exist_ok=True)
    tokenizer.save(run.tokenizer)
    facts = {"vocab_size": tokenizer.vocab_size, "unit": unit_of(settings.data.tokenizer)}
    (dataset / "meta.json").write_text(json.dumps(facts), "utf-8")
    run.write_json("meta.json", {"name": name, "owner": None, "pins": [], "wanted": "pause"})
    state = {"status": "finished", "step": 0, "max_steps": 0, "reason": None, "n_parameters": n_parameters}
    run.write_json("state.json", state)
    described = {
        "format": FORMAT,
        "settings": settings.model_dump(),
        "data": {"sha256": sha256, "validation_fraction": settings.data.validation_fraction},
        "tokenizer": settings.data.tokenizer,
        "parent": None,
        "stage": "pretrained",
        "source": source,
        "code_version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    run.write_json("run.json", described)
