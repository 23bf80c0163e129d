"""What the pictures need: numbers read out of the very model that the page shows.

`attention_maps.py` computes, `packing.py` makes numbers small enough to travel. `diagnostics.py` examines a
training from inside, `token_classes.py` tells kinds of tokens apart, `readings.py` says in plain language
what was found. Packing, classes and readings need no torch. Names are fetched at first use (PEP 562).
"""

from llmviz import fetched_at_first_use

__all__, __getattr__, __dir__ = fetched_at_first_use(
    __name__,
    {
        "AttentionMaps": "attention_maps",
        "Diagnosis": "diagnostics",
        "attention": "attention_maps",
        "diagnose": "diagnostics",
        "longest_text": "attention_maps",
        "pack_maps": "packing",
        "readings_of": "readings",
        "unpack_maps": "packing",
    },
)
