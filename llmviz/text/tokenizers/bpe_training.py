"""Byte-pair encoding, trained: join the most frequent pair of neighbours, again and again.

    "low low lower": l+o is most frequent → "lo"; then lo+w → "low"; then ␣+low → "␣low"; …

The textbook loop counts every pair of the corpus anew for each merge. Two observations make it fast:
the same words occur again and again, so it suffices to keep each distinct word once, with its count;
and a merge changes only pairs inside words that hold it, so the counts can be updated instead of
recounted. What comes out equals the trainer of Hugging Face's `tokenizers` merge for merge (tested).
Sources: Sennrich et al. 2016 (arXiv 1508.07909); Radford et al. 2019 (GPT-2) for the bytes.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise

from llmviz.text.tokenizers.byte_symbols import GPT2_BYTE_ORDER

Pair = tuple[int, int]


def train_merges(
    word_counts: Mapping[str, int], vocab_size: int, min_frequency: int = 1
) -> tuple[list[bytes], dict[Pair, int]]:
    """Learns merges until there are `vocab_size` tokens, or no pair occurs `min_frequency` times.

    Returns the bytes of every token by id (the first 256 are the single bytes in GPT-2's order) and
    the merges {(left id, right id): id of the joined token} in the order in which they apply.
    """
    tokens = [bytes([byte]) for byte in GPT2_BYTE_ORDER]
    merges: dict[Pair, int] = {}
    corpus = _Corpus(word_counts)
    while len(tokens) < vocab_size:
        pair, frequency = corpus.most_frequent_pair()
        if frequency < max(1, min_frequency):
            break
        merges[pair] = joined_id = len(tokens)
        tokens.append(tokens[pair[0]] + tokens[pair[1]])
        corpus.merge(pair, joined_id)
    return tokens, merges


class _Corpus:
    """Every distinct word as a list of token ids, with the running count of every pair of neighbours.

    A pair can only appear at the moment when the newer of its two tokens is made. So it enters the heap
    once, with all the words it is in; from then on its count can only fall. The heap is lazy: such a
    count is corrected when the pair reaches the top, not when it falls.
    """

    def __init__(self, word_counts: Mapping[str, int]) -> None:
        id_of_byte = {byte: token_id for token_id, byte in enumerate(GPT2_BYTE_ORDER)}
        self.words = [[id_of_byte[byte] for byte in word.encode("utf-8")] for word in word_counts]
        self.word_counts = list(word_counts.values())
        self.pair_counts: Counter[Pair] = Counter()
        self.words_with: defaultdict[Pair, set[int]] = defaultdict(set)  # or had it, before another merge
        for number, (word, times) in enumerate(zip(self.words, self.word_counts, strict=True)):
            for pair in pairwise(word):
                self.pair_counts[pair] += times
                self.words_with[pair].add(number)
        self._heap = [(-times, pair) for pair, times in self.pair_counts.items()]
        heapq.heapify(self._heap)

    def most_frequent_pair(self) -> tuple[Pair, int]:
        """Takes the pair with the highest count, or count 0; among equals the one with the smallest ids."""
        while self._heap:
            old_count, pair = self._heap[0]
            frequency = self.pair_counts[pair]
            if frequency == -old_count:
                heapq.heappop(self._heap)
                return pair, frequency
            heapq.heapreplace(self._heap, (-frequency, pair))
        return (0, 0), 0

    def merge(self, pair: Pair, joined_id: int) -> None:
        """Joins the pair in every word that holds it and updates the counts of the pairs around it."""
        created_pairs = set()
        for number in self.words_with.pop(pair):
            times = self.word_counts[number]
            self.words[number], changes = _merge_pair(self.words[number], pair, joined_id)
            for destroyed, created in changes:
                self.pair_counts[destroyed] -= times
                self.pair_counts[created] += times
                self.words_with[created].add(number)
                created_pairs.add(created)
        for created in created_pairs:
            heapq.heappush(self._heap, (-self.pair_counts[created], created))


def _merge_pair(word: list[int], pair: Pair, joined_id: int) -> tuple[list[int], list[tuple[Pair, Pair]]]:
    """Joins the pair from left to right; also returns the neighbouring pairs (before, after) that changed.

    ``[h, e, l, l, o]`` with (l, l) → 7 becomes ``[h, e, 7, o]``, changes (e,l)→(e,7) and (l,o)→(7,o).
    """
    left, right = pair
    merged: list[int] = []  # a new list: joining in place would shift the rest of a long word every time
    changes = []
    i = 0
    while i < len(word):
        if word[i] == left and i + 1 < len(word) and word[i + 1] == right:
            if merged:
                changes.append(((merged[-1], left), (merged[-1], joined_id)))
            if i + 2 < len(word):
                changes.append(((right, word[i + 2]), (joined_id, word[i + 2])))
            merged.append(joined_id)
            i += 2
        else:
            merged.append(word[i])
            i += 1
    return merged, changes
