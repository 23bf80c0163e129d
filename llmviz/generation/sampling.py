"""Writing: guess the next token, throw the dice, add it to the text, and again (book, 4.7 and 5.3)."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import torch

from llmviz.generation.filters import filter_logits
from llmviz.model.gpt import GPT, reading
from llmviz.settings import SamplingSettings


class NotFinite(ValueError):
    """The model's numbers have run away, so there is nothing to choose from."""


class Encodes(Protocol):
    """What a prompt needs of a tokenizer."""

    def encode(self, text: str, /) -> list[int]:
        """Token ids of a text; ValueError where the vocabulary lacks a character."""


def first_ids(tokenizer: Encodes, prompt: str) -> list[int]:
    """The token ids of a prompt, never none: the model can only carry on.

    An empty prompt is what the tokenizer puts before every text. Mostly that is nothing, and it becomes a
    newline, after which texts start; a tokenizer without one starts at token 0.
    """
    if ids := tokenizer.encode(prompt):
        return ids
    try:
        return tokenizer.encode("\n") or [0]
    except ValueError:
        return [0]


def generate(model: GPT, ids: Sequence[int], settings: SamplingSettings) -> Iterator[int]:
    """Yield `settings.max_new_tokens` new token ids, each as soon as it is chosen.

    ids: the prompt (`first_ids` makes it from text); no ids at all count as token 0. Of a text longer than
    the model's context, the model sees the end. The dice are the generator's own and start from
    `settings.sample_seed`: the same model, prompt and settings write the same text. Raises NotFinite.
    """
    device = next(model.parameters()).device
    dice = torch.Generator(device).manual_seed(settings.sample_seed)
    context = list(ids) or [0]
    for _ in range(settings.max_new_tokens):
        context = context[-model.config.block_size :]
        token = _next_token(model, torch.tensor([context], device=device), settings, dice)
        context.append(token)
        yield token


def continuation(model: GPT, ids: Sequence[int], settings: SamplingSettings) -> list[int]:
    """All of `generate` at once: the new token ids. A model in training changes its mode only once for it."""
    with reading(model):
        return list(generate(model, ids, settings))


def _next_token(model: GPT, ids: torch.Tensor, settings: SamplingSettings, dice: torch.Generator) -> int:
    """(1, T) → one token id. The model's mode is put back after each, as a caller may train between them."""
    with reading(model):
        logits = model.next_token_logits(ids)[0]  # (V,)
        if not logits.isfinite().all():
            raise NotFinite(
                "The model's scores are no longer numbers, so it cannot choose a next token: "
                "its training has diverged. Go back to an earlier step, or lower the learning rate."
            )
        allowed = filter_logits(logits, settings.temperature, settings.top_k, settings.top_p)
        return int(torch.multinomial(allowed.softmax(dim=-1), 1, generator=dice))
