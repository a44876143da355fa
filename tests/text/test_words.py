import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.text.words import fold, words_of

ANY_TEXT = st.text(st.characters(exclude_categories=()))


def test_words_keep_their_apostrophes_points_and_low_lines_but_not_their_hyphens():
    assert words_of("Don't panic: pi is 3.14, e.g. in snake_case, well-known.") == [
        *["Don't", "panic", "pi", "is", "3.14", "e.g", "in", "snake_case", "well", "known"]
    ]


def test_combining_marks_do_not_cut_words_in_pieces():
    assert words_of("नमस्ते दुनिया") == ["नमस्ते", "दुनिया"]
    assert words_of("cafe\u0301 noir") == ["cafe\u0301", "noir"]


def test_scripts_without_spaces_have_one_word_a_character():
    assert words_of("漢字です") == ["漢", "字", "で", "す"]
    assert words_of("สวัสดี") == ["ส", "วั", "ส", "ดี"]
    assert words_of("東京タワーへ2時") == ["東", "京", "タワー", "へ", "2", "時"]


def test_an_emoji_is_no_word_though_its_variation_selector_is_a_mark():
    assert words_of("I \u2764\ufe0f it") == ["I", "it"]


def test_invisible_characters_do_not_make_words_different():
    plain = words_of(fold("soft hyphen می خواهم"))
    assert words_of(fold("so\u00adft hy\u200bphen \u200fمی خواهم\ufeff")) == plain


def test_case_and_composition_do_not_make_words_different():
    assert fold("STRASSE Caf\u00e9") == fold("straße cafe\u0301")


@given(ANY_TEXT)
def test_any_text_has_words_of_letters_digits_and_marks(text: str):
    for word in words_of(text):
        assert word
        assert not any(map(str.isspace, word))
        assert unicodedata.category(word[0])[0] in "LNC"  # C: assigned since this Python's Unicode


@given(ANY_TEXT)
def test_words_do_not_depend_on_how_the_text_is_composed(text: str):
    assert words_of(fold(unicodedata.normalize("NFD", text))) == words_of(fold(text))


def test_a_run_of_marks_that_no_language_has_is_folded_in_linear_time():
    assert len(fold("e" + "\u0301\u0327" * 500_000)) == 1_000_000  # the square of that would take an hour


@pytest.mark.parametrize("marks", ["\u0316" * 100, "\u0316\u0301" * 15])
def test_marks_in_order_and_runs_of_thirty_are_as_in_nfc(marks: str):
    assert fold("x" + marks) == unicodedata.normalize("NFC", "x" + marks)
