"""What a model is made of, as this room reads it. The settings need it too, to say what does not go together,
and they import nothing of ours: so it is written there."""

from llmviz.settings.choices import (
    ARCHITECTURES,
    MAX_PAIRS,
    NORM_EPS,
    ROPE_BASE,
    SMEAR_INPUTS,
    Choices,
    choices_of,
    sized,
    written_out,
)

__all__ = [
    "ARCHITECTURES",
    "MAX_PAIRS",
    "NORM_EPS",
    "ROPE_BASE",
    "SMEAR_INPUTS",
    "Choices",
    "choices_of",
    "sized",
    "written_out",
]
