"""A probabilistic grammar with a memory: it writes documents, reads them, and knows how likely each one is.

A grammar is a set of rules. A rule is a list of templates, and writing means picking one of them. In a
template:

    [a|b|c]       one of these, written here                        "a [red|blue] kite"
    <rule>        one of the templates of another rule              "<greeting> <farewell>"
    {slot}        a word drawn from the slot's list when it is first mentioned, and remembered from then on
    {slot.form}   another form of the word in that slot             "{hero} lost {hero.their} {toy}."
                  (a form that holds several texts is drawn when first written, and then remembered too)

Every draw has a probability, so a document has one: the product over the draws that made it. We keep its
negative logarithm, in nats. What makes the number exact is that nothing is drawn in secret: whatever is
remembered shows in the text the moment it is drawn, and `llmviz.text.corpora.ambiguity` proves that no text
can be written in two ways. The entropy of such a source is the loss that no model can beat on average.
"""

from __future__ import annotations

import math
import re
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

Word = Mapping[str, str | tuple[str, ...]]  # the forms of one word: {"name": "Mia", "they": "she", …}
Rules = Mapping[str, Sequence[str | tuple[float, str]]]  # a template may carry a weight; 1 if it does not


class GrammarError(ValueError):
    """The grammar itself is not well-formed."""


@dataclass(frozen=True, eq=False)  # equal only to itself: each place in the grammar is a place of its own
class Choice:
    """A point where the writer picks one of several templates."""

    name: str  # of the rule; empty for a choice written in place, [like|this]
    options: tuple[Template, ...]
    nats: tuple[float, ...]  # −ln p of each option
    cumulative: tuple[float, ...]  # p of the options so far, ending in 1


@dataclass(frozen=True, eq=False)  # a grammar holds each of them once, so that they compare fast
class Slot:
    """A point where a form of a remembered word is written."""

    name: str
    form: str
    capital: bool = False

    @property
    def key(self) -> str:
        """The name under which a form that was drawn is remembered."""
        return f"{self.name}.{self.form}"


Template = tuple[str | Choice | Slot, ...]


@dataclass(frozen=True, slots=True)
class Mention:
    """Where a document writes a word of its memory: `text[start:end]` refers to whoever is in `slot`."""

    start: int
    end: int
    slot: str
    form: str


@dataclass(frozen=True, slots=True)
class Derivation:
    """One way of writing a document."""

    text: str
    nats: float  # −ln of its probability
    choices: tuple[tuple[str, int], ...]  # (rule, which of its templates), in the order they were picked
    memory: dict[str, str]  # what was remembered at the end: {"hero": "Mia", …}
    mentions: tuple[Mention, ...]


