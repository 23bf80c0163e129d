"""How the stories go: a plot is a row of beats, and for every beat there is a handful of sentences.

The notation is that of `grammar.py`: [a|b] is one or the other, <rule> another rule, {slot.form} a form of a
word of the small world in `stories_world.py`, drawn when first mentioned and remembered. The sentences are in
`stories_sentences.py`; here is only their order. Causes come before effects: a kite is lost before anybody
is sad, and only what broke can be mended.
"""

from llmviz.text.corpora.stories_world import SPOTS

PLOTS = {
    "story": [
        (6, "<lost>\n"),
        (5, "<stray>\n"),
        (5, "<broken>\n"),
        (4, "<scared>\n"),
        (4, "<learned>\n"),
        (4, "<gift>\n"),
        (4, "<honest>\n"),
        (3, "<shared>\n"),
        (3, "<cooked>\n"),
    ],
    # Something is lost, looked for and found: never where they looked, but always where somebody saw it.
    "lost": [
        "<lost_open> <lost_gone> [<tears> |]<lost_search> <lost_find> <lost_end>",
        "<lost_open> <lost_gone> <lost_hint> <lost_there> <lost_end>",
    ],
    # An animal needs help and gets what it likes.
    "stray": ["<stray_open> <stray_need> <stray_help> [<stray_glad> |]<stray_end>"],
    # A toy breaks and is mended, by a grown-up or without one.
    "broken": [
        "<broken_open> <broken_how> [<tears> |]<broken_ask> <broken_elder> <broken_end>",
        "<broken_open> <broken_how> [<tears> |]<broken_self> <broken_end>",
    ],
    # Somebody is afraid, hears what is true, and is brave.
    "scared": ["<scared_open> <scared_came> [<scared_shook> |]<scared_truth> <scared_brave> <scared_end>"],
    # Something is hard to learn until somebody says how.
    "learned": ["<learned_open> <learned_fail> [<learned_blue> |]<learned_tip> <learned_did> <learned_end>"],
    # A present made by hand.
    "gift": ["<gift_open> <gift_made> [<gift_hid> |]<gift_given> <gift_end>"],
    # Something breaks, and it is hard to say so, most of all for those who blamed the cat.
    "honest": [
        "<honest_broke> <honest_hid> <honest_worry> <honest_truth> <honest_forgive>",
        "<honest_broke> <honest_cat> <honest_cat_worry> <honest_truth> <honest_cat_end>",
    ],
    # Two children want the same toy, and it costs them something before they have an idea.
    "shared": ["<shared_open> <shared_mine> <shared_cost> <shared_idea> <shared_end>"],
    # A dish goes wrong, as one would expect of such a mistake.
    "cooked": ["<cooked_open> <cooked_slip> <cooked_result> [<cooked_again> |]<cooked_end>"],
}

# Parts of sentences. They are free: any of them fits, and nothing later depends on which it was. So a young
# model that has just learned them already writes sentences, long before it gets the story right.
PHRASES = {
    "time": ["One <day>", "After [school|lunch|dinner]", "In the [morning|evening|summer|winter]"],
    "day": ["day", "morning", "evening", "night", "summer", "winter"],
    "at_last": ["At last", "In the end", "After a while", "After <number> days"],
    "number": ["two", "three", "four", "five", "six", "seven", "ten"],
    "where": [spot["name"] for spot in SPOTS],
    "went": ["went", "ran", "walked", "danced"],
    "way": ["home", "to school", "to the market", "into the garden", "up the hill", "to the pond"],
    "she": ["{hero}", "{hero.They}"],
    "then_she": ["{hero}", "{hero.They}", "Then {hero.they}", "So {hero.they}"],
    "helper": ["{elder}", "{friend}"],
    "kind": ["kind", "quiet", "funny", "clever", "brave", "little"],
    "new": ["new", "big", "little", "nice", "funny", "tiny"],
    "small": ["little", "thin", "wet", "tired", "hungry", "tiny"],
    "sad": ["sad", "angry", "upset"],
    "happy": ["happy", "glad", "proud"],
    "eat": ["eat", "sleep", "sing", "speak", "move", "play"],
    "oh": ["Oh", "Oh no", "Look", "Well"],
    "with_glue": ["with [glue|string|a nail|a ribbon|wood]"],
}
