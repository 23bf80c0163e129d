"""From a model to text: which tokens may be chosen, and choosing them one by one (book, section 5.3).

`filters.py` shapes the distribution, `sampling.py` throws the dice. Names are fetched at first use, because
they need torch (PEP 562).
"""

from llmviz import fetched_at_first_use

__all__, __getattr__, __dir__ = fetched_at_first_use(
    __name__,
    {
        "filter_logits": "filters",
        "NotFinite": "sampling",
        "continuation": "sampling",
        "first_ids": "sampling",
        "generate": "sampling",
    },
)
