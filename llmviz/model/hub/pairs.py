"""Which numbers of a head RoPE turns together: the halves of the head, or neighbours.

`transformers` pairs (0, D/2), (1, D/2 + 1) …, as GPT-NeoX did; we pair (0, 1), (2, 3) …, as the paper does.
To the model it makes no difference, as long as the rows of the query and key matrices follow.
"""

from typing import TYPE_CHECKING

from llmviz.model.hub.errors import ForeignModelError

if TYPE_CHECKING:
    from torch import Tensor


def to_neighbours(rows: "Tensor", head_width: int) -> "Tensor":
    """(heads · D, …) with the pairs of a head in its halves → the same rows, the pairs beside one another."""
    if len(rows) % head_width or head_width % 2:
        raise ForeignModelError("The heads of this model are not as wide as its config.json says.")
    return rows.unflatten(0, (-1, 2, head_width // 2)).transpose(1, 2).flatten(0, 2)


def to_halves(rows: "Tensor", head_width: int) -> "Tensor":
    """The way back: (heads · D, …) with pairs beside one another → pairs in the halves of a head."""
    return rows.unflatten(0, (-1, head_width // 2, 2)).transpose(1, 2).flatten(0, 2)
