"""How large a run will be and how long it will take, said before it starts. No torch.

What the parts of a run cost is measured on this machine for every preset (`chores`), several times, as the
speed of a machine varies; later every finished run of a preset counts as one more measurement. A run of other
settings is put between the presets by the floating-point operations of its step. Until something has been
measured the costs are guessed, and the estimate says that it is provisional.
"""

import hashlib
import json
import math
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from llmviz.model.size import flops_per_token, n_parameters
from llmviz.runs.examination import n_examined
from llmviz.runs.film import is_film_step
from llmviz.runs.memory import run_memory
from llmviz.runs.pacing import CHECKPOINTS, EVALUATIONS, SAMPLES
from llmviz.runs.roofline import Roof
from llmviz.runs.snapshots import is_snapshot_step
from llmviz.settings import RunSettings
from llmviz.text.files import write_atomically
from llmviz.training.costs import compile_seconds, step_flops

ROOMS = ("training", "model", "evaluation", "generation", "probes")  # code that decides how fast a run is
GUESSED_FLOPS = 5e10  # a second, on one thread of a laptop
GUESSED_CALLS = 8e-4  # seconds that a step takes per layer, however small the layer
GUESSED_DIAGNOSIS = 1.6  # steps: a batch read forward and backward in two halves, and attention maps
WORTH_IT = 0.9  # of the time with one thread: what all threads may take at most, to be preferred
ROUNDS = 3  # measurements of a preset; the newest never counts less than one of so many


@dataclass(frozen=True)
class Costs:
    """Seconds: to build the model; of one step, one written token, one validation window, one snapshot,
    one checkpoint, one diagnosis."""

    start: float
    step: float
    token: float
    window: float
    snapshot: float
    checkpoint: float
    diagnosis: float

    def as_dict(self) -> dict[str, float]:
        """For a file."""
        return asdict(self)

    def mixed(self, other: "Costs", share: float) -> "Costs":
        """The mean of these and other costs; `share` (0…1) is the weight of the others."""
        pairs = ((part.name, getattr(self, part.name), getattr(other, part.name)) for part in fields(self))
        return Costs(**{name: (1 - share) * mine + share * its for name, mine, its in pairs})

    def scaled(self, step: float, layers: float, weights: float, window: float) -> "Costs":
        """The costs of another shape: by the time of its step, its number of layers, and of weights, and the
        work that a window is."""
        return Costs(
            start=self.start * weights,
            step=self.step * step,
            token=self.token * layers,
            window=self.window * window,
            snapshot=self.snapshot * weights,
            checkpoint=self.checkpoint * weights,
            diagnosis=self.diagnosis * step,
        )


KINDS = ("one", "all", "busy")


@dataclass(frozen=True)
class Measured:
    """Costs of a shape: alone on the machine with one thread, and with all; and with one thread while all
    cores are busy."""

    settings: RunSettings
    vocab_size: int
    one: Costs
    all: Costs
    busy: Costs
    rounds: int = 1  # measurements that these are the mean of
    quiet: bool = True  # nothing else kept the machine busy meanwhile

    @property
    def all_pay(self) -> bool:
        """Whether all threads are quicker than one. The steps of small models are so short that threads lose
        more by waiting for one another than they win."""
        return self.all.step < WORTH_IT * self.one.step

    def kind(self, threads: int, alone: bool) -> str:
        """Which costs hold with that many threads (0: automatic): "one", "all" or "busy"."""
        if not alone:
            return "busy"
        return "all" if threads > 1 or (threads == 0 and self.all_pay) else "one"

    def after(self, newer: "Measured") -> "Measured":
        """The mean of these and one newer measurement."""
        share = 1 / (self.rounds + 1)
        means = {kind: getattr(self, kind).mixed(getattr(newer, kind), share) for kind in KINDS}
        return replace(newer, **means, rounds=min(self.rounds + 1, ROUNDS))


def steps_of(settings: RunSettings, costs: Costs) -> int:
    """How many steps a whole run makes: of one limited in time, those that fit."""
    training = settings.training
    if training.max_seconds is None:
        return training.max_steps
    return min(training.max_steps, math.ceil(training.max_seconds / costs.step))


def seconds_of(settings: RunSettings, costs: Costs, val_tokens: int) -> float:
    """Seconds of turns that a whole run takes: its steps and everything between them."""
    training, sampling = settings.training, settings.sampling
    steps = steps_of(settings, costs)
    sweep = math.ceil(val_tokens / settings.model.block_size) * costs.window
    film = sampling.max_new_tokens * costs.token
    rows = sum(is_film_step(step) for step in _special_steps(steps))
    snapshots = sum(is_snapshot_step(step) for step in _special_steps(steps)) + 1
    train = steps * costs.step
    one_evaluation = training.eval_windows * costs.window
    evaluations = (
        min(steps / training.eval_interval * one_evaluation, EVALUATIONS[1] * train) + one_evaluation
    )
    diagnoses = n_examined(steps, training.diagnose_every) * costs.diagnosis
    spent = train + evaluations + diagnoses + rows * film + snapshots * costs.snapshot
    by_the_clock = _share(film, *SAMPLES) + _share(costs.checkpoint, *CHECKPOINTS)
    return (
        costs.start
        + compile_seconds(settings)
        + spent * (1 + by_the_clock)
        + sweep
        + 2 * costs.checkpoint
        + film
    )


