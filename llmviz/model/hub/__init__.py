"""Models of other people: from the Hugging Face Hub, or from a folder that `transformers` wrote.

Read in this order: `naming.py` (what a model on the Hub is called), `fetch.py` (how its files come here),
`checkpoint.py` (the files of one model), `tied.py` (its two ends), `gpt2.py`, `llama.py` and `nanochat.py`
(what its weights are called there and here), `formats.py` (which of them a model is), `marks.py` (which
tokens begin and end its texts). Nothing of a model is ever executed: a configuration is JSON, weights are
safetensors, and what we would compute differently from `transformers` is refused.
"""

from llmviz import fetched_at_first_use

__all__, __getattr__, __dir__ = fetched_at_first_use(
    __name__,
    {
        "Checkpoint": "checkpoint",
        "ForeignModelError": "errors",
        "HubModel": "fetch",
        "find_on_hub": "fetch",
        "foreign_shape": "formats",
        "foreign_weights": "formats",
        "Marks": "marks",
        "hub_answers": "fetch",
        "hub_name": "naming",
        "is_hub_name": "naming",
        "marks_for": "marks",
        "marks_in": "marks",
        "open_checkpoint": "checkpoint",
    },
)
