"""The stories: varied, plain, and clear about who is meant; sentences that can be told from word soup."""

import re
import time
from collections import Counter

import pytest

from llmviz.text.corpora import CORPORA, Document, stories
from llmviz.text.corpora.rhymes import rhyme_words
from llmviz.text.corpora.stories_sentences import SENTENCES

PRONOUNS = """
    he she him her his himself herself I me my you your they them their we us our
"""

# Words that hold a sentence together. In a skeleton they stay; every other word, a name, noun, verb,
# adjective or number, becomes a blank, and he and she are one word.
FUNCTION_WORDS = """
    a the this that some one no every all both each other another who what where when why how if because so
    for and but or until while after before then now there here of in on at to from by with without under
    behind between around into out up down over off than as like not never nothing nobody everybody everything
    something any more very too again only even I me my you your it its we us our they them their be am is are
    was were been do does did has had have can could will would let at last soon still once next
"""
ONE_PERSON = {"he": "they", "she": "they", "him": "them", "her": "them", "his": "them"}


@pytest.fixture(scope="module")
def made():
    return CORPORA["stories"].generate(11, 600_000)


def text_of(made, document: Document) -> str:
    return made.text[document.start : document.end]


def skeleton(sentence: str) -> str:
    def blank(match: re.Match) -> str:
        word = match[0] if match[0] == "I" else match[0].lower()
        return ONE_PERSON.get(word, word if word in FUNCTION_WORDS.split() else "_")

    return re.sub(r"[A-Za-z']+", blank, sentence)


def test_no_skeleton_is_over_two_percent_of_sentences(made):
    sentences = [s for d in made.documents for s in stories.split_sentences(text_of(made, d))][:10_000]
    assert len(sentences) == 10_000
    skeletons = Counter(map(skeleton, sentences))
    commonest, count = skeletons.most_common(1)[0]
    assert count / len(sentences) < 0.02, commonest
    assert len(skeletons) > 200
    blanks_merged = Counter(re.sub(r"_( _)+", "_", skeleton(s)) for s in sentences)  # "a big red _" is "a _"
    assert blanks_merged.most_common(1)[0][1] / len(sentences) < 0.02


def test_a_small_but_rich_world(made):
    assert len(set(re.findall(r"[a-z']+", made.text.lower()))) > 200
    assert set(made.text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,!?\"' \n")
    assert len(set(made.text)) < 60
    lengths = Counter(len(stories.split_sentences(text_of(made, document))) for document in made.documents)
    assert min(lengths) >= 3 and max(lengths) <= 8
    assert len({text_of(made, document) for document in made.documents}) > 0.99 * len(made.documents)
    assert made.text.count('"') > len(made.documents)  # somebody speaks in every other story, at least


def test_a_megabyte_takes_no_time():
    stories.grammar()
    started = time.process_time()
    CORPORA["stories"].generate(1, 1_000_000)
    assert time.process_time() - started < 3


def test_sentences_are_those_of_the_grammar(made):
    for document in made.documents[:200]:
        text = text_of(made, document)
        [parsed] = stories.parse(text)
        sentences = stories.split_sentences(text)
        assert " ".join(sentences) + "\n" == text
        assert len(sentences) == sum(rule in SENTENCES for rule, _ in parsed.choices)
        assert all(stories.grammatical(sentence) for sentence in sentences)


def test_every_pronoun_has_a_referent(made):
    for document in made.documents[:1000]:
        text = text_of(made, document)
        [parsed] = stories.parse(text)
        known = {mention.start: mention for mention in parsed.mentions}
        for match in re.finditer(r"[A-Za-z]+", text):
            if {match[0], match[0].lower()} & set(PRONOUNS.split()):
                mention = known[match.start()]
                assert mention.end == match.end()
                assert parsed.memory[mention.slot]
                named = [other for other in parsed.mentions if other.slot == mention.slot]
                # A person is named before a pronoun stands for them; a group ("they", "we") never needs a
                # name.
                assert named[0].form == "name" or mention.slot in ("friends", "family")


def test_who_she_is():
    story = (
        "Mia had a new red kite. But she ran to school and lost it. "
        "Mia and Tom looked on the roof and in a box. Then Mia saw something red under the bed. "
        "That night, the kite slept in her bed.\n"
    )
    [parsed] = stories.parse(story)
    assert parsed.memory == {
        "hero": "Mia",
        "color": "red",
        "thing": "kite",
        "friend": "Tom",
        "spot": "on the roof",
        "other_spot": "in a box",
        "hiding": "under the bed",
    }
    meant = [(story[m.start : m.end], parsed.memory[m.slot]) for m in parsed.mentions if m.form != "name"]
    assert meant == [("she", "Mia"), ("it", "kite"), ("her", "Mia")]
    for wrong in [
        story.replace("something red", "something blue"),  # another color than the kite's
        story.replace("in her bed", "in his bed"),  # Mia is a girl
        story.replace("red under the bed", "red on the roof"),  # they had looked there
    ]:
        assert stories.parse(wrong) == []  # grammatical, every sentence of it, but not a story of ours
        assert all(stories.grammatical(sentence) for sentence in stories.split_sentences(wrong))


@pytest.mark.parametrize(
    ("sentence", "right"),
    [
        ("Tom had a new blue kite.", True),
        ('"Oh no!" cried Ruby.', True),
        ("Tom was so happy that he danced home.", True),
        ("Tom was so happy that she danced home.", False),  # no story says that
        ("tom had a new blue kite.", False),
        ("Tom had a new blue kite", False),
        ("Tom had a new blue kit.", False),
        ("Tom had had a new blue kite.", False),
        ('"Oh no! cried Ruby.', False),
        ("", False),
    ],
)
def test_grammatical(sentence, right):
    assert stories.grammatical(sentence) is right


def test_split_sentences_on_what_a_model_might_write():
    assert stories.split_sentences('A b. "C d!" said E. F said, "G h." "I?" Then j') == [
        "A b.",
        '"C d!" said E.',
        'F said, "G h."',
        '"I?"',
        "Then j",
    ]
    assert stories.split_sentences('He said "no. Then\nMia ran. She fell.') == [
        'He said "no. Then',
        "Mia ran.",
        "She fell.",
    ]
    assert stories.split_sentences("\n\n") == []


def test_couplets_rhyme():
    rhymes_with = {word["name"]: word["rhyme"] for word in rhyme_words()}
    assert all(rhymes for rhymes in rhymes_with.values())
    made = CORPORA["rhymes"].generate(3, 100_000)
    for document in made.documents:
        first, second, *rest = text_of(made, document).split("\n")
        assert rest == ["", ""]
        one, other = re.search(r"(\w+),$", first)[1], re.search(r"(\w+)\.$", second)[1]
        assert other in rhymes_with[one] and one != other


def test_dinosaurs_are_mostly_new():
    made = CORPORA["dinosaurs"].generate(3, 200_000)
    names = made.text.split("\n")[:-1]
    assert all(re.fullmatch("[a-z]{5,40}", name) for name in names)
    assert len(set(names)) > 0.5 * len(names)
    unseen = set(CORPORA["dinosaurs"].generate(4, 200_000).text.split("\n")) - set(names)
    assert len(unseen) > 1000
