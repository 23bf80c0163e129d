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
    _thing("ball", hiding=("under the car", "behind the fence")),
    _thing("hat", hiding=("on the head of a snowman", "on top of a scarecrow")),
    _thing("scarf", hiding=("around the neck of the dog", "on the fence")),
    _thing("book", hiding=("under the pillow", "behind the sofa")),
    _thing("shoe", hiding=("under the bed", "in the mouth of the dog")),
    _thing("ring", hiding=("in the soup", "between two stones")),
    _thing("button", hiding=("in the nest of a bird", "between two stones")),
    _thing("boat", hiding=("under the bridge", "behind the bathtub")),
    _thing("bear", hiding=("under the pillow", "in the washing machine")),
    _thing("spoon", hiding=("in the soup", "under the table")),
    _thing("mitten", hiding=("in the snow", "in the pocket of an old coat")),
    _thing("marble", hiding=("under the carpet", "in a mouse hole")),
    _thing("umbrella", hiding=("behind the door", "on the bus")),
]

# Toys that break or have to be shared: the part that comes off, and what one does with them.
TOYS = [
    _thing("wagon", part="wheel", play="pull", played="pulled"),
    _thing("doll", part="arm", play="dress", played="dressed"),
    _thing("robot", part="leg", play="wind up", played="wound up"),
    _thing("plane", part="wing", play="fly", played="flew"),
    _thing("ship", part="sail", play="sail", played="sailed"),
    _thing("truck", part="wheel", play="load", played="loaded"),
    _thing("drum", part="strap", play="beat", played="beat"),
    _thing("dragon", part="tail", play="fly", played="flew"),
    _thing("horse", part="saddle", play="ride", played="rode"),
    _thing("scooter", part="bell", play="ride", played="rode"),
]

# Animals in need: what is wrong, what they eat, how they move.
ANIMALS = [
    _thing("rabbit", food="a carrot", moved="hopped", home="its hole"),
    _thing("duck", food="some bread", moved="waddled", home="the pond"),
    _thing("mouse", food="some cheese", moved="ran", home="its hole"),
    _thing("squirrel", food="a nut", moved="jumped", home="its tree"),
    _thing("pony", food="an apple", moved="trotted", home="the barn"),
    _thing("kitten", food="some milk", moved="crept", home="the barn"),
    _thing("puppy", food="a bone", moved="ran", home="the farm"),
    _thing("frog", food="a fly", moved="hopped", home="the pond"),
    _thing("hedgehog", food="a worm", moved="crept", home="the forest"),
    _thing("lamb", food="some grass", moved="trotted", home="the farm"),
]

# What one can be afraid of: how it comes, what is true about it, and what a brave child does.
FEARS = [
    {"name": name, "came": came, "truth": truth, "brave": brave}
    for name, came, truth, brave in [
        ("thunder", "a storm came", "Thunder is only a loud noise", "counted to ten after every flash"),
        (
            "the dark",
            "the light went out",
            "The dark is only the day with its eyes shut",
            "listened to the owl",
        ),
        ("big dogs", "a big dog came along", "Big dogs like soft voices", "let the dog sniff at one finger"),
        (
            "deep water",
            "the boat began to rock",
            "Water is a soft bed for a boat",
            "put one hand into the lake",
        ),
        ("high places", "the path went up a cliff", "Only the next step counts", "climbed to the very top"),
        ("bees", "a bee sat down on the cake", "A bee only wants something sweet", "sat as still as a stone"),
        (
            "monsters",
            "something knocked at the window",
            "It is only a branch in the wind",
            "opened the curtain",
        ),
        (
            "ghosts",
            "something white moved in the yard",
            "It is only a shirt on the line",
            "waved at the ghost",
        ),
        (
            "spiders",
            "a spider came down from the lamp",
            "A spider is a quiet guest",
            "gave the spider a name",
        ),
    ]
]

