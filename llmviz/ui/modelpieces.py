"""The lines of this program that a model is computed with: those of its own parts, and no others.

A model that is written out has its blocks in one file; one that is put together has each part in a file of
its own, and what was not chosen is not shown. A test follows models at work and holds this to what ran.
"""

from collections.abc import Iterator

from llmviz.settings import ModelSettings
from llmviz.settings.choices import Choices, written_out
from llmviz.ui.pieces import FILTERS, GENERATE, NEXT_TOKEN, Piece

MODEL = "llmviz/model"


def attention_pieces(model: ModelSettings) -> Iterator[Piece]:
    """What the maps of this model are computed with, from the weights outwards."""
    choices, written = model.choices, written_out(model.choices, model)
    if not choices.blocks:
        yield _TABLE
    else:
        yield from _view(choices, choices.window < model.block_size)
        yield from _heads(choices, written, shared=choices.n_kv_head < model.n_head)
        yield from _block(choices, written)
        yield from _embeddings(choices, written)
    yield Piece(
        f"{MODEL}/gpt.py", "GPT.forward_with_intermediates", "Block after block; what they did is kept."
    )


def sample_pieces(model: ModelSettings) -> Iterator[Piece]:
    """How a token is chosen, and where its score comes from."""
    yield from (GENERATE, NEXT_TOKEN)
    yield Piece(
        FILTERS.file,
        FILTERS.name,
        "What is allowed. The bars follow the same rules in your browser (assets/js/logits.js).",
    )
    yield Piece(FILTERS.file, "keep_top_k", "Top-k: only the k largest.")
    yield Piece(FILTERS.file, "keep_top_p", "Top-p: as few as reach p together.")
    choices, written = model.choices, written_out(model.choices, model)
    if not choices.blocks:
        yield _TABLE
    yield Piece(f"{MODEL}/gpt.py", "GPT.residual_stream", "Where the scores come from: through all blocks.")
    if choices.blocks:
        yield Piece(
            f"{MODEL}/{written}.py", f"{_block_class(choices, written)}.forward", "One of these blocks."
        )


_TABLE = Piece(f"{MODEL}/bigram.py", "Bigram.embed", "The whole model: a row of its table.")


def _view(choices: Choices, windowed: bool) -> Iterator[Piece]:
    """Who may look at whom, and the weights that come of it."""
    views = f"{MODEL}/views.py"
    if not windowed and choices.positions != "alibi":
        yield Piece(f"{MODEL}/attention.py", "attention_with_weights", "The weights that the map shows.")
        return
    yield Piece(views, "PricedView.with_weights", "The weights that the map shows.")
    yield Piece(views, "PricedView.price_for", "What is added to each score, from a table.")
    hides = "and tokens too far back" if windowed else "and nothing else"
    yield Piece(views, "sliding_window", f"In that table −∞ hides the future, {hides}.")
    if choices.positions == "alibi":
        yield Piece(views, "alibi", "ALiBi: the further back, the more is taken off a score.")
        yield Piece(f"{MODEL}/positions.py", "alibi_slopes", "How much, each head in its own way.")


def _heads(choices: Choices, written: str, shared: bool) -> Iterator[Piece]:
    """From the stream to queries, keys and values, and back."""
    file = f"{MODEL}/heads.py" if written == "variant" else f"{MODEL}/{written}.py"
    heads = "CausalSelfAttention"
    yield Piece(file, f"{heads}.queries_keys_values", "Where queries, keys and values come from.")
    if choices.init == "mup":
        yield Piece(file, "Scale.forward", "µP: scores are divided by the width of a head, not by its root.")
    if choices.positions == "rope":
        yield Piece(f"{MODEL}/modern.py", "Rotary.forward", "RoPE: queries and keys are turned.")
        yield Piece(f"{MODEL}/modern.py", "complex_product", "A turn is one product.")
        yield Piece(f"{MODEL}/modern.py", "rope_speeds", "How fast each pair of their numbers turns.")
        yield from _SCALINGS.get(choices.rope_scaling, ())
    if shared:
        yield Piece(file, "Share.forward", "Groups of heads have the same keys and values.")
    if choices.value_embeddings:
        yield Piece(f"{MODEL}/shortcuts.py", "ValueEmbedding.forward", "What a token adds to its value.")
    yield Piece(file, f"{heads}.forward_with_attention", "All heads of a block at once.")
    yield Piece(file, f"{heads}.join_heads", "What they found, mixed into one.")


