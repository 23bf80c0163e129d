"""Models of runs, opened to be looked at; those used last stay in memory. torch inside the functions."""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llmviz.model.size import n_parameters
from llmviz.runs.directory import RunDirectory, RunError
from llmviz.runs.weights import read_run_weights, weights_file

if TYPE_CHECKING:
    from torch import Tensor

    from llmviz.model import GPT
    from llmviz.text.tokenizers import Tokenizer

KEPT_PARAMETERS = 40_000_000  # of all models in memory together: 160 MB
KEPT_OF_ONE = 3  # a run that trains has a newer model whenever somebody looks
KEPT_TOKENIZERS = 100
ATTEMPTS = 5


@dataclass(frozen=True)
class OpenedModel:
    """A run's model after `step` corrections, ready to be asked. Nobody trains it: it never changes."""

    run: RunDirectory
    step: int
    model: "GPT"
    tokenizer: "Tokenizer"


class OpenedModels:
    """Opens models, and keeps those that were asked for last."""

    def __init__(self, kept_parameters: int = KEPT_PARAMETERS) -> None:
        self.kept_parameters = kept_parameters
        self._models: OrderedDict[tuple[Path, int], OpenedModel] = OrderedDict()
        self._tokenizers: OrderedDict[Path, Tokenizer] = OrderedDict()

    def get(self, folder: Path, step: int | str | None = None) -> OpenedModel:
        """The run's model at a step, or its newest for None and "live". Raises RunError in a sentence."""
        run = RunDirectory(folder)
        for attempt in range(ATTEMPTS):
            found, path = _weights_file(run, step)
            try:
                key = (path, path.stat().st_mtime_ns)
                if key not in self._models:
                    self._models[key] = self._open(run, found, path)
            except (OSError, ValueError):  # thinned, or replaced by newer ones, between name and reading
                if attempt == ATTEMPTS - 1:
                    raise
                continue
            self._models.move_to_end(key)
            self._forget(run)
            return self._models[key]
        raise AssertionError("unreachable")

    def tokenizer(self, folder: Path) -> "Tokenizer":
        """The tokenizer that a run reads with. Raises RunError if there is none yet."""
        from llmviz.text.tokenizers import load_tokenizer

        path = RunDirectory(folder).tokenizer
        if path not in self._tokenizers:
            if not path.exists():
                raise RunError("This run is still preparing its text; its tokenizer comes in a moment.")
            self._tokenizers[path] = load_tokenizer(path)
        self._tokenizers.move_to_end(path)
        if len(self._tokenizers) > KEPT_TOKENIZERS:
            self._tokenizers.popitem(last=False)
        return self._tokenizers[path]

    def _open(self, run: RunDirectory, step: int, path: Path) -> OpenedModel:
        from llmviz.model import build_gpt, load_into

        tokenizer = self.tokenizer(run.path)
        settings, weights = run.settings(), read_run_weights(path)
        _require_as_many(weights, n_parameters(settings.model, tokenizer.vocab_size))
        model = build_gpt(settings.model, tokenizer.vocab_size, settings.training.seed)
        load_into(model, weights)
        return OpenedModel(run, step, model.eval().requires_grad_(False), tokenizer)

    def _forget(self, run: RunDirectory) -> None:
        """Let the longest unused go, of this run and of all; the one just asked for always stays."""
        mine = [key for key, opened in self._models.items() if opened.run.path == run.path]
        for key in mine[:-KEPT_OF_ONE]:
            del self._models[key]

        def parameters() -> int:
            return sum(w.numel() for opened in self._models.values() for w in opened.model.parameters())

        while len(self._models) > 1 and parameters() > self.kept_parameters:
            self._models.popitem(last=False)


def _require_as_many(weights: "dict[str, Tensor]", n_parameters: int) -> None:
    """Settings and tokenizer of somebody's may claim more than memory holds, so numbers are counted before a
    model is built. (To build it without memory, on torch's meta device, loads half of torch's compiler: 1.4 s
    and 72 MB, once a process.) Raises WeightsError."""
    from llmviz.model import WeightsError

    stored = sum(tensor.numel() for tensor in weights.values())
    if stored != n_parameters:
        raise WeightsError(
            f"These weights do not fit the model, which has {n_parameters:,} numbers where they have "
            f"{stored:,}."
        )


def _weights_file(run: RunDirectory, step: int | str | None) -> tuple[int, Path]:
    """As `weights_file`, but a step may also be that of a checkpoint."""
    if isinstance(step, int) and step not in run.snapshots() and step in run.checkpoints():
        return step, run.checkpoint(step)
    return weights_file(run, step)
