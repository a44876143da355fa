from hypothesis import given
from hypothesis import strategies as st

from tests.text.reference_lines import lines_of, paragraphs_of

ANY_TEXT = st.text(st.characters(exclude_categories=()))


def test_line_ends_of_every_system_end_lines():
    assert lines_of("a\nb\r\nc\rd\u2028e") == ["a", "b", "c", "d", "e"]


def test_blank_lines_are_no_lines_but_separate_paragraphs():
    text = "\n\n one\ntwo\n \t\r\n\nthree\r\nfour\n\n"
    assert lines_of(text) == [" one", "two", "three", "four"]
    assert paragraphs_of(text) == [" one\ntwo", "three\nfour"]


def test_only_newlines_are_nothing():
    assert lines_of("\n\r\n\n") == []
    assert paragraphs_of("\n\r\n\n") == []


@given(ANY_TEXT)
def test_paragraphs_are_made_of_the_lines(text: str):
    assert [line for paragraph in paragraphs_of(text) for line in paragraph.split("\n")] == lines_of(text)
