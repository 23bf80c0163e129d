"""A low-priority process for what can be done ahead of time: the presets' texts, the speed of this machine.

torch is imported inside the functions.
"""

import os
import queue
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from llmviz.runs.channel import Channel, Message
from llmviz.runs.estimates import Costs
from llmviz.settings import RunSettings

LOWEST = 9  # on top of the 10 of training
SECONDS_A_PART = 0.5
WARM_UP = 3


def serve(channel: Channel, args: dict[str, Any]) -> None:
    """The entry function of the process: do what is asked, one thing after the other."""
    for order in _orders(channel):
        try:
            if order["do"] == "roof":
                channel.send({"done": {"flops": _roof(order["threads"])}})
                continue
            settings = RunSettings.model_validate(order["settings"])
            if order["do"] == "prepare":
                os.nice(LOWEST)
                answer = prepare(settings, Path(args["data_root"]))
            else:
                data_root, scratch = Path(args["data_root"]), Path(args["scratch"])
                answer = measure(settings, data_root, scratch, order["threads"]).as_dict()
        except (ValueError, OSError, RuntimeError) as error:  # the page does without, and says "provisional"
            answer = {"error": f"{type(error).__name__}: {error}"}
        channel.send({"done": answer})


def _orders(channel: Channel) -> Iterator[Message]:
    """Every order. When the server is gone, or has better use for the machine, the process ends at once."""
    orders: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def listen() -> None:
        for order in channel:
            orders.put(order)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield orders.get()


def prepare(settings: RunSettings, data_root: Path) -> dict[str, Any]:
    """Build the dataset of these settings, if nobody has yet; returns its sizes."""
    from llmviz.text.datasets import build_dataset

    return {"vocab_size": build_dataset(settings.data, data_root).meta["vocab_size"]}


def measure(settings: RunSettings, data_root: Path, scratch: Path, threads: int) -> Costs:
    """What the parts of such a run cost with this many threads, in seconds. The dataset has to be there.

    A step is tried with the batches that come last; where they grow, the mean step takes less.
    """
    import torch

    from llmviz.evaluation import evaluate, token_byte_lengths
    from llmviz.generation import first_ids, generate
    from llmviz.model import build_gpt, save_weights
    from llmviz.probes.diagnostics import WeightSample, diagnose
    from llmviz.probes.token_classes import TokenClasses
    from llmviz.text.datasets import build_dataset
    from llmviz.training import TokenBatches, Trainer, next_token_objective, save_checkpoint
    from llmviz.training.costs import step_flops
    from llmviz.training.growth import full_size

    torch.set_num_threads(threads)
    data, model_settings = build_dataset(settings.data, data_root), settings.model
    vocab_size, grown = data.tokenizer.vocab_size, full_size(settings)
    started = time.perf_counter()
    model = build_gpt(model_settings, vocab_size, settings.training.seed)
    trainer = Trainer(model, next_token_objective, TokenBatches.of(data.train, grown), grown.training)
    lengths = token_byte_lengths(data.tokenizer)
    prepare_seconds = time.perf_counter() - started
    for _ in range(WARM_UP):
        trainer.step()
    tokens = generate(model, first_ids(data.tokenizer, ""), settings.sampling)
    windows, classes = settings.training.eval_windows, TokenClasses(data.tokenizer)

    def examine() -> None:
        diagnose(model, *trainer.next_batch(), classes)
        WeightSample(model).update_ratios()

    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        path = Path(folder) / "weights.safetensors"
        return Costs(
            start=prepare_seconds,
            step=_typical(trainer.step) * step_flops(settings, vocab_size) / step_flops(grown, vocab_size),
            token=_typical(lambda: next(tokens), most=settings.sampling.max_new_tokens),
            window=_typical(
                lambda: evaluate(model, data.val, model_settings.block_size, lengths, windows), most=3
            )
            / windows,
            snapshot=_typical(lambda: save_weights(model, path), most=3),
            checkpoint=_typical(lambda: save_checkpoint(path, trainer), most=3),
            diagnosis=_typical(examine, most=9),
        )


def _roof(threads: int) -> float:
    """What this many threads reach at most, in operations a second."""
    import torch

    from llmviz.training.peak import peak_flops

    torch.set_num_threads(threads)
    return peak_flops()


def _typical(work: Callable[[], object], most: int = 1000) -> float:
    """Seconds that `work` takes: the median. A mean would count the times when some other process had the
    core."""
    return statistics.median(_times(work, most))


def _times(work: Callable[[], object], most: int = 1000) -> list[float]:
    """Seconds that `work` took, again and again for half a second."""
    times: list[float] = []
    while len(times) < most and sum(times) < SECONDS_A_PART:
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return times
