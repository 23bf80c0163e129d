"""Embeddings and head of a stored model: two matrices or, where the head is tied, one.

Tied, it should be stored once, as the embeddings. Some files have it under the name of the head, some under
both names. Where those two differ, transformers 4 took the embeddings for the head as well, transformers 5
takes each for what it is called: nobody can say which was meant.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from llmviz.model.hub.errors import ForeignModelError

if TYPE_CHECKING:
    from torch import Tensor

HEAD = "lm_head.weight"  # in every format that we know, and in ours


def ends_of(tensors: Mapping[str, "Tensor"], embeddings: str, *, tied: bool) -> "dict[str, Tensor]":
    """{our name: tensor} of the embeddings, which are called `embeddings` there, and of a head of its own.
    Raises ForeignModelError."""
    if not tied:
        return {"wte.weight": tensors[embeddings], HEAD: tensors[HEAD]}
    stored = [tensors[name] for name in (embeddings, HEAD) if name in tensors]
    if len(stored) == 2 and not _equal(*stored):
        raise ForeignModelError(
            "The config.json of this model says that its head is its embeddings once more, but its weights "
            "hold two that differ, and versions of transformers disagree about what that means: if both are "
            "meant, write “tie_word_embeddings”: false there."
        )
    return {"wte.weight": stored[0] if stored else tensors[embeddings]}


def _equal(one: "Tensor", other: "Tensor") -> bool:
    return one.shape == other.shape and bool((one == other).all())
