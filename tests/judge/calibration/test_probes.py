"""An edit changes the dress of a document: what it says is all there, and nothing new about the subject."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.judge.calibration import probes
from curation.text.words import words_of

TEXT = (
    "The bridge was built in 1890 by Dr. Smith. It crosses the river near the old town!\n\n"
    "Ships pass under the bridge every day. “They are tall,” says the keeper of the bridge.\n"
    "Was it ever closed? Only in the winter of 1947, when ice broke two of its piers."
)
texts = st.text(st.sampled_from("ab Z.?!\n“”é。"), min_size=1, max_size=200).filter(str.strip)
WHOLE = [name for name in probes.EDITS if name != "halved"]


@pytest.mark.parametrize("name", WHOLE)
@given(texts)
def test_every_word_is_still_there_in_its_order(name, text):
    left = iter(words_of(probes.EDITS[name](text)))
    assert all(word in left for word in words_of(text))


@pytest.mark.parametrize("name", probes.EDITS)
def test_an_edit_changes_the_text_and_is_the_same_each_time(name):
    edited = probes.EDITS[name](TEXT)
    assert edited != TEXT
    assert probes.EDITS[name](TEXT) == edited


def test_markdown_has_a_title_headings_and_a_bullet_a_sentence():
    lines = probes.markdown(TEXT).splitlines()
    assert lines[0] == "# Bridge"
    assert sum(line.startswith("## ") for line in lines) == 3
    assert "- It crosses the river near the old town!" in lines
    assert "- Only in the winter of 1947, when ice broke two of its piers." in lines


def test_padding_doubles_the_length_and_halving_ends_with_a_sentence():
    assert 2 * len(TEXT) <= len(probes.padded(TEXT)) <= 2 * len(TEXT) + 60
    assert probes.halved(TEXT).endswith("Ships pass under the bridge every day.")
    assert len(probes.halved(TEXT)) <= len(TEXT) / 2


@given(texts)
def test_half_of_a_text_is_a_beginning_of_it(text):
    half = probes.halved(text)
    assert text.startswith(half)
    assert len(half) <= len(text) / 2


def test_an_article_names_its_subject_and_questions_are_asked_about_each_paragraph():
    assert probes.encyclopedic(TEXT).startswith("Bridge is the subject of this article.")
    asked = probes.questions(TEXT)
    assert asked.count("Q: ") == asked.count("A: ") == 3


def test_a_text_without_spaces_or_sentences_is_edited_too():
    japanese = "この橋は古い。とても長い。"
    assert probes.markdown(japanese).count("- ") == 2
    assert probes.halved(japanese) == "この橋は古い。"[: len(japanese) // 2]
    for edit in probes.EDITS.values():
        assert isinstance(edit("x"), str)
