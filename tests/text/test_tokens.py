import time

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from tests.text.reference_tokens import is_word, tokens_of

ANY_TEXT = st.text(st.characters(exclude_categories=()))
PROSE = st.text(st.sampled_from("aB9.,'’:/-=<\"()… \n"))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ('He said: "Go!" (twice).', ["He", "said", ":", '"', "Go", "!", '"', "(", "twice", ")", "."]),
        ("We don't; it’s Bob's.", ["We", "do", "n't", ";", "it", "’s", "Bob", "'s", "."]),
        (
            "The U.S. grew 3.14 %, e.g. J. Doe...",
            ["The", "U.S.", "grew", "3.14", "%", ",", "e.g.", "J.", "Doe", "..."],
        ),
        ("L'été qu’il t'a dit dell'arte", ["L'", "été", "qu’", "il", "t'", "a", "dit", "dell'", "arte"]),
        ("O'Brien's d's l've all's", ["O'Brien", "'s", "d", "'s", "l", "'ve", "all", "'s"]),
        ("Dr. Doe (Inc.), p. 9.", ["Dr.", "Doe", "(", "Inc.", ")", ",", "p.", "9", "."]),
        ("''a'' ''''", ["''", "a", "''", "'", "'", "'", "'"]),
        ("well-known and/or day-9", ["well", "-", "known", "and", "/", "or", "day-9"]),
        (
            "1914-18, 555-12-34 3*4+5",
            ["1914", "-", "18", ",", "555", "-", "12", "-", "34", "3", "*", "4", "+", "5"],
        ),
        ("see https://a-b.gov/c-d, www.x.org.", ["see", "https://a-b.gov/c-d", ",", "www.x.org", "."]),
        ("wait...what… ok", ["wait", "...", "what", "…", "ok"]),
        ("漢字です。", ["漢", "字", "で", "す", "。"]),
        ("", []),
    ],
)
def test_english_is_cut_as_published_thresholds_expect(text: str, tokens: list[str]):
    assert tokens_of(text) == tokens


@pytest.mark.parametrize(
    ("language", "text", "tokens"),
    [
        ("de", "S-Bahn, am 3. Mai, ggf. 1/2", ["S-Bahn", ",", "am", "3.", "Mai", ",", "ggf.", "1", "/", "2"]),
        ("de", "Tag(e http://a.de/ (am 9.)", ["Tag", "(", "e", "http://a.de", "/", "(", "am", "9.", ")"]),
        ("no", "17. mai e-post", ["17.", "mai", "e-post"]),
        ("pl", "9.11 S.A. 1919–1932", ["9", ".", "11", "S", ".", "A", ".", "1919", "–", "1932"]),
        ("id", "teman-teman 1/2", ["teman-teman", "1", "/", "2"]),
        ("es", "ítalo-francés 1914-18.", ["ítalo-francés", "1914-18", "."]),
        ("nl", "radio's en-zo", ["radio's", "en-zo"]),
    ],
)
def test_other_languages_are_cut_as_spacy_cuts_them(language: str, text: str, tokens: list[str]):
    assert tokens_of(text, language) == tokens
    theirs = spacy.blank({"no": "nb"}.get(language, language)).tokenizer
    assert [token.text for token in theirs(text)] == tokens


@given(st.one_of(ANY_TEXT, PROSE))
def test_no_character_is_lost_but_white_space(text: str):
    assert "".join(tokens_of(text)) == "".join(text.split())


def test_marks_are_no_words():
    assert [token for token in tokens_of("Yes -- 9 'n' #") if is_word(token)] == ["Yes", "9", "n"]


@pytest.mark.parametrize(
    "unit", ["a-", "a,", ",.", "a.,", "'", "n't", "https://,", "a.b", "漢", "\u0301", "-", "("]
)
def test_a_huge_chunk_without_spaces_takes_linear_time(unit: str):
    def seconds(size: int) -> float:
        start = time.process_time()
        tokens_of(unit * (size // len(unit)))
        return time.process_time() - start

    seconds(1000)
    assert min(seconds(200_000) for _ in range(3)) < 40 * max(seconds(20_000), 0.005)
