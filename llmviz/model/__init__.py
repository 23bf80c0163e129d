"""The GPT and its parts; weights in and out; how large a model will be (book, chapters 3 and 4).

Read in this order: `attention.py` (the one idea), `gpt2.py` (the book's model, whole), `modern.py` (what has
changed since), `gpt.py` (what both have in common), `variant.py` (put together from the parts a reader chose,
each in a small file). `config.py`, `choices.py` and `size.py` need no torch, so that the page can say how
large a model will be without loading it: names are therefore fetched at first use (PEP 562).
"""

from llmviz import fetched_at_first_use

__all__, __getattr__, __dir__ = fetched_at_first_use(
    __name__,
    {
        "GPTConfig": "config",
        "Choices": "choices",
        "ARCHITECTURES": "choices",
        "choices_of": "choices",
        "n_parameters": "size",
        "memory_bytes": "size",
        "flops_per_token": "size",
        "attention_with_weights": "attention",
        "fused_attention": "attention",
        "GPT": "gpt",
        "Intermediates": "gpt",
        "reading": "gpt",
        "set_dropout": "gpt",
        "GPT2": "gpt2",
        "ModernGPT": "modern",
        "VariantGPT": "variant",
        "Bigram": "bigram",
        "build_gpt": "build",
        "WeightsError": "weights",
        "load_into": "weights",
        "load_weights": "weights",
        "read_metadata": "weights",
        "require_fit": "weights",
        "save_weights": "weights",
    },
)