def _share(cost: float, every: float, share: float) -> float:
    """Of the time, that something takes which costs so much, at this pace."""
    return min(cost / every, share)


def _special_steps(steps: int) -> list[int]:
    """The steps up to the last at which a film row or a snapshot can be due."""
    return sorted({0, *(step for n in range(4 * 30) if (step := round(2 ** (n / 4))) <= steps)})


class Estimator:
    """Estimates for this machine. `measured` grows as presets are measured and is kept in a file."""

    def __init__(self, cores: int, data_root: Path, cache: Path | None = None) -> None:
        self.cores = cores
        self.data_root = data_root
        self.cache = cache
        self.measured: dict[str, Measured] = {}
        self.roof: Roof | None = None  # what the machine can compute at most
        self._roof_is_quiet = False
        self.version = _code_version(cores)

    def estimate(self, settings: RunSettings, ahead: Sequence[float] = ()) -> dict[str, Any]:
        """{"seconds", "provisional", "parameters", "memory_mb", "flops"} of a run that starts now; flops: the
        floating-point operations of all its steps; seconds: None where a graphics card may compute it, which
        nobody has measured.

        ahead: of every other run, for how many seconds of turns it will still train; infinity if nobody
        knows. Who is done earlier leaves its turns to the rest.
        """
        vocab_size, val_tokens = self._sizes(settings)
        memory = run_memory(settings, vocab_size)
        costs = self.costs(settings, vocab_size, alone=not ahead)
        turns = seconds_of(settings, costs, val_tokens)
        seconds = max(turns, (turns + sum(min(other, turns) for other in ahead)) / self.cores)
        return {
            "seconds": round(seconds, 1) if settings.training.device == "cpu" else None,
            "provisional": not self.measured or not all(m.quiet for m in self.measured.values()),
            "parameters": n_parameters(settings.model, vocab_size),
            "memory_mb": round(memory / 1e6),
            "flops": step_flops(settings, vocab_size) * steps_of(settings, costs),
        }

    def vocabulary(self, settings: RunSettings) -> int:
        """How many tokens there are, or will be as far as that is known."""
        return self._sizes(settings)[0]

    def costs(self, settings: RunSettings, vocab_size: int, alone: bool) -> Costs:
        """Measured for this very shape, or placed between the measured ones, or guessed."""
        threads = settings.training.threads
        flops = step_flops(settings, vocab_size)
        if not self.measured:
            return _guessed(settings, vocab_size, flops, threads or (self.cores if alone else 1))
        near = self._nearest(flops)
        kind = near.kind(threads, alone)
        costs: Costs = getattr(near, kind)
        return costs.scaled(
            step=self._step_seconds(flops, kind) / costs.step,
            layers=settings.model.n_layer / near.settings.model.n_layer,
            weights=n_parameters(settings.model, vocab_size)
            / n_parameters(near.settings.model, near.vocab_size),
            window=_window_flops(settings, vocab_size) / _window_flops(near.settings, near.vocab_size),
        )

    def threads_alone(self, settings: RunSettings) -> int:
        """How many threads train it fastest while it is alone."""
        vocab_size, _ = self._sizes(settings)
        pay = not self.measured or self._nearest(step_flops(settings, vocab_size)).all_pay
        return self.cores if pay else 1

    def load(self, presets: dict[str, RunSettings]) -> None:
        """Take over what an earlier server measured with the same code on the same machine."""
        try:
            kept = json.loads(self.cache.read_text("utf-8")) if self.cache else {}
            if kept.get("version") != self.version:
                return
            self._roof_is_quiet = kept.get("roof") is not None
            self.roof = Roof(**kept["roof"]) if self._roof_is_quiet else None
            for name, found in kept["measured"].items():
                if name in presets and found["settings"] == presets[name].model_dump():
                    costs = {kind: Costs(**found[kind]) for kind in KINDS}
                    vocab_size, rounds = found["vocab_size"], found["rounds"]
                    self.measured[name] = Measured(presets[name], vocab_size, **costs, rounds=rounds)
        except (OSError, ValueError, KeyError, TypeError):
            return  # as good as no file: everything is measured again

    def add(self, name: str, measured: Measured) -> None:
        """Take note of a measurement, also for the next server."""
        known = self.measured.get(name)
        if known is None or (measured.quiet and not known.quiet):
            self.measured[name] = measured
        else:
            usable = measured.quiet or not known.quiet
            self.measured[name] = known.after(measured if usable else known)
        self._keep()

    def add_roof(self, roof: Roof, quiet: bool) -> None:
        """Take note of what the machine can compute; of a quiet one also for the next server."""
        self.roof, self._roof_is_quiet = roof, quiet
        self._keep()

    def rounds(self, name: str) -> int:
        """How often a preset has been measured, up to ROUNDS."""
        return self.measured[name].rounds if name in self.measured else 0

    def learn(self, settings: RunSettings, kind: str, seconds: float) -> None:
        """A run took so many seconds of turns, all of one kind. If it was a preset's, that counts as one more
        measurement: it says more of the machine as it is now than half a second before anybody came."""
        for name, known in self.measured.items():
            if _same_work(known.settings, settings):
                _, val_tokens = self._sizes(settings)
                ratio = seconds / seconds_of(settings, getattr(known, kind), val_tokens)
                newer = getattr(known, kind).scaled(ratio, ratio, ratio, ratio)
                self.add(name, replace(known, **{kind: newer}))
                return

    def _keep(self) -> None:
        """Write the measurements down, without those of a machine that was busy with something else."""
        if not self.cache:
            return
        kept = {
            name: {kind: getattr(m, kind).as_dict() for kind in KINDS}
            | {"settings": m.settings.model_dump(), "vocab_size": m.vocab_size, "rounds": m.rounds}
            for name, m in self.measured.items()
            if m.quiet
        }
        roof = asdict(self.roof) if self.roof and self._roof_is_quiet else None
        content = json.dumps({"version": self.version, "roof": roof, "measured": kept}).encode()
        write_atomically(self.cache, lambda file: file.write(content))

    def _nearest(self, flops: float) -> Measured:
        """The measured shape whose step takes about as many operations."""
        return min(
            self.measured.values(), key=lambda m: abs(math.log(step_flops(m.settings, m.vocab_size) / flops))
        )

    def _step_seconds(self, flops: float, kind: str) -> float:
        """The time of a step of so many operations: a line through the two nearest measured shapes, both
        axes logarithmic. Beyond the largest, time grows as the operations do; below the smallest, slowly:
        there it is the number of calls that counts."""
        points = sorted(
            (step_flops(m.settings, m.vocab_size), getattr(m, kind).step) for m in self.measured.values()
        )
        if flops >= points[-1][0]:
            return points[-1][1] * flops / points[-1][0]
        if flops <= points[0][0]:
            return points[0][1] * (flops / points[0][0]) ** 0.3
        right = next(i for i, (f, _) in enumerate(points) if f >= flops)
        (f0, t0), (f1, t1) = points[right - 1], points[right]
        return t0 * (t1 / t0) ** (math.log(flops / f0) / math.log(f1 / f0))

    def _sizes(self, settings: RunSettings) -> tuple[int, int]:
        """The vocabulary and the tokens of the validation text; guessed until the text has been built."""
        from llmviz.text.recipes import TextError, recipe_sha256

        try:
            path = self.data_root / recipe_sha256(settings.data) / "meta.json"
            meta = json.loads(path.read_text("utf-8"))
            return meta["vocab_size"], meta["n_val_tokens"]
        except (OSError, ValueError, KeyError, TextError):
            letters = settings.data.corpus_chars * settings.data.validation_fraction
            return guess_vocabulary(settings), int(letters)


