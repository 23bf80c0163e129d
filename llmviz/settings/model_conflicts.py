"""Parts of a model that are fine one by one but do not go together, each pair with the reason.

The reasons are about the choices as they come out, so that a part the architecture brings counts as much as
one the reader chose.
"""

from collections.abc import Iterator

from llmviz.settings.choices import Choices
from llmviz.settings.model import ModelSettings

Conflict = tuple[set[str], str]  # the settings it is between, and the sentence that explains it

# What a bigram table still has: its name, and the sizes that stand in every form and mean nothing to it.
_OF_A_BIGRAM = {"architecture", "n_layer", "n_head", "n_embd", "block_size"}


def model_conflicts(model: ModelSettings) -> Iterator[Conflict]:
    """Each conflict with the names of the settings it is between."""
    choices = model.choices
    if choices.blocks:
        yield from _heads(model, choices)
        yield from _idle(model, choices)
        yield from _first_weights(choices)
    else:
        yield from _bigram(model)


def _heads(model: ModelSettings, choices: Choices) -> Iterator[Conflict]:
    """How the width is shared out."""
    if model.n_embd % model.n_head and not model.head_width:
        yield (
            {"n_embd", "n_head", "head_width"},
            f"Width {model.n_embd} cannot be shared out among {model.n_head} heads: choose a width "
            f"that is a multiple of the heads, such as {_nearest_share(model, choices)}.",
        )
    elif choices.positions == "rope" and choices.head_width % 2:
        yield (
            {"n_embd", "n_head", "head_width", "positions", "architecture"},
            f"RoPE turns the numbers of a head in pairs, but {model.n_embd} over {model.n_head} heads leaves "
            f"{choices.head_width} each: choose an even share, or other positions."
            if not model.head_width
            else f"RoPE turns the numbers of a head in pairs, but a head is {model.head_width} wide: choose "
            "an even width of a head, or other positions.",
        )
    if model.n_head % choices.n_kv_head:
        yield (
            {"n_head", "n_kv_head"},
            f"{model.n_head} heads cannot share {choices.n_kv_head} heads of keys evenly: choose one of "
            f"{', '.join(str(n) for n in range(1, model.n_head + 1) if model.n_head % n == 0)}.",
        )


def _idle(model: ModelSettings, choices: Choices) -> Iterator[Conflict]:
    """Settings that would do nothing."""
    if choices.positions != "rope" and model.rope_base:
        yield (
            {"rope_base", "positions", "architecture"},
            f"Only RoPE has a base, and the positions are “{choices.positions}”: set the base of RoPE to 0, "
            "or the positions to “rope”.",
        )
    if choices.positions != "rope" and model.rope_scaling != "auto":
        yield (
            {"rope_scaling", "positions", "architecture"},
            f"Only RoPE can be scaled, and the positions are “{choices.positions}”: set the scaling of RoPE "
            "to “auto”, or the positions to “rope”.",
        )
    if model.ngram_embeddings == 1:
        yield (
            {"ngram_embeddings"},
            "An n-gram of 1 token is the token, which has an embedding already: choose 2 or more, or 0.",
        )
    if model.ngram_rows and not model.ngram_embeddings:
        yield (
            {"ngram_rows", "ngram_embeddings"},
            "Rows of n-grams only count where n-grams have embeddings: set the rows to 0, or the embeddings "
            "of n-grams to 2 or more.",
        )
    if choices.init != "std" and model.init_std:
        yield (
            {"init", "init_std"},
            "The size of the first weights only counts where they are “of a chosen size”: set it to 0, or "
            "the first weights to “std”.",
        )


def _first_weights(choices: Choices) -> Iterator[Conflict]:
    """How the weights start."""
    if choices.init == "std" and not choices.init_std:
        yield (
            {"init", "init_std"},
            "First weights “of a chosen size” need that size: choose one above 0, such as 0.02.",
        )
    if choices.init == "mup" and choices.tied:
        yield (
            {"init", "tied", "architecture"},
            "µP gives the head a learning rate that falls with the width and the embeddings one that does "
            "not, so they cannot be one matrix: set the tied head to “off”, or choose other first weights.",
        )


def _bigram(model: ModelSettings) -> Iterator[Conflict]:
    """A table of what follows what has no parts to choose."""
    for name, field in ModelSettings.model_fields.items():
        if name not in _OF_A_BIGRAM and getattr(model, name) != field.default:
            yield (
                {"architecture", name},
                f"A bigram is one table of what follows what, so “{field.title}” has nothing to change: "
                f"set it {_at_default(field.default)}, or choose another architecture.",
            )


def _at_default(default: str | bool | float) -> str:
    if isinstance(default, bool):
        return "out"
    return f"at “{default}”" if isinstance(default, str) else f"at {default:g}"


def _nearest_share(model: ModelSettings, choices: Choices) -> int:
    """The width next to the model's that its heads can share out, in pairs where RoPE turns them."""
    together = model.n_head * (2 if choices.positions == "rope" else 1)
    return max(together, round(model.n_embd / together) * together)
