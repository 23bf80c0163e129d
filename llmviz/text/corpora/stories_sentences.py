"""The sentences of the stories, by the beat of the plot they can stand for.

Every entry of a list is one sentence. Read one list as a choice: after a thing is gone, its owner may cry, or
call, or not say a word. What matters for attention is what a sentence takes over from those before it: names
and their pronouns, the color of what was lost, the part that broke, what a rabbit eats.
"""

SENTENCES = {
    # Something is lost, looked for and found.
    "lost_open": [
        "{hero} had a {color} {thing}.",
        "{elder} gave {hero} a {color} {thing}.",
        "{hero} was a <kind> {hero.child} with a {color} {thing}.",
        "{hero} never went out without {hero.their} {color} {thing}.",
        "The best thing that {hero} had was a {color} {thing}.",
    ],
    "lost_gone": [
        "<one_day>, {thing.it} was gone.",
        "But one day, {hero.they} could not find {thing.it}.",
        '"Where is {hero.my} {thing}?" [asked|cried] {hero}.',
        "On the way home, {hero.they} lost {thing.it}.",
    ],
    "sad": [
        "{hero} was so sad that {hero.they} [could not eat|could not sleep|began to cry].",
        "<she> sat down and cried.",
        '"Oh no!" cried {hero}.',
        "For a long time, {hero} did not say a word.",
    ],
    "lost_search": [
        "<she> looked in every [room|box|corner] of the house.",
        "<she> asked {elder}, but {elder} had not seen {thing.it}.",
        '"{friend}, will {friend.you} help {hero.me} look?" asked {hero}.',
        "{friend} came and helped {hero.them} look for {thing.it}.",
        "{hero} and {friend} looked everywhere, and then {friends.they} looked again.",
    ],
    "lost_find": [
        "<at_last>, {hero} found {thing.it} {thing.hiding}.",
        "And there {thing.it} was, {thing.hiding}!",
        "Then {hero} saw something {color} {thing.hiding}.",
        "The {color} {thing} was {thing.hiding} all the time.",
    ],
    "lost_end": [
        "<she> laughed and held {thing.it} tight.",
        "That night, the {thing} slept next to {hero.them}.",
        '"Never run away again," {hero.they} told the {thing}.',
        "<she> wrote {hero.their} name on {thing.it} in big letters.",
        "<she> was so [glad|happy] that {hero.they} danced all the way home.",
    ],
    # A toy breaks and is mended.
    "broken_open": [
        "{hero} got a {color} {toy} for {hero.their} birthday.",
        "{elder} made a {color} {toy} for {hero}.",
        "{hero} and {hero.their} {color} {toy} were never apart.",
        "{hero} had many toys, but {hero.they} liked the {color} {toy} best.",
    ],
    "broken_how": [
        "<one_day>, {hero} {toy.played} {toy.it} too [hard|fast], and the {toy.part} came off.",
        "But the {toy.part} broke because {hero.they} left {toy.it} out in the rain.",
        "Then {friend} stepped on the {toy.part} and broke {toy.it}.",
        '"The {toy.part} is broken!" cried {hero}.',
    ],
    "broken_ask": [
        '"{elder}, can {elder.you} fix {toy.it}?" asked {hero}.',
        '"Do not cry, {family.we} will fix {toy.it}," said {elder}.',
        "<then_she> showed {toy.it} to {elder}.",
        '{elder} looked at the {toy.part} and said, "Let {elder.me} try."',
    ],
    "broken_elder": [
        "{elder.They} fixed the {toy.part} with [glue|a nail|some string].",
        "{elder.They} made a new {toy.part} out of [a spoon|a box|some wood].",
        "{elder.They} worked all [day|morning|evening], and {hero} helped {elder.them}.",
        "Then {elder.they} found a new {toy.part} in an old box.",
    ],
    "broken_self": [
        "{hero} and {friend} fixed {toy.it} with [glue|a nail|some string].",
        "So {hero.they} made a new {toy.part} {hero.themself}.",
        "{friend} brought a {toy.part} from a toy that nobody used any more.",
        "With [glue|a nail|some string], {hero} fixed the {toy.part} {hero.themself}.",
    ],
    "broken_end": [
        "Soon {hero} could {toy.play} {toy.it} again.",
        "The {toy.part} was even better than before.",
        '"As good as new!" cried {hero}.',
        "<she> {toy.played} {toy.it} until it was time for bed.",
    ],
    # Two children want the same toy.
    "shared_open": [
        "{hero} and {friend} found a {color} {toy} [in an old box|under the stairs|in the garden].",
        "There was only one {color} {toy}, but both {hero} and {friend} wanted {toy.it}.",
        "{friend} came to play with {hero} and saw the {color} {toy}.",
        "{hero} had a {color} {toy}, and {friend} wanted to {toy.play} {toy.it}.",
    ],
    "shared_mine": [
        '"{toy.It} is mine!" shouted {hero}.',
        '"{hero.i} had {toy.it} first!" said {hero}.',
        '"Give {toy.it} to {friend.me}!" said {friend}.',
        "{friends.They} both held on to {toy.it} and would not let go.",
    ],
    "shared_fight": [
        "{hero} pulled, {friend} pulled, and the {toy.part} began to [bend|crack].",
        "{friend} pushed {hero}, and {hero} pushed {friend}.",
        "{friend} made a face, and {hero} made a worse one.",
        "{friends.They} were so loud that the cat ran out of the house.",
    ],
    "shared_cost": [
        "Then {elder} came and took the {toy} away.",
        "Then the {toy.part} came off, and nobody could {toy.play} {toy.it}.",
        "So {friend} went home, and {hero} was alone with {toy.it}.",
        "{friend} began to cry, and then {hero} had no fun at all.",
    ],
    "shared_idea": [
        '"{friend.You} can have the first turn," said {hero}.',
        '"Let {friends.us} {toy.play} {toy.it} together," said {friend}.',
        "<at_last>, {hero} said sorry and gave {friend} the {toy}.",
        '"What if {friends.we} take turns?" asked {friend}.',
    ],
    "shared_end": [
        "So {friends.they} {toy.played} {toy.it} together until it was time for bed.",
        "And {toy.it} was much more fun with two.",
        "After that, {hero} and {friend} shared everything, even a [cold|bed|cookie].",
        "And nobody wanted to go home that evening.",
    ],
    # Somebody is afraid and gets over it.
    "scared_open": [
        "{hero} was afraid of {fear}.",
        "Nothing scared {hero} as much as {fear}.",
        "{hero} was a <kind> {hero.child}, but {hero.they} was afraid of {fear}.",
        "{hero} told nobody that {hero.they} was afraid of {fear}.",
    ],
    "scared_came": [
        "<one_day>, {fear.came}.",
        "Then {fear.came}, and {hero.they} could not run away.",
        "<she> was alone with {elder} when {fear.came}.",
        "<she> was in the middle of a song when {fear.came}.",
    ],
    "scared_shook": [
        "{hero.Their} [hands|knees|lips] began to shake.",
        '"Help!" cried {hero}.',
        "{hero.They} shut {hero.their} eyes and did not move.",
        "{hero} wanted to hide in the smallest box in the world.",
    ],
    "scared_truth": [
        '"{fear.truth}," said {elder}.',
        '{elder} took {hero.their} hand and said, "{fear.truth}."',
        '"{fear.truth}," {hero.they} told {hero.themself} <number> times.',
    ],
    "scared_brave": [
        "<then_she> {fear.brave}.",
        "{hero.They} shut {hero.their} mouth and {fear.brave}.",
        "<at_last>, {hero.they} {fear.brave}.",
        "This time {hero.they} was brave and {fear.brave}.",
    ],
    "scared_end": [
        "Now {hero.they} was not afraid of {fear} any more.",
        '"{hero.i} did it!" cried {hero}.',
        "From that day on, {fear} and {hero} were friends.",
        '"Is that all?" asked {hero} and had to laugh.',
    ],
    # An animal in need.
    "stray_open": [
        "{hero} found a <small> {animal} behind the [house|school|shop].",
        "On the way [home|to school], {hero} met a <small> {animal}.",
        "<one_day>, a <small> {animal} sat in front of {hero}.",
        "{friend} came to {hero} with a <small> {animal} in a box.",
    ],
    "stray_need": [
        "{animal.It} was lost and could not find the way to {animal.home}.",
        "The {animal} was so hungry that {animal.it} could not stand.",
        '"Why does {animal.it} shake?" asked {hero}.',
        "{animal.It} had not eaten for <number> days.",
    ],
    "stray_help": [
        "<then_she> ran into the house and got {animal.food}.",
        '"Give {animal.it} {animal.food}," said {elder}.',
        "<then_she> put {animal.it} in {hero.their} [hat|coat|bed] and gave {animal.it} {animal.food}.",
        "{hero} held out {animal.food} and waited, and at last the {animal} came.",
    ],
    "stray_glad": [
        "The {animal} ate and fell asleep next to {hero.them}.",
        "Then {animal.it} {animal.moved} around {hero.them} <number> times.",
        '"{animal.It} likes {hero.me}!" said {hero}.',
        "{hero} called {animal.it} [Button|Pepper|Cookie|Cloud].",
    ],
    "stray_end": [
        "In the evening, the {animal} {animal.moved} back to {animal.home}.",
        "Now {animal.it} comes back every [day|morning|evening].",
        "{hero} cried a little when {animal.it} {animal.moved} away to {animal.home}.",
        '"{animal.It} can stay with {family.us}," said {elder}, and so {animal.it} did.',
    ],
    # A dish goes wrong.
    "cooked_open": [
        "It was the birthday of {elder}, so {hero} made a {dish}.",
        "{friend} was ill, and {hero} made a {dish} for {friend.them}.",
        "{hero} had never made a {dish} before.",
        "{hero} and {friend} were hungry, so {friends.they} made a {dish}.",
    ],
    "cooked_slip": [
        "But {hero} {dish.slip}.",
        "{hero} did not think and {dish.slip}.",
        "Because {hero} sang so loudly, {hero.they} {dish.slip}.",
        "{hero} looked at the cat and {dish.slip}.",
    ],
    "cooked_result": [
        "The {dish} {dish.result}.",
        "When the {dish} was done, {dish.it} {dish.result}.",
        '"{hero}, what is that?" asked {elder}, for the {dish} {dish.result}.',
    ],
    "cooked_again": [
        "So {hero} began again.",
        "The dog was happy to eat {dish.it}, and {hero} made another one.",
        "{hero} began to cry, but then {hero.they} had to laugh.",
        '"{hero.You} can try again," said {elder}.',
    ],
    "cooked_end": [
        "The next {dish} was the best in the world.",
        "In the end, everybody asked for more.",
        "{elder} ate <number> pieces of the next {dish}.",
        "Now {hero} can make a {dish} with {hero.their} eyes shut.",
        '"{elder}, will {elder.you} try {dish.it}?" asked {hero}, but {elder} was not hungry.',
    ],
    # Something is hard to learn.
    "learned_open": [
        "{hero} could not {skill}.",
        "{friend} could {skill}, but {hero} could not.",
        "{hero} was a <kind> {hero.child} who wanted to {skill}.",
        '{hero} asked {friend}, "How do {friend.you} {skill}?"',
    ],
    "learned_fail": [
        "{hero.They} tried and {skill.fail}.",
        "The first time, {hero.they} {skill.fail}.",
        "{hero} tried <number> times, and every time {hero.they} {skill.fail}.",
        "But {hero.they} {skill.fail}, and everybody saw it.",
    ],
    "learned_blue": [
        "{friend} laughed, and {hero} turned red.",
        '"{hero.i} will never learn it!" said {hero}.',
        "<she> did not want to try again.",
        "<she> went home without a word.",
    ],
    "learned_tip": [
        '"{skill.tip}," said {friend}.',
        '"{skill.tip}, and try again every day," said {elder}.',
        '{elder} took {hero.their} hand and said, "{skill.tip}."',
    ],
    "learned_did": [
        "<one_day>, {hero} {skill.did}.",
        "<at_last>, {hero.they} {skill.did}!",
        "After <number> days, {hero.they} {skill.did}.",
        "{hero} tried again, and this time {hero.they} {skill.did}.",
    ],
    "learned_end": [
        "Then {friend} asked {hero.them} how to {skill}.",
        "<she> was so [glad|happy] that {hero.they} did it again at once.",
        '"That was easy," said {hero}.',
        "Now {hero} wants to learn to fly.",
    ],
    # A seed takes its time.
    "grown_open": [
        "{hero} had a <kind> friend, the {plant} in the garden.",
        "{elder} gave {hero} a {plant} seed.",
        "{hero} found a {plant} seed and put {plant.it} into the ground.",
        "{hero} and {friend} wanted to grow a {plant}.",
    ],
    "grown_wait": [
        "For a long time, nothing happened.",
        '"When will {plant.it} grow?" asked {hero} every day.',
        "Every [day|morning|evening], {hero} gave {plant.it} some water.",
        "{hero} sang to {plant.it} because {elder} said that it helped.",
    ],
    "grown_care": [
        "A snail wanted to eat {plant.it}, but {hero} took the snail away.",
        "One night was so cold that {hero} gave {plant.it} {hero.their} [hat|coat].",
        '"{plant.It} needs [sun|rain] and time," said {elder}.',
    ],
    "grown_grew": [
        "<at_last>, the {plant} {plant.grew}.",
        "<one_day>, {plant.it} {plant.grew}!",
        "{plant.It} grew and grew until {plant.it} {plant.grew}.",
    ],
    "grown_end": [
        "{hero} and {elder} made {plant.meal} out of {plant.it}.",
        "There was {plant.meal} for everybody in the house.",
        "{hero} kept a seed for the next year.",
        '"{hero.i} only waited, and {plant.it} did the rest," said {hero}.',
    ],
    # Something breaks, and it is hard to say so.
    "honest_broke": [
        "{hero} broke the {fragile} when {hero.they} {fragile.how}.",
        "The {fragile} fell down because {hero} {fragile.how}.",
        "{elder} loved the old {fragile}, but {hero} {fragile.how} and broke {fragile.it}.",
    ],
    "honest_hid": [
        "<she> hid {fragile.it} [under the bed|under the stairs|in a box].",
        '"{hero}, where is the {fragile}?" asked {elder}.',
        "<she> did not say a word and went away.",
        "<she> said that {hero.they} had not seen {fragile.it}.",
    ],
    "honest_worry": [
        "But all night, {hero} thought of the {fragile}.",
        "But in the evening, {hero.they} could not look at {elder}.",
        "But {hero} could not eat, and {hero.their} bed felt hard.",
    ],
    "honest_cat": [
        '"The cat did it," said {hero} when {elder} asked.',
        "<she> told {elder} that the cat had broken {fragile.it}.",
        "<she> put the cat next to {fragile.it} and ran away.",
    ],
    "honest_cat_worry": [
        "So the cat had to sleep outside in the [rain|cold].",
        "The cat looked at {hero.them} with big eyes.",
        "That evening, the cat got no [milk|fish], and {hero} could not eat.",
    ],
    "honest_truth": [
        '"It was {hero.me}," {hero.they} told {elder} at last.',
        "In the morning, {hero} told {elder} the truth.",
        '{hero} gave {elder} a letter that said, "{hero.i} am sorry."',
    ],
    "honest_forgive": [
        '"A {fragile} is only a {fragile}, but the truth is gold," said {elder}.',
        "{elder} was not angry and took {hero.them} by the hand.",
        '"{elder.i} once broke one too," said {elder} and had to laugh.',
    ],
    "honest_end": [
        "Then {family.they} fixed {fragile.it} with glue.",
        "That night, {hero} slept like a bear.",
        "<at_last>, {hero} got a new {fragile} for {elder}.",
    ],
    "honest_cat_end": [
        "The cat got a whole fish, and {hero} had to cook the fish.",
        "{hero} said sorry to {elder}, and then to the cat.",
        "{elder} was not angry, but the cat was angry for <number> days.",
    ],
    # Lost in a crowd.
    "astray_open": [
        "{hero} went {place.to} with {elder}.",
        "{elder} took {hero} {place.to}.",
        "{hero} was {place.at} with {elder} and {friend}.",
    ],
    "astray_lure": [
        "<she> stopped to look at {place.lure}.",
        "Then {hero} saw {place.lure} and let go of {elder}.",
        "<she> ran after {place.lure}.",
    ],
    "astray_alone": [
        "When {hero.they} looked up, {elder} was gone.",
        '"{elder}!" {hero.they} cried, but nobody came.',
        "<she> turned around <number> times and did not know the way back.",
    ],
    "astray_think": [
        '"If {hero.you} get lost, wait at {place.landmark}," {elder} had told {hero.them}.',
        "<she> asked a [sailor|teacher|farmer] the way to {place.landmark}.",
        "<she> did not cry but went to {place.landmark}.",
    ],
    "astray_found": [
        "And there was {elder}, as white as milk.",
        "{elder} came and held {hero.them} tight.",
        '"There {hero.you} are!" cried {elder}.',
        "After <number> long minutes, {elder} came.",
    ],
    "astray_end": [
        "On the way home, {hero} did not let go of {elder.their} hand.",
        '"{hero.i} was not lost, {elder.you} were lost," said {hero}.',
        "And then {family.they} looked for {place.lure} together.",
    ],
    # A present.
    "gift_open": [
        "It was the birthday of {friend}, and {hero} had no money for a present.",
        "{friend} was sad, and {hero} wanted to make {friend.them} laugh.",
        "The next day, {friend} would be <number>, and {hero} had nothing to give.",
    ],
    "gift_made": [
        "<then_she> made a {gift} out of {gift.stuff}.",
        "With {gift.stuff}, {hero.they} made a {gift}.",
        '{elder} found {gift.stuff} and said, "Make a {gift}."',
    ],
    "gift_hid": [
        "When {friend} came, {hero} hid {gift.it} under the [bed|table|stairs].",
        '"What do {hero.you} have there?" asked {friend}.',
        '"Nothing," said {hero} and turned red.',
    ],
    "gift_doubt": [
        "The other children came with big boxes.",
        "{hero} thought that the {gift} was too small.",
        '"What if {friend.they} does not like {gift.it}?" thought {hero}.',
    ],
    "gift_given": [
        "{friend} opened the box and did not say a word.",
        "Then {friend} saw {gift.it} and began to [laugh|dance|sing].",
        '"Is {gift.it} for {friend.me}?" asked {friend}.',
    ],
    "gift_end": [
        "And {friend.they} {gift.used}.",
        "Of all the presents, {friend} liked the {gift} best.",
        '"Nobody else has such a {gift}," said {friend}.',
        "Now {friend} wants to learn how to make a {gift}.",
    ],
}
