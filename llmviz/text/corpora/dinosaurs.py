"""Names of dinosaurs, most of which never lived: roots of real names, put together anew.

A name is a beginning and an ending with none, one or two roots between, and nothing tells where one root
stops and the next begins. A model that learns the roots can put them together as nobody has before.
"""

from __future__ import annotations

from functools import cache

from llmviz.text.corpora.grammar import Derivation, Grammar

BEGINNINGS = (
    "allo anato ankylo apato archaeo barosa brachio bronto carno centro cerato coelo compso cory "
    "daspleto deino dilopho diplo dryo edmonto elasmo eo euoplo giganto gorgo herrera hypsi iguano "
    "kentro lambeo lepto maia mega micro mono nano nodo ornitho ovi pachy para plateo preno proto "
    "psitta quetza rhabdo salta scuto sino spino stego styra tarbo tenonto theri torvo tricera tyranno "
    "ultra utah veloci zuni"
)
MIDDLES = (
    "cephalo cera cheiro crypto dactylo derma dino dromo galli gnatho grypho lestes lopho mimo morpho "
    "nycho odonto onyx pelta phalo physi plio podo pteno rhino rhodo sarco spondy tarso tele titano "
    "toro trachy venato vulca xeno zygo"
)
ENDINGS = (
    "avis cephalus ceratops dactylus don dromeus gnathus lophus mimus nychus onyx ornis pelta pteryx "
    "raptor rex sauron saurus spondylus suchus therium tholus titan venator"
)


def dinosaur_grammar(beginnings: str = BEGINNINGS, middles: str = MIDDLES, endings: str = ENDINGS) -> Grammar:
    """The grammar of names over three lists of roots; one document is one name and a newline."""
    rules = {
        "name": [
            (4, "<beginning><ending>\n"),
            (5, "<beginning><middle><ending>\n"),
            "<beginning><middles><ending>\n",
        ],
        "beginning": beginnings.split(),
        "middles": ["<middle><middle>"],
        "middle": middles.split(),
        "ending": endings.split(),
    }
    return Grammar(rules, start="name")


@cache
def grammar() -> Grammar:
    """The grammar of the corpus."""
    return dinosaur_grammar()


def parse(name: str) -> list[Derivation]:
    """Every way in which the grammar writes this name (its newline included)."""
    return grammar().parse(name)