def _same_work(one: RunSettings, other: RunSettings) -> bool:
    """Whether two runs take equally long: the same text, model and steps, whatever the seed and the rate."""
    free = {"seed", "learning_rate", "warmup_steps"}
    return (
        one.data == other.data
        and one.model == other.model
        and one.training.model_dump(exclude=free) == other.training.model_dump(exclude=free)
    )


def guess_vocabulary(settings: RunSettings) -> int:
    """How many tokens there will be, as far as that can be known before the text is there."""
    data = settings.data
    letters = {"dinosaurs": 26, "stories": 60, "rhymes": 50}.get(data.corpus, 100)
    return {"bytes": 256, "bpe": data.vocab_size, "chars": letters}.get(data.tokenizer, 1024)


def _window_flops(settings: RunSettings, vocab_size: int) -> float:
    """What the operations of evaluating one window are proportional to: however large the batches are."""
    return settings.model.block_size * flops_per_token(settings.model, vocab_size)


def _guessed(settings: RunSettings, vocab_size: int, flops: float, threads: int) -> Costs:
    """Costs for a machine of which nothing is known yet."""
    layers = settings.model.n_layer
    step = GUESSED_CALLS * layers + flops / (GUESSED_FLOPS * (1 + 0.5 * (threads - 1)))
    file = 0.002 + n_parameters(settings.model, vocab_size) * 4 / 2e8
    window = step / settings.training.batch_size / 3
    return Costs(0.1, step, 2e-4 * (1 + layers), window, file, 3 * file, GUESSED_DIAGNOSIS * step)


def _code_version(cores: int) -> str:
    """Changes with whatever makes a measurement worthless: the code, torch, the machine."""
    known = hashlib.sha256(f"{platform.machine()} {_processor()} {cores} {_torch_version()}".encode())
    package = Path(__file__).resolve().parents[1]
    for path in sorted(path for room in ROOMS for path in (package / room).rglob("*.py")):
        known.update(path.read_bytes())
    return known.hexdigest()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("model name")), "")


def _torch_version() -> str:
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return ""