_SLOWED = "For longer texts than it was first trained with, the turns are slowed down."
_SCALINGS = {
    "linear": (Piece(f"{MODEL}/positions.py", "_slowed", _SLOWED),),
    "llama3": (Piece(f"{MODEL}/positions.py", "_slowed_where_slow", _SLOWED),),
}


def _block(choices: Choices, written: str) -> Iterator[Piece]:
    """Attention and MLP, each with its norm."""
    post = choices.norm_place == "post"
    yield Piece(
        f"{MODEL}/{written}.py",
        f"{_block_class(choices, written)}.forward_with_intermediates",
        "A block: what attention brings is added, then all is brought to one scale."
        if post
        else "A block: what attention brings is added, never replaced.",
    )
    if choices.x0_shortcut:
        yield Piece(f"{MODEL}/shortcuts.py", "EmbeddingsAgain.forward", "The embeddings, once more.")
    if written == "modern":
        yield Piece(f"{MODEL}/modern.py", "rms_norm", "The norm, also of queries and keys.")
    if written == "variant":
        yield Piece(f"{MODEL}/norms.py", "make_norm", "Which norm it has.")
        if choices.norm == "plain-rmsnorm":
            yield Piece(f"{MODEL}/norms.py", "PlainRMSNorm.forward", "That norm.")
    yield from _mlp(choices, written)


def _mlp(choices: Choices, written: str) -> Iterator[Piece]:
    """Each token by itself."""
    says = "Then each token by itself: what the next block looks at."
    if written != "variant":
        yield Piece(f"{MODEL}/{written}.py", "MLP.forward", says)
        return
    parts = f"{MODEL}/activations.py"
    yield Piece(parts, "MLP.forward", says)
    gated = choices.activation == "swiglu"
    yield Piece(parts, "GatedMLP.hidden" if gated else "MLP.hidden", "Widened and bent.")
    if choices.activation == "relu2":
        yield Piece(parts, "SquaredReLU.forward", "How it bends.")
    yield Piece(parts, "MLP.narrow", "And narrowed again.")


def _embeddings(choices: Choices, written: str) -> Iterator[Piece]:
    """The start of the stream."""
    names = {"gpt2": "GPT2", "modern": "ModernGPT", "variant": "VariantGPT"}
    yield Piece(f"{MODEL}/{written}.py", f"{names[written]}.embed", "What the first block reads.")
    if written != "variant":
        return
    shortcuts = f"{MODEL}/shortcuts.py"
    if choices.bigram_embeddings:
        yield Piece(shortcuts, "PairEmbedding.forward", "A row for every pair of neighbours.")
    if choices.ngram_embeddings:
        yield Piece(f"{MODEL}/ngrams.py", "NGramEmbedding.forward", "Rows for the last few tokens.")
        yield Piece(f"{MODEL}/ngrams.py", "NGramEmbedding.rows_of", "Which rows these are.")
    if choices.positions in _ADDED:
        yield Piece(f"{MODEL}/positions.py", f"{_ADDED[choices.positions]}.forward", "Where it stands.")
    if choices.smear:
        yield Piece(shortcuts, "Smear.forward", "A share of the token before.")


_ADDED = {"learned": "LearnedPositions", "sinusoidal": "SinusoidalPositions"}


def _block_class(choices: Choices, written: str) -> str:
    return "PostNormBlock" if written == "variant" and choices.norm_place == "post" else "Block"
