"""How fast a foreign model turns its queries and keys: the part of its config.json about RoPE, in and out.

Four kinds are understood. The plain one; "linear", all turns slower; "llama3", only the slow ones slower;
and "dynamic", which only begins beyond the model's context, where we never look, and so is the plain one
here. Others change the lengths of queries as well (yarn, longrope) or differ from layer to layer: those are
refused.
"""

from typing import Any

from llmviz.model.choices import Choices
from llmviz.model.hub.configs import number, require, whole_number
from llmviz.model.hub.errors import ForeignModelError

THETA = 10_000.0
PLAIN = ("default", "dynamic")
SCALED = ("linear", "llama3")


def rotations_of(config: dict[str, Any]) -> dict[str, Any]:
    """The settings of RoPE that a config.json means. Raises ForeignModelError for what we would compute
    differently. Files of before 2026 keep the base apart from the scaling."""
    rope = _parameters(config)
    found: dict[str, Any] = {"rope_base": number(rope, "rope_theta", THETA)}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind in PLAIN:
        return found
    if kind not in SCALED:
        raise ForeignModelError(
            f"The rotations of this model are scaled in a way (“{str(kind)[:20]}”) that LLMViz does not "
            f"compute; those it knows are {', '.join((*PLAIN, *SCALED))}: choose a model with one of them."
        )
    found |= {"rope_scaling": kind, "rope_factor": number(rope, "factor")}
    return found | (_ends(rope) if kind == "llama3" else {})


def _parameters(config: dict[str, Any]) -> dict[str, Any]:
    """Base and scaling together, in one object for all layers."""
    rope = config.get("rope_scaling") or config.get("rope_parameters") or {}  # the older one goes first
    if not isinstance(rope, dict):
        raise ForeignModelError("The config.json of this model does not say how its positions are told.")
    if any(isinstance(value, dict) for value in rope.values()):
        raise ForeignModelError(
            "The rotations of this model differ from layer to layer, which LLMViz does not compute."
        )
    rope = {"rope_theta": config.get("rope_theta") or THETA} | rope
    for place in (config, rope):
        require(place, "partial_rotary_factor", (1.0, None), "rotations of a part of each head")
    return rope


def _ends(rope: dict[str, Any]) -> dict[str, Any]:
    """Between which speeds the scaling of "llama3" sets in."""
    low, high = number(rope, "low_freq_factor", 1.0), number(rope, "high_freq_factor", 4.0)
    if low >= high:
        raise ForeignModelError("The scaling of this model's rotations ends before it begins.")
    original = whole_number(rope, "original_max_position_embeddings")
    return {"rope_low": low, "rope_high": high, "rope_original": original}


def their_rotations(choices: Choices) -> dict[str, Any]:
    """The entries of a config.json that mean the same: as transformers 5 reads them, and, since others would
    silently go without, as versions before it do."""
    scaling: dict[str, Any] = {}
    if choices.rope_scaling != "none":
        scaling = {"rope_type": choices.rope_scaling, "factor": choices.rope_factor}
    if choices.rope_scaling == "llama3":
        scaling |= {
            "low_freq_factor": choices.rope_low,
            "high_freq_factor": choices.rope_high,
            "original_max_position_embeddings": choices.rope_original,
        }
    return {
        "rope_parameters": {"rope_type": "default", "rope_theta": choices.rope_base} | scaling,
        "rope_theta": choices.rope_base,
        "rope_scaling": scaling or None,
    }
