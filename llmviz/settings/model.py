"""Settings of the model: its architecture and its size (book, chapters 3 and 4)."""

from typing import Literal

from llmviz.settings.base import Room, about, setting
from llmviz.settings.choices import Choices, choices_of
from llmviz.settings.words import short_words_for

ArchitectureName = Literal["gpt2", "modern", "llama", "transformer", "bigram"]
Switch = Literal["auto", "on", "off"]

PARTS = "Parts of the model, each instead of the architecture's"
SHORTCUTS = "Shortcuts"


class ModelSettings(Room):
    """The shape of the network. The vocabulary's size is not set here: it follows from the tokenizer."""

    architecture: ArchitectureName = setting(
        "gpt2",
        label="Architecture",
        chapter="4.1",
        help="GPT-2 as the book builds it; a modern one (RoPE, RMSNorm, QK-norm, ReLU², untied head); Llama; "
        "the Transformer of 2017; or a bigram: a table without layers, heads and width.",
    )
    n_layer: int = setting(
        4,
        ge=1,
        le=48,
        label="Layers",
        chapter="4.5",
        help="How many transformer blocks stand on top of one another.",
    )
    n_head: int = setting(
        4,
        ge=1,
        le=64,
        label="Heads",
        chapter="3.6",
        help="How many attention heads a layer has; each looks at the text in its own way.",
    )
    n_embd: int = setting(
        128,
        ge=4,
        le=4096,
        label="Width",
        unit="numbers",
        chapter="2.7",
        help="How many numbers describe one token on its way through the model; the heads share them out.",
    )
    block_size: int = setting(
        64,
        ge=2,
        le=2048,
        label="Context",
        unit="tokens",
        chapter="2.6",
        help="How many tokens the model sees at once; what is further back is out of sight.",
    )
    dropout: float = setting(
        0.0,
        ge=0.0,
        le=0.9,
        step=0.05,
        live=True,
        label="Dropout",
        chapter="3.5.2",
        help="The share of activations set to zero at random in training, against learning by heart.",
    )
    positions: Literal["auto", "learned", "sinusoidal", "rope", "alibi", "none"] = setting(
        "auto",
        group=PARTS,
        label="Positions",
        chapter="2.8",
        help="How the model knows the order of the tokens: a learned or a computed table, rotations of "
        "queries and keys (RoPE), a preference for what is near (ALiBi), or not at all.",
    )
    rope_base: float = setting(
        0.0,
        ge=0.0,
        le=1e8,
        group=PARTS,
        label="Base of RoPE",
        unit="(0: 10,000)",
        help="The slowest rotation takes about so many tokens for a turn; long contexts want a larger one.",
    )
    norm: Literal["auto", "layernorm", "rmsnorm", "plain-rmsnorm"] = setting(
        "auto",
        group=PARTS,
        label="Norm",
        chapter="4.2",
        help="How a token's numbers are brought to one size: with mean and gain, with a gain, or plainly.",
    )
    norm_eps: float = setting(
        0.0,
        ge=0.0,
        le=0.1,
        group=PARTS,
        label="Epsilon of the norm",
        unit="(0: as usual)",
        chapter="4.2",
        help="A tiny number added before dividing, so that a vector of zeros does no harm.",
    )
    norm_place: Literal["auto", "pre", "post"] = setting(
        "auto",
        group=PARTS,
        label="Place of the norm",
        chapter="4.4",
        help="Before each part, whose result is added untouched; or after the addition, as in 2017.",
    )
    embedding_norm: Switch = setting(
        "auto",
        group=PARTS,
        label="Norm of embeddings",
        help="Whether the embeddings are brought to one size before the first block.",
    )
    activation: Literal["auto", "gelu", "gelu-exact", "relu", "swiglu", "relu2"] = setting(
        "auto",
        group=PARTS,
        label="Activation",
        chapter="4.3",
        help="What bends the numbers between the matrices of the MLP. GELU is GPT-2's approximation of the "
        "exact one; SwiGLU has a third matrix as a gate.",
    )
    mlp_width: int = setting(
        0,
        ge=0,
        le=32_768,
        group=PARTS,
        label="Width of the MLP",
        unit="(0: 4 times, SwiGLU 8/3)",
        chapter="4.3",
        help="How many numbers there are between the matrices of the MLP.",
    )
    n_kv_head: int = setting(
        0,
        ge=0,
        le=64,
        group=PARTS,
        label="Heads of keys",
        unit="(0: as many as heads)",
        help="Fewer keys and values than queries: groups of heads share them (GQA); 1 is multi-query.",
    )
    head_width: int = setting(
        0,
        ge=0,
        le=1024,
        group=PARTS,
        label="Width of a head",
        unit="(0: width over heads)",
        chapter="3.6",
        help="How many numbers a query, a key and a value have.",
    )
    window: int = setting(
        0,
        ge=0,
        le=2048,
        group=PARTS,
        label="Sliding window",
        unit="tokens (0: the whole context)",
        help="How far back a layer looks, the token itself included; deeper layers see further through it. "
        "It saves no work here: what is out of sight is computed as well, and then hidden.",
    )
    qk_norm: Switch = setting(
        "auto",
        group=PARTS,
        label="QK-norm",
        help="Whether queries and keys are brought to one size, so that no score can run away.",
    )
    bias: Switch = setting(
        "auto",
        group=PARTS,
        label="Biases",
        chapter="4.2",
        help="Whether linear layers and LayerNorms add a learned number to each of their results.",
    )
    tied: Switch = setting(
        "auto",
        group=PARTS,
        label="Tied head",
        chapter="4.7",
        help="Whether the head that reads off the next token is the embedding table once more.",
    )
    init: Literal["auto", "gpt2", "pytorch", "mup", "zero", "std"] = setting(
        "auto",
        group=PARTS,
        label="First weights",
        help="How large the random weights are at the start. µP also gives matrices a learning rate that "
        "falls with the width, so that one rate fits every width.",
    )
    init_std: float = setting(
        0.0,
        ge=0.0,
        le=10.0,
        group=PARTS,
        label="Size of the first weights",
        unit="(for “of a chosen size”)",
        help="The standard deviation of all random weights.",
    )
    soft_cap: float = setting(
        0.0,
        ge=0.0,
        le=1_000.0,
        group=PARTS,
        label="Soft cap of the scores",
        unit="(0: none)",
        help="The scores of the next token bend towards this limit and never pass it.",
    )
    x0_shortcut: bool = setting(
        False,
        group=SHORTCUTS,
        label="Embeddings again",
        help="Every block gets the embeddings mixed in once more, in a learned share.",
    )
    value_embeddings: bool = setting(
        False,
        group=SHORTCUTS,
        label="Value embeddings",
        help="Every layer has a second table of embeddings, added to the values of its attention.",
    )
    smear: bool = setting(
        False,
        group=SHORTCUTS,
        label="Smear",
        help="A learned share of the token before is mixed into each token, before any attention.",
    )
    bigram_embeddings: bool = setting(
        False,
        group=SHORTCUTS,
        label="Embeddings of pairs",
        help="A table with a row for every pair of neighbours, added to the embedding of the second.",
    )
    ngram_embeddings: int = setting(
        0,
        ge=0,
        le=8,
        group=SHORTCUTS,
        label="Embeddings of n-grams",
        unit="tokens (0: none)",
        help="Tables for the last two tokens, the last three, and so on up to so many, added to the last's "
        "embedding: spelling, learned without attention.",
    )
    ngram_rows: int = setting(
        0,
        ge=0,
        le=200_000,
        group=SHORTCUTS,
        label="Rows of n-grams",
        unit="a table (0: 4,096)",
        help="How many vectors each of these tables has; a hash says which n-grams share one.",
    )
    rope_scaling: Literal["auto", "linear", "llama3"] = setting(
        "auto",
        derived=True,
        label="Scaling of RoPE",
        help="How the rotations of an imported model were slowed down for longer texts.",
    )
    rope_factor: float = setting(
        0.0,
        ge=0.0,
        le=1e4,
        derived=True,
        label="Factor of the scaling",
        help="How many times slower the slow rotations are.",
    )
    rope_low: float = setting(
        0.0,
        ge=0.0,
        le=1e4,
        derived=True,
        label="Lower end of the scaling",
        help="Rotations with fewer turns than this in the first context are slowed down fully.",
    )
    rope_high: float = setting(
        0.0,
        ge=0.0,
        le=1e4,
        derived=True,
        label="Upper end of the scaling",
        help="Rotations with more turns than this in the first context stay as they are.",
    )
    rope_original: int = setting(
        0,
        ge=0,
        le=10_000_000,
        derived=True,
        label="First context of the scaling",
        unit="tokens",
        help="The context that the model was trained with before its rotations were slowed down.",
    )

    @property
    def choices(self) -> Choices:
        """Every part of the model, with each "auto" settled."""
        return choices_of(self)

    @property
    def changed_parts(self) -> dict[str, str]:
        """{label: words for the value} of the parts that are not the architecture's own."""
        return {
            field.title or name: short_words_for(value, name)
            for name, field in type(self).model_fields.items()
            if about(field, "group") in (PARTS, SHORTCUTS)
            and (value := getattr(self, name)) not in (field.default, "auto")
        }
