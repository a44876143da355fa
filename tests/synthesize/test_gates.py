import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.synthesize import gates

SOURCE = (
    "Hi folks! I finally wrote up sourdough. Remember that wild yeast is slow: at 24 degrees my dough "
    "takes about 6 hours to double, where baker's yeast needs one hour. The sour taste is lactic acid, "
    "made by bacteria living next to the yeast. In 2019 we sold 1,250 loaves at $4.50 each. Subscribe "
    "for more recipes!"
)
GOOD = (
    "Sourdough is raised by wild yeast, which is slow: at 24 degrees a dough takes about 6 hours to "
    "double, where baker's yeast needs 1. Its sour taste is lactic acid, which bacteria living beside "
    "the yeast make. 1250 loaves were sold in 2019 at $4.5 each."
)
OTHER = (
    "Photosynthesis converts sunlight into chemical energy inside chloroplasts, where chlorophyll "
    "absorbs photons and drives electrons through membranes, producing oxygen and storing carbohydrates"
    " for the growing plant."
)


def test_a_faithful_passage_passes():
    assert list(gates.reasons(SOURCE, GOOD)) == []


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("  \n", "empty_text"),
        ("Wild yeast.", "too_short"),
        (GOOD * 3, "too_long"),
        (f"Here is the rewritten passage: {GOOD}", "meta_text"),
        (f"{GOOD} As an AI language model, I have no dough.", "meta_text"),
        (f"Sure! {GOOD}", "meta_text"),
        (f"{GOOD} The document also mentions recipes.", "meta_text"),
        ("I’m sorry, but I cannot help with sourdough or with lactic acid bacteria.", "meta_text"),
        (GOOD.replace("6 hours", "8 hours"), "invented_numbers"),
        (f"{GOOD} It was 1.5 percent.", "invented_numbers"),
        (GOOD + " " + " ".join(OTHER.split()[:17]), "too_many_new_words"),
        (OTHER, "too_many_new_words"),
        ("In 2019 we finally sold recipes; remember and subscribe for more!", "too_little_of_its_source"),
    ],
)
def test_what_is_wrong_is_named(written, reason):
    assert gates.refuse(SOURCE, written) == reason


def test_what_the_source_says_of_models_may_be_said_again():
    said = "As an AI, the assistant replies that it cannot help."
    assert gates.meta_text(f"A page about chats. {said} It ends.", said.replace(", ", ",  ")) is None
    assert gates.meta_text(SOURCE, said) == "As an AI"


@pytest.mark.parametrize(
    ("source", "written", "invented"),
    [
        ("1,000,000 people", "1000000 people", []),
        ("three cats", "3 cats", []),
        ("three cats", "4 cats", ["4"]),
        ("on 2025-11-03", "on 3 November 2025", []),
        ("it was 2.50", "it was 2.5", []),
        ("mix and bake", "1. mix\n2) bake", []),
        ("version 3.11.4", "version 3.11", ["3.11"]),
        ("pay 5", "pay 50", ["50"]),
        ("ten of 20", "10 of 200", ["200"]),
    ],
)
def test_numbers_are_compared_as_numbers(source, written, invented):
    assert gates.invented_numbers(source, written) == invented


@given(st.text(min_size=1).filter(lambda t: t.strip()))
def test_a_text_that_is_repeated_word_for_word_passes(text):
    assert gates.refuse(text, text) is None


def test_inflections_are_the_same_word():
    assert gates.new_words_ratio("bacteria restated", "bacterial restates restating") == 0.0


def test_texts_in_scripts_without_spaces_are_not_refused_for_their_words():
    assert gates.refuse("酸种面包由野生酵母发酵。" * 5, "野生酵母让酸种面包发酵。" * 3) is None