# What one can learn: how it goes wrong, the advice that helps, and how it goes well.
SKILLS = [
    {"name": name, "fail": fail, "tip": tip, "did": did}
    for name, fail, tip, did in [
        (
            "ride a bike",
            "fell into a bush",
            "Look at the road, not at the wheel",
            "rode all the way to the shop",
        ),
        ("swim", "swallowed half the lake", "Kick like a frog", "swam to the other side"),
        ("whistle", "made no sound at all", "Make a small round mouth", "whistled a whole song"),
        ("skate", "sat down hard on the ice", "Bend both knees", "skated around the pond"),
        ("juggle", "dropped all the balls", "Begin with two", "juggled three apples and an egg"),
        ("tie a bow", "made a fat knot", "Make two ears like a rabbit", "tied both shoes"),
        ("jump rope", "got tangled in the rope", "Listen to the beat", "jumped twenty times"),
        ("climb the old tree", "slid down the trunk", "Hold on to the thick branches", "sat at the very top"),
        (
            "play the flute",
            "scared the cat away",
            "Blow as softly as a breeze",
            "played a tune for the birds",
        ),
        (
            "catch a ball",
            "shut both eyes and missed",
            "Watch the ball, not the hands",
            "caught ten balls in a row",
        ),
    ]
]

# What one can grow: how it turned out, and what is made of it.
PLANTS = [
    {"name": name, "grew": grew, "meal": meal, **IT}
    for name, grew, meal in [
        ("bean", "climbed up to the window", "a pot of soup"),
        ("sunflower", "was taller than the fence", "a meal for the birds"),
        ("pumpkin", "was as big as a wheel", "a sweet pie"),
        ("tomato", "was red and round", "a bowl of salad"),
        ("carrot", "was as long as a spoon", "a pot of soup"),
        ("melon", "was as heavy as a cat", "a cold treat"),
        ("strawberry", "was as red as a fire truck", "a jar of jam"),
        ("potato", "had eleven brothers", "a plate of chips"),
    ]
]

# What one can cook: the mistake, and what comes of it.
DISHES = [
    {"name": name, "slip": slip, "result": result, **IT}
    for name, slip, result in [
        ("cake", "took salt for sugar", "tasted like the sea"),
        ("soup", "dropped the pepper pot", "made everybody sneeze"),
        ("loaf of bread", "forgot the yeast", "was as flat as a plate"),
        ("pie", "left the oven on too long", "was as black as coal"),
        ("pudding", "did not stir at all", "was full of lumps"),
        ("pizza", "threw the dough too high", "stuck to the ceiling"),
        ("jelly", "did not let things get cold", "ran off the plate"),
    ]
]

# Where one can go: what draws a child away there, and the landmark to meet at.
PLACES = [
    {"name": name, "to": f"to the {name}", "at": at, "lure": lure, "landmark": landmark}
    for name, at, lure, landmark in [
        ("market", "at the market", "the smell of warm bread", "the fish stall"),
        ("park", "in the park", "a squirrel", "the fountain"),
        ("forest", "in the forest", "a butterfly", "the hollow oak"),
        ("zoo", "at the zoo", "the monkeys", "the sleepy lion"),
        ("fair", "at the fair", "the music", "the big wheel"),
        ("station", "at the station", "a shiny train", "the clock"),
        ("beach", "on the beach", "a crab", "the lighthouse"),
        ("museum", "in the museum", "a knight in armor", "the dinosaur"),
        ("harbor", "at the harbor", "a sailor with a parrot", "the old ship"),
    ]
]

# What breaks, and how that happens.
FRAGILE = [
    {"name": name, "how": how, **IT}
    for name, how in [
        ("cup", "danced on the table"),
        ("vase", "jumped on the sofa"),
        ("plate", "played waiter"),
        ("window", "kicked a ball in the yard"),
        ("lamp", "swung a stick like a sword"),
        ("jug", "ran through the kitchen"),
        ("mirror", "rode a broom down the hall"),
    ]
]

# Presents to make: of what, and what becomes of them.
GIFTS = [
    {"name": name, "stuff": stuff, "used": used, **IT}
    for name, stuff, used in [
        ("crown", "gold paper", "wore the crown all day"),
        ("puppet", "a sock and two buttons", "made the puppet talk at dinner"),
        ("lantern", "a jar and a candle", "hung the lantern over the bed"),
        ("necklace", "shells and string", "wore the necklace to school"),
        ("picture", "leaves and glue", "put the picture on the wall"),
        ("flute", "an old pipe", "played the flute until bedtime"),
        ("castle", "an egg box", "put a snail in the castle as king"),
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
