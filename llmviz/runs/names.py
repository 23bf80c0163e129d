"""Names for runs, so that nobody is asked for theirs: "Amber Otter"."""

import secrets

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
