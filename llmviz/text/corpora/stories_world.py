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

# Things that get lost: where they turn up.
THINGS = [
    _thing("kite", hiding=("in the apple tree", "on the roof")),
    _thing("ball", hiding=("behind the house", "on the roof")),
    _thing("hat", hiding=("in the apple tree", "on the head of a snowman")),
    _thing("book", hiding=("under the bed", "under the cat")),
    _thing("shoe", hiding=("under the bed", "in the mouth of the dog")),
    _thing("ring", hiding=("in the soup", "in the cake")),
    _thing("boat", hiding=("in the bathtub", "on the pond")),
    _thing("bear", hiding=("in the bathtub", "behind the house")),
    _thing("spoon", hiding=("in the soup", "in the snow")),
    _thing("scarf", hiding=("in the snow", "on the head of a snowman")),
]

# Toys that break or have to be shared: the part that comes off, and what one does with them.
TOYS = [
    _thing("wagon", part="wheel", play="pull", played="pulled"),
    _thing("truck", part="wheel", play="push", played="pushed"),
    _thing("plane", part="wing", play="fly", played="flew"),
    _thing("dragon", part="tail", play="fly", played="flew"),
    _thing("horse", part="leg", play="ride", played="rode"),
    _thing("scooter", part="bell", play="ride", played="rode"),
    _thing("drum", part="strap", play="beat", played="beat"),
    _thing("robot", part="arm", play="push", played="pushed"),
]

# Animals in need: what they eat, how they move and where they live.
ANIMALS = [
    _thing("rabbit", food="a carrot", moved="hopped", home="the forest"),
    _thing("duck", food="some bread", moved="flew", home="the pond"),
    _thing("mouse", food="some cheese", moved="ran", home="the barn"),
    _thing("kitten", food="some milk", moved="ran", home="the farm"),
    _thing("puppy", food="a bone", moved="jumped", home="the farm"),
    _thing("pony", food="an apple", moved="danced", home="the barn"),
    _thing("frog", food="a fly", moved="hopped", home="the pond"),
    _thing("owl", food="a mouse", moved="flew", home="the forest"),
]

# What one can be afraid of: how it comes, what is true about it, and what a brave child does.
FEARS = [
    {"name": name, "came": came, "truth": truth, "brave": brave}
    for name, came, truth, brave in [
        ("thunder", "a storm came", "Thunder is only a loud noise", "counted to ten"),
        ("the dark", "the light went out", "The dark is only the day with its eyes shut", "sang a song"),
        ("big dogs", "a big dog came", "Big dogs like soft words", "gave the dog a bone"),
        ("bees", "a bee sat on the cake", "A bee only wants some sugar", "gave the bee some cake"),
        ("ghosts", "something white came in", "It is only the cat in a white sheet", "pulled the sheet away"),
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
        ("climb the tree", "came down too fast", "Look up, not down", "sat at the very top of the tree"),
        ("tie a bow", "tied one shoe to the chair", "Make two ears like a rabbit", "tied both shoes"),
    ]
]

# What one can grow: how it turned out, and what is made of it.
PLANTS = [
    {"name": name, "grew": grew, "meal": meal, **IT}
    for name, grew, meal in [
        ("bean", "was as tall as the house", "some soup"),
        ("sunflower", "looked over the roof", "some bread"),
        ("pumpkin", "was as big as a wheel", "a big pie"),
        ("carrot", "was as long as an arm", "a sweet cake"),
        ("melon", "was as big as the dog", "a cold soup"),
    ]
]

# What one can cook: the mistake, and what comes of it.
DISHES = [
    {"name": name, "slip": slip, "result": result, **IT}
    for name, slip, result in [
        ("cake", "took salt for sugar", "tasted like the sea"),
        ("soup", "took a whole box of pepper", "made everybody sneeze"),
        ("salad", "took leaves from the apple tree", "tasted like wood"),
        ("pie", "fell asleep", "was as black as the night"),
        ("pizza", "danced too fast", "was on the floor"),
    ]
]

# Where one can go: what draws a child away there, and the landmark to meet at.
PLACES = [
    {"name": name, "to": f"to the {name}", "at": at, "lure": lure, "landmark": landmark}
    for name, at, lure, landmark in [
        ("market", "at the market", "a man with a drum", "the fish shop"),
        ("park", "in the park", "a little dog", "the pond"),
        ("forest", "in the forest", "a white rabbit", "the old tree"),
        ("zoo", "at the zoo", "the monkeys", "the sleepy lion"),
        ("fair", "at the fair", "the music", "the big wheel"),
        ("station", "at the station", "a black train", "the clock"),
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
        ("puppet", "a sock and two buttons", "made the puppet talk"),
        ("necklace", "shells and string", "wore the necklace in bed"),
        ("castle", "an old box", "put the cat in the castle"),
        ("picture", "leaves and glue", "put the picture over the bed"),
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
    "toy": TOYS,
    "animal": ANIMALS,
    "fear": FEARS,
    "skill": SKILLS,
    "plant": PLANTS,
    "dish": DISHES,
    "place": PLACES,
    "fragile": FRAGILE,
    "gift": GIFTS,
}
