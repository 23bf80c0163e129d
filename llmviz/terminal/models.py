"""MODEL on a command line: a run directory or a shipped model's name, optionally `@STEP`."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from llmviz.runs.directory import RunDirectory, RunError
from llmviz.runs.opened import OpenedModel, OpenedModels
from llmviz.terminal.mistakes import Mistake, explained

if TYPE_CHECKING:
    from llmviz.text.datasets import Dataset
    from llmviz.text.tokenizers import Tokenizer

SHIPPED = Path(__file__).parents[2] / "assets" / "models"
HELP = "a run directory, or a shipped model's name; @STEP picks an earlier step of its training"


def find_run(name: str) -> tuple[RunDirectory, int | None]:
    """The run that `name` means, and the step if it names one. Raises Mistake when there is no such run."""
    path, step = _path_and_step(name)
    run = RunDirectory(path)
    if not name or not path.is_dir():
        raise Mistake(f"There is no run directory or shipped model called “{name}”{_shipped_names()}.")
    if not (path / "run.json").exists():
        raise Mistake(f"{path} is not a run directory: it has no run.json.")
    try:
        run.run()
    except RunError as error:
        raise Mistake(f"{path}: {error}") from error
    except ValueError as error:
        raise Mistake(f"{path / 'run.json'} is damaged: it is not JSON.") from error
    return run, step


def open_model(name: str) -> OpenedModel:
    """The model that `name` means, at its newest step unless it says another. Raises Mistake."""
    run, step = find_run(name)
    steps = sorted({*run.snapshots(), *run.checkpoints()})
    if not steps:
        raise Mistake(f"{run.path} holds no weights yet: its training has not begun.")
    if step is None:
        step = steps[-1]
    elif step not in steps:
        raise Mistake(f"{run.path} has no weights of step {step}; there are {_listed(steps)}.")
    with explained(ValueError):  # damaged weights or tokenizer; torch is loaded here, not before
        return OpenedModels().get(run.path, step)


def open_tokenizer(run: RunDirectory) -> "Tokenizer":
    """The tokenizer that the run's model reads with. Needs no torch. Raises Mistake."""
    from llmviz.text.tokenizers import TokenizerError, load_tokenizer

    if not run.tokenizer.exists():
        raise Mistake(f"{run.path} has no tokenizer.json yet: its training has not begun.")
    with explained(TokenizerError):
        return load_tokenizer(run.tokenizer)


@contextmanager
def open_data(run: RunDirectory) -> Iterator["Dataset"]:
    """The run's token ids: its own, those of the page's data folder around it, or written anew for the while.

    Our generators write the same text again from its seed; a text of the reader's own cannot be had back.
    """
    from llmviz.text.datasets import build_dataset, open_dataset, recipe_sha256

    data = run.settings().data
    for root in (run.path / "data", run.path.parents[1] / "data" if len(run.path.parents) > 1 else None):
        if root is not None and (run.dataset(root) / "val.npy").exists():
            yield open_dataset(run.dataset(root))
            return
    if data.corpus == "text" or data.tokenizer == "file":
        raise Mistake(
            f"The text of {run.path} is not on this machine: name a file to evaluate on with --data."
        )
    if recipe_sha256(data) != run.run()["data"]["sha256"]:
        raise Mistake(
            f"{run.path} was trained on a text that this version of LLMViz or Python no longer writes: "
            "name a file to evaluate on with --data."
        )
    with tempfile.TemporaryDirectory() as folder:
        yield build_dataset(data, Path(folder))


def _path_and_step(name: str) -> tuple[Path, int | None]:
    """A folder may have an @ in its name, so the whole name is tried first."""
    if (found := _folder(name)) is not None:
        return found, None
    before, at, after = name.rpartition("@")
    if at and after.isdecimal():
        return _folder(before) or Path(before), int(after)
    if at and _folder(before) is not None:
        raise Mistake(f"“{after}” is not a step: write a number after the @, as in {before}@100.")
    return Path(name), None


def _folder(name: str) -> Path | None:
    if name and Path(name).is_dir():
        return Path(name).absolute()
    shipped = SHIPPED / name
    return shipped if name and shipped.parent == SHIPPED and shipped.is_dir() else None


def _shipped_names() -> str:
    names = sorted(path.parent.name for path in SHIPPED.glob("*/run.json"))
    return f"; shipped with LLMViz: {', '.join(names)}" if names else ""


def _listed(steps: list[int]) -> str:
    return (
        f"those of {', '.join(map(str, steps[:-1]))} and {steps[-1]}"
        if len(steps) > 1
        else f"step {steps[0]}"
    )