class Grammar:
    """Rules and word lists, compiled; `start` is the rule that writes a whole document.

    Two slots that share one list object never hold the same word: it is drawn without replacement.
    Raises GrammarError for an unknown name, a rule that contains itself, or a list whose words can't be told
    apart.
    """

    def __init__(
        self, rules: Rules, slots: Mapping[str, Sequence[Word]] | None = None, start: str = "start"
    ) -> None:
        self.slots = dict(slots or {})
        self._rivals = {
            name: tuple(other for other in self.slots if other != name and self.slots[other] is words)
            for name, words in self.slots.items()
        }
        self._sources = rules
        self._compiled: dict[str, Choice | None] = {}
        self._mentioned: dict[str, Slot] = {}
        self._first_ways: dict[Slot, list[tuple[str, Mapping]]] = {}
        self.start = self.rule(start)

    def rule(self, name: str) -> Choice:
        """The compiled rule of that name."""
        if name not in self._compiled:
            if name not in self._sources:
                raise GrammarError(f"there is no rule <{name}>")
            self._compiled[name] = None  # under way: to meet it again now means that it contains itself
            weighted = [item if isinstance(item, tuple) else (1.0, item) for item in self._sources[name]]
            self._compiled[name] = choice(name, [(weight, self.template(text)) for weight, text in weighted])
        rule = self._compiled[name]
        if rule is None:
            raise GrammarError(f"the rule <{name}> contains itself")
        return rule

    def template(self, text: str) -> Template:
        """Compile one template."""
        tokens = re.findall(r"\{[^}]*\}|<[^>]*>|[\[\]|]|[^{}<>\[\]|]+", text)
        if "".join(tokens) != text:
            raise GrammarError(f"brackets do not match in {text!r}")
        options, rest = self._alternatives(tokens)
        if rest or len(options) != 1:
            raise GrammarError(f"brackets do not match in {text!r}")
        return options[0]

    def _alternatives(self, tokens: list[str]) -> tuple[list[Template], list[str]]:
        """Templates separated by |, up to a closing bracket or the end; and the tokens that are left."""
        options: list[list[str | Choice | Slot]] = [[]]
        while tokens and tokens[0] != "]":
            token, *tokens = tokens
            if token == "|":
                options.append([])
            elif token == "[":
                inner, tokens = self._alternatives(tokens)
                if not tokens:
                    raise GrammarError("a [ is never closed")
                tokens = tokens[1:]
                options[-1].append(choice("", [(1.0, option) for option in inner]))
            elif token[0] == "<":
                options[-1].append(self.rule(token[1:-1]))
            elif token[0] == "{":
                options[-1].append(self._slot(token[1:-1]))
            else:
                options[-1].append(token)
        return [tuple(option) for option in options], tokens

    def _slot(self, token: str) -> Slot:
        if token in self._mentioned:
            return self._mentioned[token]
        name, _, form = token.partition(".")
        slot = Slot(name, form.lower() or "name", capital=form[:1].isupper())
        if name not in self.slots:
            raise GrammarError(f"there is no slot {{{name}}}")
        if any(slot.form not in word for word in self.slots[name]):
            raise GrammarError(f"not every word of {{{name}}} has a form {slot.form!r}")
        self._mentioned[token] = slot
        return slot

    def fillings(self, slot: Slot, memory: Mapping) -> list[tuple[str, Mapping]]:
        """All (text, what is then remembered besides) for a mention of `slot`; each is equally likely."""
        word = memory.get(slot.name)
        if word is not None:
            return self._ways(slot, [(word, {})], memory)
        taken = [memory[rival] for rival in self._rivals[slot.name] if rival in memory]
        if not taken and slot in self._first_ways:  # the commonest case, and always the same
            return self._first_ways[slot]
        free = [word for word in self.slots[slot.name] if not any(word is other for other in taken)]
        ways = self._ways(slot, [(word, {slot.name: word}) for word in free], memory)
        if not taken:
            self._first_ways[slot] = ways
        return ways

    def _ways(self, slot: Slot, news: list[tuple[Word, dict]], memory: Mapping) -> list[tuple[str, Mapping]]:
        """The texts of one form of each word, with what is remembered once it is written."""
        ways = []
        for word, new in news:
            value = memory.get(slot.key, word[slot.form])
            if isinstance(value, str):
                ways.append((value, new))
            else:
                ways += [(text, {**new, slot.key: text}) for text in value]
        return [(_capital(text), new) for text, new in ways] if slot.capital else ways

    def write(self, rng: Random) -> Derivation:
        """Write one document: at every choice pick one way, by its probability."""
        random = rng.random
        left: list = [self.start]  # what is still to be written, the next part last
        pieces, choices, mentions = [], [], []
        memory: dict = {}
        at, nats = 0, 0.0
        while left:
            part = left.pop()
            if isinstance(part, str):
                pieces.append(part)
                at += len(part)
            elif isinstance(part, Choice):
                picked = bisect(part.cumulative, random())
                nats += part.nats[picked]
                choices.append((part.name, picked))
                left.extend(reversed(part.options[picked]))
            else:
                ways = self.fillings(part, memory)
                if len(ways) > 1:
                    nats += math.log(len(ways))
                text, new = ways[int(random() * len(ways))] if len(ways) > 1 else ways[0]
                memory.update(new)
                pieces.append(text)
                mentions.append(Mention(at, at + len(text), part.name, part.form))
                at += len(text)
        return Derivation("".join(pieces), nats, tuple(choices), _names(memory), tuple(mentions))

    def parse(self, text: str, start: Choice | None = None) -> list[Derivation]:
        """Read a document: follow every choice in every way that agrees with the text, and return all that
        arrive.

        For a text of the start rule `nats` is exact. From another rule `start` the memory is empty at first,
        so a pronoun may stand for anybody: good for asking whether such a text can be, not how likely it is.
        """
        found = []
        # A branch: what is left to write (a linked list), where we are, memory, nats, and the two records so
        # far.
        branches: list[tuple] = [((start or self.start, None), 0, {}, 0.0, None, None)]
        while branches:
            left, at, memory, nats, choices, mentions = branches.pop()
            while left:
                part, left = left
                if isinstance(part, str):
                    if not text.startswith(part, at):
                        break
                    at += len(part)
                elif isinstance(part, Choice):
                    for picked, option in enumerate(part.options):
                        if option and isinstance(option[0], str) and not text.startswith(option[0], at):
                            continue
                        record = ((part.name, picked), choices)
                        branches.append(
                            (push(option, left), at, memory, nats + part.nats[picked], record, mentions)
                        )
                    break
                else:
                    ways = self.fillings(part, memory)
                    cost = math.log(len(ways))
                    for filling, new in ways:
                        if text.startswith(filling, at):
                            end = at + len(filling)
                            record = (Mention(at, end, part.name, part.form), mentions)
                            branches.append((left, end, {**memory, **new}, nats + cost, choices, record))
                    break
            else:
                if at == len(text):
                    records = (tuple(unlink(choices)), _names(memory), tuple(unlink(mentions)))
                    found.append(Derivation(text, nats, *records))
        return found

    def texts(self) -> Iterator[tuple[str, float]]:
        """Every (text, nats) the grammar can write, once for each way of writing it. Only for small
        grammars."""

        def go_on(left: tuple | None, memory: Mapping, text: str, nats: float) -> Iterator[tuple[str, float]]:
            if left is None:
                yield text, nats
                return
            part, left = left
            if isinstance(part, str):
                yield from go_on(left, memory, text + part, nats)
            elif isinstance(part, Choice):
                for option, cost in zip(part.options, part.nats, strict=True):
                    yield from go_on(push(option, left), memory, text, nats + cost)
            else:
                ways = self.fillings(part, memory)
                for filling, new in ways:
                    yield from go_on(left, {**memory, **new}, text + filling, nats + math.log(len(ways)))

        return go_on((self.start, None), {}, "", 0.0)


