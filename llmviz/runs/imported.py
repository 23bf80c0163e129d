"""A model of somebody else's becomes a run: one that has ended, with one snapshot and no training curve.

It holds what every tab needs: settings, weights, tokenizer, the facts of its vocabulary, and a first sample.
Of the text it learned from we know nothing, so there is none. torch inside the functions.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmviz import __version__
from llmviz.model.hub import Checkpoint, ForeignModelError, foreign_shape, foreign_weights
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


def foreign_settings(checkpoint: Checkpoint) -> RunSettings:
    """The settings of a run with this model, before any weights are read. Raises ForeignModelError."""
    try:
        tokenizer_sha256 = sha256_of(checkpoint.tokenizer.read_bytes())
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
        return parse_settings(given | foreign_shape(checkpoint.config))
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

    settings = foreign_settings(checkpoint)
    tokenizer = load_tokenizer(checkpoint.tokenizer)
    say("reading the weights")
    model, dtype = _build(checkpoint, settings, tokenizer.vocab_size)
    say("writing the run")
    for folder in (run.checkpoint_folder, run.snapshot_folder):
        folder.mkdir(parents=True, exist_ok=True)
    _save(model, dtype, run)
    say("letting it write")
    text = write_sample(model, tokenizer, settings.sampling)
    event = {"kind": "now", "step": 0, "prompt": settings.sampling.prompt, "text": text}
    run.events.write_text(json.dumps(event, ensure_ascii=False) + "\n", "utf-8")
    _describe(run, settings, tokenizer, source, name, sum(weight.numel() for weight in model.parameters()))
    return run


def _build(checkpoint: Checkpoint, settings: RunSettings, vocab_size: int) -> tuple["GPT", Any]:
    """The model, and the type of the numbers its weights were stored in."""
    import torch

    from llmviz.model import WeightsError, build_gpt, load_into

    weights = foreign_weights(checkpoint, vocab_size)
    model = build_gpt(settings.model, vocab_size, seed=0)
    try:
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
    source: Source,
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
        "source": {"name": source.name, "revision": source.revision},
        "code_version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    run.write_json("run.json", described)
