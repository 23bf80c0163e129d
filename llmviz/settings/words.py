"""What the choices of a setting are called wherever a person reads them: menus, sentences, the passport."""

from typing import Any

WORDS = {
    "stories": "Stories",
    "dinosaurs": "Dinosaurs",
    "rhymes": "Rhymes",
    "python-docs": "Python's documentation",
    "python-source": "Python source code",
    "text": "A text of yours …",
    "chars": "Letters",
    "bytes": "Bytes",
    "bpe": "Byte-pair tokens",
    "gpt2": "GPT-2 (the book's)",
    "modern": "Modern",
    "llama": "Llama",
    "transformer": "Transformer of 2017",
    "bigram": "Bigram",
    "auto": "As the architecture has it",
    "on": "Yes",
    "off": "No",
    "learned": "Learned table",
    "sinusoidal": "Sines and cosines",
    "rope": "RoPE: rotations",
    "alibi": "ALiBi: the nearer, the more",
    "none": "None",
    "layernorm": "LayerNorm",
    "rmsnorm": "RMSNorm",
    "plain-rmsnorm": "RMSNorm without gain",
    "pre": "Before each part",
    "post": "After each addition",
    "gelu": "GELU",
    "gelu-exact": "GELU, exact",
    "relu": "ReLU",
    "swiglu": "SwiGLU",
    "relu2": "ReLU²",
    "pytorch": "PyTorch's own",
    "mup": "µP",
    "zero": "Projections at zero",
    "std": "Of a chosen size",
    "adamw": "AdamW",
    "muon": "Muon",
    "sgd": "SGD",
    "lion": "Lion",
    "cosine": "Cosine",
    "linear": "Straight line",
    "constant": "Constant",
    "wsd": "Stable, then decay",
    "cpu": "Processor",
    "cuda": "NVIDIA graphics card",
    "mps": "Apple graphics",
    "fp32": "32 bits",
    "bf16": "16 bits (bf16)",
    "fp16": "16 bits (fp16)",
}

# Where a value means something else.
_WORDS_OF = {
    "init": {"gpt2": "GPT-2's"},
    "device": {"auto": "Automatic"},
    "precision": {"auto": "Automatic"},
}


def words_for(value: Any, name: str = "") -> str:
    """What the menu of a setting says for one of its values; a number is itself."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return (WORDS | _WORDS_OF.get(name, {})).get(value, str(value))


def short_words_for(value: Any, name: str = "") -> str:
    """The same within a sentence, without what the menu says of it after a colon."""
    return words_for(value, name).partition(":")[0]
