"""A proof that a grammar writes no text in two ways.

If two different derivations wrote the same text, two writers could start together, pick differently
somewhere, and still write letter for letter the same to the end. So we let two writers go on in every
possible way and drop a pair as soon as their letters differ. If no pair arrives, there is no such text. The
number of pairs stays small, because sentences that begin differently part at once (this is the
squared-automaton test for finite automata).

Which words the two remember is followed only as far as it is needed, always on the safe side:
- What was remembered before they parted is the same for both, though we don't ask what it was.
- A word that a writer draws after that may be any word of its list.
So "no" is certain for every text the grammar can write; a "yes" comes with an example to look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from llmviz.text.corpora.grammar import Choice, Grammar, GrammarError, Slot, push

Left = tuple | None  # a linked list of the parts still to be written


def find_ambiguity(grammar: Grammar) -> str | None:
    """How a text begins that could be written in two ways, or None if there is none.

    Raises GrammarError if a word is first mentioned by a form that does not say which word it is (a pronoun).
    """
    for left, known, so_far in _one_writer(grammar):
        part, rest = left
        if isinstance(part, Choice):
            for one, other in combinations(part.options, 2):
                example = _two_writers(grammar, push(one, rest), push(other, rest), known)
                if example is not None:
                    return so_far + example
    return None


def _one_writer(grammar: Grammar) -> Iterator[tuple[tuple, frozenset, str]]:
    """Every situation of a single writer: (left to write, what is remembered, an example of the text so
    far)."""
    todo: list[tuple[Left, frozenset, str]] = [((grammar.start, None), frozenset(), "")]
    seen = set()
    while todo:
        left, known, so_far = todo.pop()
        if left is None or (left, known) in seen:
            continue
        seen.add((left, known))
        yield left, known, so_far
        part, rest = left
        if isinstance(part, str):
            todo.append((rest, known, so_far + part))
        elif isinstance(part, Choice):
            todo += [(push(option, rest), known, so_far) for option in part.options]
        else:
            if not _is_known(grammar, part, known):
                _check_first_mention(grammar, part, known, so_far)
            todo.append((rest, known | {part.name, part.key}, so_far + _texts(grammar, part)[0]))


def _two_writers(grammar: Grammar, one: Left, other: Left, known: frozenset) -> str | None:
    """A text that two writers with these parts left can both write, or None."""
    todo = [(one, other, "")]
    seen = set()
    while todo:
        one, other, so_far = todo.pop()
        if one == other:
            return so_far  # both can go on alike to the end
        for next_one, next_other, written in _next_pairs(grammar, one, other, known):
            if (next_one, next_other) not in seen:
                seen.add((next_one, next_other))
                todo.append((next_one, next_other, so_far + written))
    return None


def _next_pairs(grammar: Grammar, one: Left, other: Left, known: frozenset) -> list[tuple[Left, Left, str]]:
    """In what ways two writers can go on alike: what is left to each, and the text that both have written."""
    (a, one_rest), (b, other_rest) = one or (None, None), other or (None, None)
    if isinstance(a, Choice):
        return [(push(option, one_rest), other, "") for option in a.options]
    if isinstance(b, Choice):
        return [(one, push(option, other_rest), "") for option in b.options]
    if a is None or b is None:
        return []  # one has ended, and the other has letters left to write
    if isinstance(a, Slot) and a == b and _is_known(grammar, a, known):
        return [(one_rest, other_rest, _texts(grammar, a)[0])]
    if isinstance(a, Slot) and isinstance(b, Slot) and _never_equal(grammar, a, b, known):
        return []
    if isinstance(a, Slot):
        return [((text, one_rest), other, "") for text in _texts(grammar, a)]
    if isinstance(b, Slot):
        return [(one, (text, other_rest), "") for text in _texts(grammar, b)]
    n = min(len(a), len(b))
    return [(_rest_of(a, n, one_rest), _rest_of(b, n, other_rest), a[:n])] if a[:n] == b[:n] else []


def _rest_of(text: str, n: int, left: Left) -> Left:
    """What is left to write once the first n letters of `text` are written."""
    return (text[n:], left) if text[n:] else left


def _texts(grammar: Grammar, slot: Slot) -> list[str]:
    """Everything a mention of the slot might write, each once, in the order of its list."""
    return list(dict.fromkeys(text for text, _ in grammar.fillings(slot, {})))


def _is_known(grammar: Grammar, slot: Slot, known: frozenset) -> bool:
    """Whether what the mention writes follows from what is remembered."""
    drawn = any(not isinstance(word[slot.form], str) for word in grammar.slots[slot.name])
    return (slot.key if drawn else slot.name) in known


def _never_equal(grammar: Grammar, a: Slot, b: Slot, known: frozenset) -> bool:
    """Whether the two write different words for certain: drawn from one list, without replacement,
    already."""
    same_list = a.name != b.name and grammar.slots[a.name] is grammar.slots[b.name]
    return (
        same_list and a.form == b.form and {a.name, b.name} <= known and _tells_apart(_all_texts(grammar, a))
    )


def _all_texts(grammar: Grammar, slot: Slot) -> list[str]:
    return [text for text, _ in grammar.fillings(slot, {})]


def _tells_apart(texts: list[str]) -> bool:
    """Whether no text is the beginning of another (or equal to it)."""
    ordered = sorted(texts)
    return not any(after.startswith(before) for before, after in zip(ordered, ordered[1:], strict=False))


def _check_first_mention(grammar: Grammar, slot: Slot, known: frozenset, so_far: str) -> None:
    """Whatever is drawn must show: its possible texts have to differ before any of them ends."""
    if slot.name not in known:
        if not _tells_apart(_all_texts(grammar, slot)):
            raise GrammarError(f"{{{slot.key}}} is mentioned first by a form that does not tell it: {so_far}")
        return
    for word in grammar.slots[slot.name]:
        texts = word[slot.form]
        if not isinstance(texts, str) and not _tells_apart(list(texts)):
            raise GrammarError(f"the texts of {{{slot.key}}} can be confused for {word['name']!r}")
