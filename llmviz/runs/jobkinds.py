"""What can be asked of a model: one generator for each kind of job. torch inside the functions.

A generator yields messages for the page, or None where others may take their turn. What it raises as a
ValueError is one plain sentence for the reader.
"""

import base64
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmviz.runs.film import is_film_step, readable
from llmviz.runs.opened import OpenedModel, OpenedModels
from llmviz.settings import SamplingSettings

if TYPE_CHECKING:
    import numpy as np

    from llmviz.text.tokenizers import Tokenizer

MAX_WEIGHTS = 2_000_000  # attention weights in one answer: one byte each, below the diagonal only

Payload = dict[str, Any]
Messages = Iterator[dict[str, Any] | None]


def attention(models: OpenedModels, folder: Path, payload: Payload) -> Messages:
    """Who looks at whom, in every layer and head, for payload["text"]."""
    import time

    from llmviz.generation import first_ids
    from llmviz.probes import attention as attention_maps
    from llmviz.probes import longest_text, pack_maps

    started = time.perf_counter()
    opened = models.get(folder, payload.get("step"))
    ids = first_ids(opened.tokenizer, payload["text"])
    yield None  # opening took its time; now others
    maps = attention_maps(opened.model, ids[-longest_text(opened.model, 2 * MAX_WEIGHTS) :])
    if not maps.weights.isfinite().all():
        raise ValueError(
            f"At step {opened.step:,} this model's numbers have run away: there is nothing to draw."
        )
    yield _tokens(opened.tokenizer, maps.ids) | {
        "n_layer": maps.n_layer,
        "n_head": maps.n_head,
        "T": maps.T,
        "step": opened.step,
        "cut": len(ids) - maps.T,  # tokens at the beginning that are out of sight
        "context": opened.model.config.block_size,  # so many the model itself would see
        "maps": pack_maps(maps.weights),
        "seconds": round(time.perf_counter() - started, 4),
    }


def sample(models: OpenedModels, folder: Path, payload: Payload) -> Messages:
    """The model carries on payload["prompt"], a token at a time."""
    from llmviz.generation import first_ids, generate

    opened = models.get(folder, payload.get("step"))
    ids = first_ids(opened.tokenizer, payload["prompt"])
    yield {"prompt_tokens": _tokens(opened.tokenizer, ids)["tokens"], "step": opened.step}
    for token in generate(opened.model, ids, sampling_of(payload)):
        piece = opened.tokenizer.token_bytes(token)
        yield {"id": token, "text": readable([piece]), "bytes": piece.hex()}
    yield {"done": True, "reason": "length"}


def logits(models: OpenedModels, folder: Path, payload: Payload) -> Messages:
    """The score of every token to come next after payload["text"], as base64 float32 (V)."""
    import torch

    from llmviz.generation import first_ids

    opened = models.get(folder, payload.get("step"))
    ids = first_ids(opened.tokenizer, payload["text"])
    context = ids[-opened.model.config.block_size :]
    with torch.inference_mode():
        scores = opened.model.next_token_logits(torch.tensor([context]))[0]  # (V,)
    shown = context[-200:]
    message = {
        "tokens": _tokens(opened.tokenizer, shown)["tokens"],
        "logits": _pack(scores.float().numpy()),
        "step": opened.step,
    }
    if payload.get("vocab"):
        vocabulary = range(opened.tokenizer.vocab_size)
        message["vocab"] = [readable([opened.tokenizer.token_bytes(i)]) for i in vocabulary]
    yield message


def tokenize(models: OpenedModels, folder: Path | None, payload: Payload) -> Messages:
    """payload["text"] as each of payload["names"] cuts it: a message for every tokenizer, as it is ready."""
    for name in payload["names"]:
        try:
            tokenizer = yield from _tokenizer(models, folder, name, payload["text"])
            ids = tokenizer.encode(payload["text"])
            pieces = tokenizer.tokens(ids)
            tokens = [readable([piece]) for piece in pieces]
            answer = {"ids": ids, "tokens": tokens, "bytes": [list(p) for p in pieces], "error": None}
        except ValueError as error:
            answer = {"ids": [], "tokens": [], "bytes": [], "error": str(error)}
        yield {name: answer}


def film(models: OpenedModels, folder: Path, payload: Payload) -> Messages:
    """What the model wrote after payload["prompt"] at the steps of the film strip; rows as they come."""
    newest = models.get(folder)
    steps = [step for step in newest.run.snapshots() if is_film_step(step) and step < newest.step]
    sampling = newest.run.settings().sampling.model_copy(update={"prompt": payload["prompt"]})
    rows: list[dict[str, Any]] = []
    for step in [*steps, None]:
        opened = newest if step is None else models.get(folder, step)
        text = yield from _write(opened, sampling)
        rows.append({"step": opened.step, "text": text})
        yield {"rows": rows}


def passport(models: OpenedModels, folder: Path, payload: Payload) -> Messages:
    """What the model is, counted on the model itself."""
    opened = models.get(folder, payload.get("step"))
    config = opened.model.config
    n_parameters = sum(weight.numel() for weight in opened.model.parameters())
    yield {
        "step": opened.step,
        "n_parameters": n_parameters,
        "weights_bytes": 4 * n_parameters,
        "architecture": config.architecture,
        "vocab_size": config.vocab_size,
        "block_size": config.block_size,
        "tokenizer": opened.tokenizer.kind,
    }


KINDS = {
    "attention": attention,
    "sample": sample,
    "logits": logits,
    "tokenize": tokenize,
    "film": film,
    "passport": passport,
}


def sampling_of(payload: Payload) -> SamplingSettings:
    """The sampling settings in a checked payload."""
    names = (SamplingSettings.model_fields.keys() & payload.keys()) - {"prompt"}
    return SamplingSettings(**{name: payload[name] for name in names})


def _write(opened: OpenedModel, sampling: SamplingSettings) -> Iterator[None]:
    """As `film.write_sample`, but others may take their turn after every token. Returns the text."""
    from llmviz.generation import first_ids, generate

    ids = []
    for token in generate(opened.model, first_ids(opened.tokenizer, sampling.prompt), sampling):
        ids.append(token)
        yield None
    return readable(opened.tokenizer.tokens(ids))


def _tokenizer(
    models: OpenedModels, folder: Path | None, name: str, text: str
) -> Generator[None, None, "Tokenizer"]:
    from llmviz.text.tokenizers import TIKTOKEN_NAMES, ByteTokenizer, CharTokenizer, tiktoken_encoding

    if name == "chars":
        return CharTokenizer.train(text or " ")
    if name == "bytes":
        return ByteTokenizer()
    if name in TIKTOKEN_NAMES:
        return (yield from _beside(lambda: tiktoken_encoding(name)))  # it may wait for the network
    if name == "model" and folder is not None:
        return models.tokenizer(folder)
    raise ValueError(f"There is no tokenizer called “{str(name)[:30]}” here.")


def _beside(work: Callable[[], "Tokenizer"]) -> Generator[None, None, "Tokenizer"]:
    """Let a thread do what mostly waits, and others take their turns meanwhile."""
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(work)
        while not future.done():
            wait([future], 0.01)
            yield None
        return future.result()


def _tokens(tokenizer: "Tokenizer", ids: list[int]) -> dict[str, Any]:
    pieces = tokenizer.tokens(ids)
    return {
        "tokens": [readable([piece]) for piece in pieces],
        "ids": list(ids),
        "token_bytes": [piece.hex() for piece in pieces],
    }


def _pack(values: "np.ndarray") -> str:
    """Float32 numbers, little-endian, as base64."""
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")