def choice(name: str, weighted: Sequence[tuple[float, Template]]) -> Choice:
    """A choice among templates with the given weights."""
    total = math.fsum(weight for weight, _ in weighted)
    if not weighted or any(weight <= 0 for weight, _ in weighted):
        raise GrammarError(f"<{name}> needs templates, each with a weight above zero")
    cumulative = [math.fsum(weight for weight, _ in weighted[: i + 1]) / total for i in range(len(weighted))]
    cumulative[-1] = 1.0  # whatever rounding did: a random number below 1 always finds an option
    nats = tuple(-math.log(weight / total) for weight, _ in weighted)
    return Choice(name, tuple(template for _, template in weighted), nats, tuple(cumulative))


def words(names: str) -> list[Word]:
    """A list of words that have no other form than themselves."""
    return [{"name": name} for name in names.split()]


def push(template: Template, left: tuple | None) -> tuple | None:
    """The linked list of parts that writes `template` first and then what was left."""
    for part in reversed(template):
        left = (part, left)
    return left


def unlink(linked: tuple | None) -> list:
    """The items of a linked list, oldest first."""
    items = []
    while linked:
        item, linked = linked
        items.append(item)
    return items[::-1]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _names(memory: Mapping) -> dict[str, str]:
    return {key: value if isinstance(value, str) else value["name"] for key, value in memory.items()}
