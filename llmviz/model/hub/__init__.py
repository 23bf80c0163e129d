"""Models of other people: from the Hugging Face Hub, or from a folder that `transformers` wrote.

Read in this order: `checkpoint.py` (the files of one model), `gpt2.py` (what its weights are called there and
here), `formats.py` (which kind of model it is). Nothing of a model is ever executed: a configuration is JSON,
weights are safetensors, and what we would compute differently from `transformers` is refused.
"""

from llmviz import fetched_at_first_use

__all__, __getattr__, __dir__ = fetched_at_first_use(
    __name__,
    {
        "Checkpoint": "checkpoint",
        "ForeignModelError": "errors",
        "foreign_shape": "formats",
        "foreign_weights": "formats",
        "open_checkpoint": "checkpoint",
    },
)
