"""What a model is made of, part by part, once every "auto" is settled; and the architectures people know.

An architecture is a set of choices with a name. A reader takes one and changes single parts of it. From here
read the builder, the counting of sizes, the diagram and the checks of what goes together. No torch.
"""

import math
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

SMALLEST = 2.0**-23  # the step between 1 and the next 32-bit number: what PyTorch adds where nothing is said
NORM_EPS = {"layernorm": 1e-5, "rmsnorm": 1e-5, "plain-rmsnorm": SMALLEST}
ROPE_BASE = 10_000.0
# No table of pairs has more rows: beyond it, several pairs share one. A prime, to spread them evenly.
MAX_PAIRS = 32_749
NGRAM_ROWS = 4_096  # of each table of n-grams
SMEAR_INPUTS = 12  # how many numbers of a token decide how much of the one before is mixed into it


class Shape(Protocol):
    """What choices are sized by: `ModelSettings` and `GPTConfig` both have it."""

    block_size: int
    n_head: int
    n_embd: int


class Sizes(NamedTuple):
    """A `Shape` and nothing else."""

    block_size: int
    n_head: int
    n_embd: int


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Every part of a model. Names are those of the settings; sizes of 0 stand for a rule (see `sized`)."""

    blocks: bool = True  # False: a bigram table and nothing else, so that nothing below has a meaning
    positions: str = "learned"  # learned | sinusoidal | rope | alibi | none
    rope_base: float = 0.0
    rope_scaling: str = "none"  # none | linear | llama3: how an imported model was stretched to long texts
    rope_factor: float = 1.0
    rope_low: float = 1.0
    rope_high: float = 4.0
    rope_original: int = 8192
    norm: str = "layernorm"  # layernorm | rmsnorm | plain-rmsnorm
    norm_eps: float = 0.0
    norm_place: str = "pre"  # pre | post
    embedding_norm: bool = False
    activation: str = "gelu"  # gelu | gelu-exact | relu | swiglu | relu2
    mlp_width: int = 0
    n_kv_head: int = 0
    head_width: int = 0
    window: int = 0
    qk_norm: bool = False
    bias: bool = True
    tied: bool = True
    init: str = "gpt2"  # gpt2 | pytorch | mup | zero | std
    init_std: float = 0.0
    x0_shortcut: bool = False
    value_embeddings: bool = False
    smear: bool = False
    bigram_embeddings: bool = False
    ngram_embeddings: int = 0  # the longest n-gram with a table; 0: none
    ngram_rows: int = 0
    soft_cap: float = 0.0  # 0: none


_PARTS = tuple(part.name for part in fields(Choices))

ARCHITECTURES: dict[str, Choices] = {
    "gpt2": Choices(),
    "modern": Choices(
        positions="rope",
        norm="plain-rmsnorm",
        embedding_norm=True,
        activation="relu2",
        qk_norm=True,
        bias=False,
        tied=False,
        init="zero",
    ),
    "llama": Choices(positions="rope", norm="rmsnorm", activation="swiglu", bias=False, tied=False),
    "transformer": Choices(positions="sinusoidal", norm_place="post", activation="relu"),
    "bigram": Choices(blocks=False, positions="none", bias=False, tied=False),
}

# Models written out from top to bottom in a file of their own, each for one choice of parts.
WRITTEN_OUT = ("gpt2", "modern", "bigram")

_SWITCH = {"on": True, "off": False}


def choices_of(model: Any) -> Choices:
    """What the settings of a model (`ModelSettings`) come to: the architecture's parts, with those changed
    that the reader chose. What stands at "auto", 0 or False was not chosen."""
    asked = tuple(getattr(model, name, "auto") for name in _PARTS)
    return _settled(model.architecture, asked, Sizes(model.block_size, model.n_head, model.n_embd))


@lru_cache(maxsize=1024)  # estimates ask for the same ones hundreds of times
def _settled(architecture: str, asked: tuple[Any, ...], sizes: Sizes) -> Choices:
    """asked: what the settings say of each of _PARTS."""
    chosen = {
        name: _SWITCH.get(value, value)
        for name, value in zip(_PARTS, asked, strict=True)
        if value not in ("auto", 0)
    }
    return sized(replace(ARCHITECTURES[architecture], **chosen), sizes)


def sized(choices: Choices, shape: Shape) -> Choices:
    """The same choices with a number wherever a rule stood."""
    if not choices.blocks:
        return choices
    return replace(
        choices,
        norm_eps=choices.norm_eps or NORM_EPS[choices.norm],
        rope_base=choices.rope_base or ROPE_BASE,
        n_kv_head=choices.n_kv_head or shape.n_head,
        head_width=choices.head_width or _even_share(shape.n_embd, shape.n_head),
        mlp_width=choices.mlp_width or _mlp_width(choices.activation, shape.n_embd),
        ngram_rows=(choices.ngram_rows or NGRAM_ROWS) if choices.ngram_embeddings else 0,
        window=min(choices.window or shape.block_size, shape.block_size),
    )


def written_out(choices: Choices, shape: Shape) -> str:
    """Which model these choices are exactly: a name of `WRITTEN_OUT`, or "variant" for one put together."""
    return next((name for name in WRITTEN_OUT if choices == sized(ARCHITECTURES[name], shape)), "variant")


def _even_share(n_embd: int, n_head: int) -> int:
    """The width of a head, which is still to be chosen (0) where the heads cannot share evenly."""
    return 0 if n_embd % n_head else n_embd // n_head


def _mlp_width(activation: str, n_embd: int) -> int:
    """Four times as wide as the stream. A SwiGLU has three matrices instead of two, so that two thirds of
    that, rounded up to a multiple of 8, take as many parameters (Touvron et al. 2023, "LLaMA", 2.2)."""
    return 8 * math.ceil(n_embd / 3) if activation == "swiglu" else 4 * n_embd
