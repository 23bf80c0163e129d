"""Byte-pair encoding, applied: the merges that training learned, on one word.

The rule: of all neighbours that have a merge, join the pair learned earliest; among equals the
leftmost; repeat. `merge_word` says just that. `merge_long_word` finds the same pairs with a heap, for
a "word" can be a megabyte of the letter a, where looking through all pairs each time is quadratic.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from itertools import pairwise

Pair = tuple[int, int]
Merges = Mapping[Pair, tuple[int, int]]  # (left id, right id) → (rank, id of the joined token)

LONG_WORD = 64  # bytes; below, the simple loop is the faster one


def merge_word(ids: list[int], merges: Merges) -> list[int]:
    """The tokens of a word, given the ids of its bytes."""
    ids = list(ids)
    while True:
        candidates = [(*merges[pair], i) for i, pair in enumerate(pairwise(ids)) if pair in merges]
        if not candidates:
            return ids
        _, joined_id, i = min(candidates, key=lambda candidate: (candidate[0], candidate[2]))
        ids[i : i + 2] = [joined_id]


def merge_long_word(ids: list[int], merges: Merges) -> list[int]:
    """The same tokens in O(n log n): a linked list of what is left, and a heap of possible merges."""
    ids = list(ids)
    before, after = list(range(-1, len(ids) - 1)), list(range(1, len(ids) + 1))
    gone = [False] * len(ids)
    heap: list[tuple[int, int, int, Pair]] = []  # rank, position of the left one, joined id, pair

    def offer(i: int) -> None:
        pair = (ids[i], ids[after[i]])
        if pair in merges:
            rank, joined_id = merges[pair]
            heapq.heappush(heap, (rank, i, joined_id, pair))

    for i in range(len(ids) - 1):
        offer(i)
    while heap:
        _, i, joined_id, pair = heapq.heappop(heap)
        j = after[i]
        if gone[i] or j == len(ids) or (ids[i], ids[j]) != pair:
            continue  # an earlier merge took one of the two
        ids[i], after[i], gone[j] = joined_id, after[j], True
        if after[i] < len(ids):
            before[after[i]] = i
            offer(i)
        if before[i] >= 0:
            offer(before[i])
    return [token_id for token_id, is_gone in zip(ids, gone, strict=True) if not is_gone]
