"""Settings of sampling: how the next token is chosen (book, section 5.3)."""

from llmviz.settings.base import Room, setting


class SamplingSettings(Room):
    """Temperature, top-k, top-p and a seed: the same ones for the film strip and the Sample tab."""

    prompt: str = setting(
        "",
        private=True,
        max_length=2_000,
        label="Prompt",
        chapter="5.1.1",
        help="The beginning that the model carries on.",
    )
    temperature: float = setting(
        0.8,
        ge=0.0,
        le=5.0,
        step=0.05,
        label="Temperature",
        chapter="5.3.1",
        help="Below 1 the model plays safe, above 1 it dares more; 0 always takes the likeliest token.",
    )
    top_k: int = setting(
        0,
        ge=0,
        le=100_000,
        label="Top-k",
        unit="(0: off)",
        chapter="5.3.2",
        help="Only the k likeliest tokens may be chosen.",
    )
    top_p: float = setting(
        1.0,
        gt=0.0,
        le=1.0,
        step=0.01,
        label="Top-p",
        unit="(1: off)",
        chapter="5.3.2",
        help="Only the likeliest tokens that together reach this probability may be chosen.",
    )
    max_new_tokens: int = setting(
        120,
        ge=1,
        le=2_000,
        label="Length",
        unit="tokens",
        chapter="5.1.1",
        help="How many tokens to write.",
    )
    sample_seed: int = setting(
        42,
        ge=0,
        le=2**31 - 1,
        label="Dice seed",
        help="The same seed throws the same dice, so the same model writes the same text.",
    )
