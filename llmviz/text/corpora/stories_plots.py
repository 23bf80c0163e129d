"""How the stories go: a plot is a row of beats, and for every beat there is a handful of sentences.

The notation is that of `grammar.py`: [a|b] is one or the other, <rule> another rule, {slot.form} a form of a
word of the small world in `stories_world.py`, drawn when first mentioned and remembered. The sentences are in
`stories_sentences.py`; here is only their order. Causes come before effects: a kite is lost before anybody
is sad, and only what was hidden can be found.
"""

PLOTS = {
    "story": [
        "<lost>\n",
        "<broken>\n",
        "<shared>\n",
        "<scared>\n",
        "<stray>\n",
        "<cooked>\n",
        "<learned>\n",
        "<grown>\n",
        "<honest>\n",
        "<astray>\n",
        "<gift>\n",
    ],
    # Something is lost, looked for and found.
    "lost": ["<lost_open> <lost_gone> [<sad> |]<lost_search> <lost_find> <lost_end>"],
    # A toy breaks and is mended, by a grown-up or without one.
    "broken": [
        "<broken_open> <broken_how> [<sad> |]<broken_ask> <broken_elder> <broken_end>",
        "<broken_open> <broken_how> [<sad> |]<broken_self> <broken_end>",
    ],
    # Two children want the same toy, and it costs them something before they have an idea.
    "shared": ["<shared_open> <shared_mine> [<shared_fight> |]<shared_cost> <shared_idea> <shared_end>"],
    # Somebody is afraid, learns what is true, and is brave.
    "scared": ["<scared_open> <scared_came> [<scared_shook> |]<scared_truth> <scared_brave> <scared_end>"],
    # An animal needs help and gets what it likes.
    "stray": ["<stray_open> <stray_need> <stray_help> [<stray_glad> |]<stray_end>"],
    # A dish goes wrong, as one would expect of such a mistake.
    "cooked": ["<cooked_open> <cooked_slip> <cooked_result> [<cooked_again> |]<cooked_end>"],
    # Something is hard to learn until somebody says how.
    "learned": ["<learned_open> <learned_fail> [<learned_blue> |]<learned_tip> <learned_did> <learned_end>"],
    # A seed takes its time.
    "grown": ["<grown_open> <grown_wait> [<grown_care> |]<grown_grew> <grown_end>"],
    # Something breaks, and it is hard to say so, most of all for those who blamed the cat.
    "honest": [
        "<honest_broke> <honest_hid> <honest_worry> <honest_truth> <honest_forgive>[ <honest_end>|]",
        "<honest_broke> <honest_cat> <honest_cat_worry> <honest_truth> <honest_cat_end>",
    ],
    # Lost in a crowd: the landmark helps.
    "astray": ["<astray_open> <astray_lure> <astray_alone> <astray_think> <astray_found>[ <astray_end>|]"],
    # A present made by hand.
    "gift": ["<gift_open> <gift_made> [<gift_hid> |]<gift_doubt> <gift_given> <gift_end>"],
}

# Parts of sentences that many sentences share.
PHRASES = {
    "she": ["{hero}", "{hero.They}"],
    "then_she": ["{hero}", "{hero.They}", "Then {hero.they}", "So {hero.they}"],
    "one_day": ["One day", "One morning", "One evening", "The next day"],
    "at_last": ["At last", "In the end", "After a while", "After a long time"],
    "kind": ["kind", "quiet", "funny", "clever", "brave", "little"],
    "small": ["little", "thin", "wet", "tired"],
    "number": ["two", "three", "four", "five", "six", "seven", "ten"],
}
