"""The small world of the stories: who lives in it, what there is, and what belongs together.

Every word carries its forms. A form is one text, or several of which a story picks one and keeps to it. What
belongs together is told by the forms (where a kite hides, which part of a wagon breaks, what a rabbit eats):
these are the regularities that a model has to find out by looking back, for nothing else in a sentence gives
them away.

Pronouns are named as for a person of any gender: {hero.they}, {hero.them}, {hero.their}, {hero.themself}. A
pronoun is always written through a slot, so every story knows to whom each of its pronouns refers.
"""

from llmviz.text.corpora.grammar import Word

SPEAKER = {"i": "I", "me": "me", "my": "my", "you": "you", "your": "your"}
SHE = {"they": "she", "them": "her", "their": "her", "themself": "herself", "child": "girl", **SPEAKER}
HE = {"they": "he", "them": "him", "their": "his", "themself": "himself", "child": "boy", **SPEAKER}
IT = {"it": "it", "its": "its"}
GROUP = {"they": "they", "them": "them", "their": "their", "we": "we", "us": "us", "our": "our"}


def _named(names: str, forms: Word) -> list[Word]:
    return [{"name": name, **forms} for name in names.split()]


def _thing(name: str, **forms: str | tuple[str, ...]) -> Word:
    return {"name": name, **IT, **forms}


PEOPLE = _named("Mia Lily Anna Zoe Ruby Nora Amina Rosa Ida Yuki Leila Emma", SHE) + _named(
    "Tom Ben Max Leo Sam Omar Finn Hugo Kofi Ravi Noah Tim", HE
)
ELDERS = _named("Mom Grandma", SHE) + _named("Dad Grandpa", HE)
# Two people at once, "they" and "we": the only word of its list, so there is nothing to draw.
FRIENDS = [{"name": "hero and friend", **GROUP}]
FAMILY = [{"name": "hero and elder", **GROUP}]

COLORS = [{"name": name} for name in ["red", "blue", "green", "yellow", "white", "pink", "brown", "black"]]

LOSABLE = "kite ball hat book shoe ring boat bear spoon scarf"
THINGS = [_thing(name) for name in LOSABLE.split()]

# Where things are, and where one looks for them.
SPOTS = [
    {"name": name}
    for name in [
        "under the bed",
        "under the old tree",
        "in the garden",
        "in the kitchen",
        "in a box",
        "behind the door",
        "behind the house",
        "on the roof",
        "on the stairs",
        "near the pond",
    ]
]

# Toys that break or have to be shared: the part that comes off, and what one does with them.
TOYS = [
    _thing("wagon", part="wheel", play="pull", played="pulled"),
    _thing("truck", part="wheel", play="push", played="pushed"),
    _thing("plane", part="wing", play="fly", played="flew"),
    _thing("dragon", part="tail", play="fly", played="flew"),
    _thing("horse", part="leg", play="ride", played="rode"),
    _thing("robot", part="arm", play="push", played="pushed"),
    _thing("drum", part="skin", play="beat", played="beat"),
]

# Animals in need: what they eat, how they move and where they live.
ANIMALS = [
    _thing("rabbit", food="a carrot", moved="hopped", home="the forest", you="you"),
    _thing("duck", food="some bread", moved="flew", home="the pond", you="you"),
    _thing("mouse", food="some cheese", moved="ran", home="the house", you="you"),
    _thing("kitten", food="some milk", moved="ran", home="the farm", you="you"),
    _thing("puppy", food="a bone", moved="ran", home="the farm", you="you"),
    _thing("frog", food="a fly", moved="hopped", home="the pond", you="you"),
    _thing("owl", food="a mouse", moved="flew", home="the forest", you="you"),
]

# What one can be afraid of: how it comes, what is true about it, and what a brave child does.
FEARS = [
    {"name": name, "came": came, "truth": truth, "brave": brave}
    for name, came, truth, brave in [
        ("thunder", "a storm came", "Thunder is only a loud noise", "counted to ten"),
        ("the dark", "the light went out", "The dark is only the day with its eyes shut", "sang a song"),
        ("big dogs", "a big dog came", "Big dogs like soft words", "gave the dog a bone"),
        ("ghosts", "something white came", "It is only the cat in a white sheet", "pulled the sheet away"),
        ("monsters", "something knocked at the door", "It is only the wind", "opened the door"),
    ]
]

# What one can learn: how it goes wrong, the advice that helps, and how it goes well.
SKILLS = [
    {"name": name, "fail": fail, "tip": tip, "did": did}
    for name, fail, tip, did in [
        ("ride a bike", "fell off", "Look at the road, not at the wheel", "rode all the way to school"),
        ("swim", "drank half the pond", "Move like a frog", "swam to the boat"),
        ("sing", "sounded like a cat", "Open the mouth and the heart", "sang like a bird"),
        ("dance", "fell over a chair", "Listen to the drum", "danced all night"),
        ("climb the tree", "fell into the garden", "Look up, not down", "sat in the top of the tree"),
    ]
]

# What one can cook: the mistake, and what comes of it.
DISHES = [
    {"name": name, "slip": slip, "result": result, **IT}
    for name, slip, result in [
        ("cake", "took salt for sugar", "tasted like the sea"),
        ("soup", "took a whole box of pepper", "made the dog run away"),
        ("pie", "fell asleep", "was as black as the night"),
        ("salad", "took leaves from the old tree", "tasted like wood"),
    ]
]

# What breaks, and how that happens.
FRAGILE = [
    {"name": name, "how": how, **IT}
    for name, how in [
        ("cup", "danced on the table"),
        ("vase", "jumped on the bed"),
        ("plate", "ran to the door"),
        ("window", "played with a ball"),
        ("lamp", "played with a kite"),
    ]
]

# Presents to make: of what, and what becomes of them.
GIFTS = [
    {"name": name, "stuff": stuff, "used": used, **IT}
    for name, stuff, used in [
        ("crown", "gold paper", "wore the crown all day"),
        ("puppet", "two buttons and a sock", "made the puppet talk"),
        ("castle", "a box", "put the cat in the castle"),
        ("picture", "leaves and glue", "put the picture over the bed"),
        ("necklace", "shells and string", "wore the necklace in bed"),
    ]
]

# Who plays in a story. Slots that share a list never hold the same word: the friend is never the hero.
CAST = {
    "hero": PEOPLE,
    "friend": PEOPLE,
    "elder": ELDERS,
    "friends": FRIENDS,
    "family": FAMILY,
    "color": COLORS,
    "thing": THINGS,
    "spot": SPOTS,
    "other_spot": SPOTS,
    "hiding": SPOTS,
    "toy": TOYS,
    "animal": ANIMALS,
    "fear": FEARS,
    "skill": SKILLS,
    "dish": DISHES,
    "fragile": FRAGILE,
    "gift": GIFTS,
}
