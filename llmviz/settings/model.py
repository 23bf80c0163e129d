"""Settings of the model: its architecture and its size (book, chapters 3 and 4)."""

from typing import Literal

from llmviz.settings.base import Room, setting

ArchitectureName = Literal["gpt2", "modern"]


class ModelSettings(Room):
    """The shape of the network. The vocabulary's size is not set here: it follows from the tokenizer."""

    architecture: ArchitectureName = setting(
        "gpt2",
        label="Architecture",
        chapter="4.1",
        help="GPT-2 as the book builds it, or a modern one: RoPE, RMSNorm, QK-norm, ReLU², untied head.",
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
