"""Couplets: two lines that rhyme, then an empty line.

The first line ends in a word, the second in one that rhymes with it. Everything else is free, so the word to
rhyme with is the one thing in the first line worth looking back at: a real thing for an attention head to
find.
"""

from __future__ import annotations

from functools import cache

from llmviz.text.corpora.grammar import Derivation, Grammar, Word

# Words of one line rhyme (checked against a pronouncing dictionary). All can follow "the", all have one or
# two syllables. No word is the beginning of another, so that a line never ends in two ways.
FAMILIES = """
cat hat mat bat
tree bee key knee
house mouse
fox box
star car jar
moon spoon balloon raccoon
king ring swing string
goat boat coat
bear chair
whale snail pail
dog log
kite light knight
cake lake snake
sheep jeep
bug rug mug
clock sock block
pie sky fly
train crane
mole bowl hole
bread bed shed sled
goose moose
flower tower shower
kitten mitten
money bunny honey
dragon wagon
table cable
pocket rocket
candle sandal
nose rose hose
door floor
wall hall stall
shell bell well
hill mill
book hook brook cook
ghost toast post
queen bean
fish dish
duck truck
nest guest
moth cloth
shoe zoo
lamp stamp
shark park
bridge fridge
phone throne
jet net
"""


def rhyme_words(families: str = FAMILIES) -> list[Word]:
    """The words that end a line, each with those that rhyme with it."""
    words = []
    for family in families.strip().splitlines():
        for name in family.split():
            words.append({"name": name, "rhyme": tuple(other for other in family.split() if other != name)})
    return words


# Iambs, five to a line where the rhyme word has one syllable: a HAP-py TI-ger SAT be-HIND the TREE.
ADJECTIVES = "tiny happy sleepy silver golden purple lazy hungry dusty funny clever giant"
ANIMALS = "tiger monkey parrot hippo penguin spider beetle turtle donkey puppy hamster zebra"
TIMES = "morning evening summer winter Monday Friday"
PLACES = "behind beside above below upon"

RULES = {
    "couplet": ["<first>,\n<second>.\n\n"],
    "first": [
        "[A|The|My] <adjective> <animal> [sat|slept|stood|lay|danced|sang|hid] <where> the {end}",
        "I [met|saw|heard] a <adjective> <animal> [by|near|with] the {end}",
        "[The|A|My] <animal> [had|saw|found|lost|drew] a <adjective> [little|yellow] {end}",
        "[The|A|My] <animal> [wants|hopes|tried] to [buy|find|paint|wash] a <adjective> {end}",
        "One <time> came a <animal> to the {end}",
    ],
    "second": [
        "and [then|soon|there] it [saw|found|kissed|drew|heard] a <adjective> [little|yellow] {end.rhyme}",
        "and [sang|danced|dreamed|laughed] all [day|night|week] about a <adjective> {end.rhyme}",
        "but no one [else|there] could [see|find|hear] the <adjective> {end.rhyme}",
        "because it [wanted|needed] to become a {end.rhyme}",
        "until it fell <where> the <adjective> {end.rhyme}",
    ],
    "adjective": ADJECTIVES.split(),
    "animal": ANIMALS.split(),
    "time": TIMES.split(),
    "where": PLACES.split(),
}


@cache
def grammar() -> Grammar:
    """The grammar of the couplets; one document is two lines and an empty one."""
    return Grammar(RULES, {"end": rhyme_words()}, start="couplet")


def parse(couplet: str) -> list[Derivation]:
    """Every way in which the grammar writes this couplet (its two newlines at the end included)."""
    return grammar().parse(couplet)
