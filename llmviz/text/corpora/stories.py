"""Little stories about a small world, written by a grammar whose every probability is known."""

from __future__ import annotations

from functools import cache

from llmviz.text.corpora.grammar import Choice, Derivation, Grammar, choice
from llmviz.text.corpora.stories_plots import PHRASES, PLOTS
from llmviz.text.corpora.stories_sentences import SENTENCES
from llmviz.text.corpora.stories_world import CAST


@cache
def grammar() -> Grammar:
    """The grammar of the stories; one document is one story and a newline."""
    # As with the words of a language (Zipf), the second is half as frequent as the first, the third a third.
    # So a young model soon meets the commonest sentences often enough, and an older one still finds new ones.
    zipf = {
        beat: [(1 / rank, sentence) for rank, sentence in enumerate(sentences, 1)]
        for beat, sentences in SENTENCES.items()
    }
    return Grammar({**PLOTS, **PHRASES, **zipf}, CAST, start="story")


@cache
def _any_sentence() -> Choice:
    """A rule that writes any single sentence of any story."""
    rules = [grammar().rule(name) for name in SENTENCES]
    return choice("sentence", [(1.0, option) for rule in rules for option in rule.options])


def parse(story: str) -> list[Derivation]:
    """Every way in which the grammar writes this story (its newline included): one for a story, none for
    others."""
    return grammar().parse(story)


def grammatical(sentence: str) -> bool:
    """Whether the grammar can write this single sentence, with whatever names and things, in some story."""
    return bool(grammar().parse(sentence.strip(), _any_sentence()))


def split_sentences(story: str) -> list[str]:
    """The sentences of a story; a quotation belongs to the sentence around it. Works on what a model wrote,
    too.

    A sentence ends with . ! or ?, and with the quotation mark that closes right behind it. It does not end
    inside a quotation, nor where it goes on after one: "Where is it?" asked Mia. There the next letter is a
    small one.
    """
    return [sentence for line in story.splitlines() for sentence in _split_line(line.strip()) if sentence]


def _split_line(line: str) -> list[str]:
    sentences, start, quoted = [], 0, False
    for at, letter in enumerate(line):
        if letter == '"':
            quoted = not quoted
        ends = letter in ".!?" or (letter == '"' and line[at - 1 : at] in (".", "!", "?"))
        if ends and not quoted and line[at + 1 : at + 2] == " " and not line[at + 2 : at + 3].islower():
            sentences.append(line[start : at + 1])
            start = at + 2
    return [*sentences, line[start:]]
