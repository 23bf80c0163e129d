"""Names for runs, so that nobody is asked for theirs: "Amber Otter". In a class there are no others."""

import re
import secrets
from collections.abc import Collection
from itertools import count

from llmviz.runs.refusal import Refused

MAX_NAME = 60
NOT_IN_CLASS = "In a class, runs go by the names they were given, so that nobody's own name is in a list."

COLOURS = """
Amber Azure Bronze Cherry Cobalt Copper Coral Cream Crimson Ebony Emerald Golden Hazel Indigo Ivory Jade
Lemon Lilac Maroon Mint Navy Ochre Olive Opal Peach Pearl Plum Ruby Russet Saffron Scarlet Silver Teal
Umber
"""
ANIMALS = """
Badger Beaver Bison Crane Dolphin Falcon Ferret Finch Fox Gecko Hare Heron Ibex Jackdaw Koala Lemur Lynx
Magpie Marmot Newt Ocelot Otter Owl Panda Puffin Quail Raven Robin Seal Stork Swift Tapir Toad Walrus
Wombat Yak
"""


def random_name() -> str:
    """One of some 1,200 names. Names need not be unique: run ids are."""
    return f"{secrets.choice(COLOURS.split())} {secrets.choice(ANIMALS.split())}"


def clean_name(name: str | None) -> str:
    """A name as it may be shown: one line, no control characters, at most 60 characters."""
    letters = "".join(c if c.isprintable() else " " for c in name) if isinstance(name, str) else ""
    return " ".join(letters.split())[:MAX_NAME].strip()


def chosen_name(wish: str | None, in_class: bool) -> str:
    """The name that somebody wishes for a run; "" without a wish. Raises Refused in a class."""
    cleaned = clean_name(wish)
    if cleaned and in_class:
        raise Refused([NOT_IN_CLASS], status=403)
    return cleaned


def opened_name(found: str | None, in_class: bool, taken: Collection[str] = ()) -> str:
    """The name of a run that comes from a file: the one in the file, if there is one and no class; numbered
    where another of the reader's runs has it, mostly the one that was saved."""
    name = clean_name(found)
    if in_class or not name:
        return random_name()
    if name not in taken:
        return name
    plain = re.sub(r" \(\d+\)$", "", name)[: MAX_NAME - 6]
    return next(numbered for n in count(2) if (numbered := f"{plain} ({n})") not in taken)
