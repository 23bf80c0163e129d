"""The sentences of the stories, by the beat of the plot they can stand for.

Every entry of a list is one sentence; the first is the likeliest. Read a list as a choice: when a thing is
gone, its owner may cry, or call, or not say a word. What matters for attention is what a sentence takes over
from those before it: names and their pronouns, the color of what was lost, the part that broke, what a rabbit
eats.
"""

SENTENCES = {
    # Something is lost, looked for and found.
    "lost_open": [
        "{hero} was a <kind> {hero.child} with a <new> {color} {thing}.",
        "{hero} had a <new> {color} {thing}.",
        "{elder} gave {hero} a <new> {color} {thing}.",
        "<time>, {hero} <went> <way> with {hero.their} <new> {color} {thing}.",
        "{hero} played <where> with {hero.their} <new> {color} {thing}.",
    ],
    "lost_gone": [
        "<time>, {thing.it} was gone.",
        '"<oh>, where is {hero.my} {thing}?" [asked|cried] {hero}.',
        "But {hero.they} <went> <way> and lost {thing.it}.",
        "<time>, {hero.they} could not find {thing.it}.",
    ],
    "tears": [
        "{hero} was so <sad> that {hero.they} could not <eat>.",
        "<she> sat <where> and cried.",
        '"<oh>!" cried {hero}.',
        "<she> <went> <way> and did not say a word.",
    ],
    "lost_search": [
        "<she> looked {spot} and {other_spot}.",
        "{hero} and {friend} looked {spot} and {other_spot}.",
        "<she> asked {elder}, but {elder} had not seen {thing.it}.",
        '"{friend}, will {friend.you} help {hero.me}?" asked {hero}.',
    ],
    "lost_find": [
        "<at_last>, {hero} found {thing.it} {hiding}.",
        "Then {hero} saw something {color} {hiding}.",
        "The <new> {color} {thing} was {hiding}.",
        '"<oh>, {thing.it} is {hiding}!" cried <helper>.',
    ],
    "lost_hint": [
        '{friend} said, "{friend.i} saw something {color} {hiding}."',
        "{friend} had seen something {color} {hiding}.",
        '"{thing.It} is {hiding}," said {elder}.',
    ],
    "lost_there": [
        "And there {thing.it} was, {hiding}!",
        "<then_she> looked {hiding} and found {thing.it}.",
        "{hero.They} <went> home and found {thing.it} {hiding}.",
    ],
    "lost_end": [
        "<she> was so <happy> that {hero.they} danced <way>.",
        "<she> laughed and held {thing.it} tight.",
        "That night, the {thing} slept in {hero.their} bed.",
        '"Never run away again," said {hero} to the {thing}.',
    ],
    # An animal in need.
    "stray_open": [
        "<time>, {hero} [found|saw|met] a <small> {animal} <where>.",
        "A <small> {animal} sat <where> and looked at {hero}.",
        "{friend} came to {hero} with a <small> {animal}.",
        "{hero} <went> <way> and [found|saw|met] a <small> {animal}.",
    ],
    "stray_need": [
        "{animal.It} was so [hungry|tired|cold|sad] that {animal.it} could not <eat>.",
        '"<oh>, are {animal.you} [hungry|tired|cold|lost]?" asked {hero}.',
        "{animal.It} had not eaten for <number> days.",
        "{animal.It} was lost and could not find {animal.home}.",
    ],
    "stray_help": [
        "<then_she> gave {animal.it} {animal.food}.",
        '"Give {animal.it} {animal.food}," said <helper>.',
        "<she> <went> <way> and came back with {animal.food}.",
        "<she> held out {animal.food}, and the {animal} ate.",
    ],
    "stray_glad": [
        "Then {animal.it} {animal.moved} around {hero.them} <number> times.",
        "The {animal} fell asleep <where>.",
        "{hero} called {animal.it} [Button|Pepper|Cookie|Cloud].",
    ],
    "stray_end": [
        "<time>, {animal.it} {animal.moved} back to {animal.home}.",
        "{hero} [cried|danced|sang] when {animal.it} {animal.moved} back to {animal.home}.",
        "Now {animal.it} comes back every <day>.",
        '"{animal.It} can stay with {family.us}," said {elder}.',
    ],
    # A toy breaks and is mended.
    "broken_open": [
        "{elder} made a <new> {color} {toy} for {hero}.",
        "{hero} and {hero.their} <new> {color} {toy} were never apart.",
        "{hero} had a <new> {color} {toy}.",
        "<time>, {hero} <went> <way> with {hero.their} <new> {color} {toy}.",
    ],
    "broken_how": [
        "<she> {toy.played} {toy.it} too [hard|fast], and the {toy.part} [broke|came off|fell off].",
        "Then {friend} [sat|jumped|fell] on {toy.it}, and the {toy.part} [broke|came off|fell off].",
        '"<oh>, the {toy.part} is broken!" cried {hero}.',
        "But the {toy.part} broke because {toy.it} was in the rain all <day>.",
    ],
    "broken_ask": [
        '"{elder}, can {elder.you} fix {toy.it}?" asked {hero}.',
        "<then_she> <went> <way> and gave {toy.it} to {elder}.",
        '"<oh>, {family.we} can fix {toy.it}," said {elder}.',
    ],
    "broken_elder": [
        "{elder} fixed the {toy.part} <with_glue>.",
        "{elder} found a new {toy.part} <where>.",
        "{elder} made a new {toy.part} out of [wood|string|a box].",
    ],
    "broken_self": [
        "{hero} and {friend} fixed {toy.it} <with_glue>.",
        "Then {friend} found a new {toy.part} <where>.",
        "So {hero.they} made a new {toy.part} {hero.themself}.",
    ],
    "broken_end": [
        "Soon {hero} could {toy.play} {toy.it} again.",
        "<she> {toy.played} {toy.it} all <day>.",
        '"<oh>, {toy.it} is as good as new!" cried {hero}.',
        "<she> was so <happy> that {hero.they} danced <way>.",
    ],
    # Somebody is afraid and gets over it.
    "scared_open": [
        "{hero} was afraid of {fear}.",
        "{hero} was a <kind> {hero.child}, but {hero.they} was afraid of {fear}.",
        '"{hero}, are {hero.you} afraid of {fear}?" asked <helper>.',
        "Nothing scared {hero} as much as {fear}.",
    ],
    "scared_came": [
        "<time>, {fear.came}.",
        "<she> sat <where> when {fear.came}.",
        "Then {fear.came}, and {hero} was alone.",
    ],
    "scared_shook": [
        "<she> hid <where> and cried.",
        '"Help {hero.me}!" cried {hero}.',
        "{hero} shut {hero.their} eyes and could not <eat>.",
    ],
    "scared_truth": [
        '"{fear.truth}," said <helper>.',
        '{elder} took {hero.their} hand and said, "{fear.truth}."',
        '"{fear.truth}," said {hero} <number> times.',
    ],
    "scared_brave": [
        "<then_she> {fear.brave}.",
        "<she> was brave and {fear.brave}.",
        "<at_last>, {hero.they} {fear.brave}.",
    ],
    "scared_end": [
        "Now {hero} was not afraid of {fear} any more.",
        '"<oh>, {hero.i} did it!" cried {hero}.',
        "<she> was so <happy> that {hero.they} <went> <way>.",
        "From that <day> on, {fear} and {hero} were friends.",
    ],
    # Something is hard to learn.
    "learned_open": [
        "{hero} could not {skill}.",
        "{friend} could {skill}, but {hero} could not.",
        "{hero} was a <kind> {hero.child} who wanted to {skill}.",
        '{hero} asked {friend}, "How do {friend.you} {skill}?"',
    ],
    "learned_fail": [
        "{hero.They} tried <number> times, and every time {hero.they} {skill.fail}.",
        "<time>, {hero.they} tried and {skill.fail}.",
        "<she> tried, but {hero.they} {skill.fail}.",
    ],
    "learned_blue": [
        '"<oh>, {hero.i} will never learn it!" cried {hero}.',
        "{friend} laughed, and {hero} was <sad>.",
        "<she> was so <sad> that {hero.they} <went> <way>.",
    ],
    "learned_tip": [
        '"{skill.tip}," said <helper>.',
        '{elder} took {hero.their} hand and said, "{skill.tip}."',
        '"<oh>, try again every <day>," said <helper>.',
    ],
    "learned_did": [
        "<at_last>, {hero.they} {skill.did}.",
        "<time>, {hero} {skill.did}!",
        "<she> tried again and {skill.did}.",
    ],
    "learned_end": [
        "<she> was so <happy> that {hero.they} did it again.",
        '"<oh>, that was easy," said {hero}.',
        "Then {friend} asked {hero.them} how to {skill}.",
        "Now {hero} wants to learn to fly.",
    ],
    # A present.
    "gift_open": [
        "{hero} wanted to give {friend} something [nice|new|funny].",
        "{friend} was <sad>, and {hero} wanted to help {friend.them}.",
        "It was the birthday of {friend}, but {hero} had no money.",
    ],
    "gift_made": [
        "<then_she> made a <new> {gift} out of {gift.stuff}.",
        "With {gift.stuff}, {hero.they} made a <new> {gift}.",
        '"<oh>, take {gift.stuff} and make a {gift}," said {elder}.',
    ],
    "gift_hid": [
        "When {friend} came, {hero} hid {gift.it} <where>.",
        '"What is that <where>?" asked {friend}.',
        '"Nothing," said {hero} and <went> <way>.',
    ],
    "gift_given": [
        "{friend} saw {gift.it} and began to [dance|sing|cry].",
        '"Is {gift.it} for {friend.me}?" asked {friend}.',
        "{friend} got {gift.it} and was so <happy> that {friend.they} could not <eat>.",
    ],
    "gift_end": [
        "And {friend.they} {gift.used}.",
        "{friend} liked the {gift} more than anything.",
        "Now {friend} wants to make a {gift} for {hero}.",
        '"Nobody else has such a <new> {gift}," said {friend}.',
    ],
    # Something breaks, and it is hard to say so.
    "honest_broke": [
        "{hero} broke the <new> {fragile} when {hero.they} {fragile.how}.",
        "The <new> {fragile} broke because {hero} {fragile.how}.",
        "{elder} had a <new> {fragile}, but {hero} {fragile.how} and broke {fragile.it}.",
    ],
    "honest_hid": [
        "<she> hid {fragile.it} <where>.",
        '"{hero}, where is the {fragile}?" asked {elder}.',
        "<she> <went> <way> and did not say a word.",
    ],
    "honest_worry": [
        "But {hero} was so [sad|sorry|afraid] that {hero.they} could not <eat>.",
        "But all <day>, {hero} thought of the {fragile}.",
    ],
    "honest_cat": [
        '"<oh>, the cat did it," said {hero} to {elder}.',
        "<she> told {elder} that the cat had broken {fragile.it}.",
    ],
    "honest_cat_worry": [
        "So the cat had to sleep <where>.",
        "The cat looked at {hero.them} with big eyes.",
        "The cat got no milk, and {hero} could not <eat>.",
    ],
    "honest_truth": [
        '"<oh>, it was {hero.me}," {hero.they} told {elder}.',
        "<time>, {hero} told {elder} the truth.",
        '{hero} sat down next to {elder} and said, "{hero.i} am sorry."',
    ],
    "honest_forgive": [
        "{elder} was not angry and took {hero.their} hand.",
        '"A {fragile} is only a {fragile}, but the truth is gold," said {elder}.',
        "Then {family.they} fixed the {fragile} <with_glue>.",
        '"{elder.i} broke one, too," said {elder} and laughed.',
    ],
    "honest_cat_end": [
        "{elder} was not angry, but the cat was angry for <number> days.",
        "{hero} said sorry to {elder}, and then to the cat.",
        "The cat got some milk and slept in {hero.their} bed.",
    ],
    # Two children want the same toy.
    "shared_open": [
        "<time>, {hero} and {friend} found a <new> {color} {toy} <where>.",
        "{hero} had a <new> {color} {toy}, and {friend} wanted to {toy.play} {toy.it}.",
        "There was a <new> {color} {toy} <where>, and both {hero} and {friend} wanted {toy.it}.",
    ],
    "shared_mine": [
        '"<oh>, {toy.it} is mine!" cried {hero}.',
        '"Give {toy.it} to {friend.me}!" cried {friend}.',
        "{hero} pulled, {friend} pulled, and the {toy.part} [broke|came off|fell off].",
    ],
    "shared_cost": [
        "{elder} came and was angry with {friends.them}.",
        "So {friend} <went> home, and {hero} was <sad>.",
        "Then {friend} cried, and {hero} was <sad>.",
    ],
    "shared_idea": [
        '"<oh>, let {friends.us} {toy.play} {toy.it} together," said {friend}.',
        '"{friend.You} can have {toy.it} first," said {hero}.',
        "<at_last>, {hero} said sorry and gave {friend} the {toy}.",
    ],
    "shared_end": [
        "So {friends.they} {toy.played} {toy.it} together all <day>.",
        "And {toy.it} was more fun with two.",
        "Now {hero} and {friend} play together every <day>.",
    ],
    # A dish goes wrong.
    "cooked_open": [
        "<time>, {hero} made a <new> {dish} for <helper>.",
        "{hero} and {friend} were hungry, so {friends.they} made a <new> {dish}.",
        "{hero} made a <new> {dish}, for it was the birthday of <helper>.",
    ],
    "cooked_slip": [
        "But {hero} {dish.slip}.",
        "<she> looked at the cat and {dish.slip}.",
        "<she> was so <happy> that {hero.they} {dish.slip}.",
    ],
    "cooked_result": [
        "The {dish} {dish.result}.",
        '"<oh>, what is that?" asked <helper>, for the {dish} {dish.result}.',
        "<helper> came, but the {dish} {dish.result}.",
    ],
    "cooked_again": [
        '"<oh>, try again," said <helper>.',
        "The dog ate {dish.it}, and {hero} began again.",
        "{hero} cried, but then {hero.they} laughed.",
    ],
    "cooked_end": [
        "The next {dish} was the best in the world.",
        "Now {hero} makes a {dish} every <day>.",
        "Everybody liked the next {dish} and asked for more.",
    ],
}
