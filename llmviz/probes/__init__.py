"""What the pictures need: numbers read out of the very model that the page shows.

`attention_maps.py` computes, `packing.py` makes numbers small enough to travel (it needs no torch). Names are
fetched at first use (PEP 562).
"""

from llmviz import fetched_at_first_use

__all__, __getattr__, __dir__ = fetched_at_first_use(
    __name__,
    {
        "AttentionMaps": "attention_maps",
        "attention": "attention_maps",
        "pack_maps": "packing",
        "unpack_maps": "packing",
    },
)
