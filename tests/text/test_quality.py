import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.reference_quality import Quality, quality
from tests.text.reference_segments import segment

ANY_TEXT = st.text(st.characters(exclude_categories=()))
MARKED = st.text(st.sampled_from("#….- •\nathe"))


def measure(text: str) -> Quality:
    return quality(segment(text))


def test_words_are_counted_without_marks():
    found = measure("The cat, sat: 22 -- mice!")
    assert found.word_count == 5
    assert found.mean_word_chars == pytest.approx((3 + 3 + 3 + 2 + 4) / 5)
    assert found.alphabetic_ratio == pytest.approx(4 / 9)


def test_symbols_are_counted_against_tokens_and_capped():
    assert measure("# one\n## two ... three…").hash_ratio == pytest.approx(3 / 8)
    assert measure("# one\n## two ... three…").ellipsis_ratio == pytest.approx(2 / 8)
    assert measure("http://x#####y").hash_ratio == 1


def test_blank_lines_are_lines_without_bullet_and_ellipsis_as_for_datatrove():
    found = measure("- one\n\n• two\n\n  - three\n\nfour ...\n")
    assert found.bullet_line_ratio == 3 / 7
    assert found.ellipsis_line_ratio == 1 / 7


def test_stop_words_are_counted_once_each_in_any_case():
    assert measure("The the THE of and").stop_word_count == 3


@pytest.mark.parametrize("text", ["", " ", "\n\r\n\n", "\u2028"])
def test_a_text_of_nothing_measures_zero(text: str):
    assert measure(text) == Quality(0, 0, 0, 0, 0, 0, 0, 0)


@given(st.one_of(ANY_TEXT, MARKED, st.characters(exclude_categories=())))
def test_ratios_are_ratios_whatever_the_text(text: str):
    found = measure(text)
    assert all(math.isfinite(value) for value in found)
    assert all(0 <= value <= 1 for name, value in found._asdict().items() if name.endswith("_ratio"))
    assert found.word_count >= 0
    assert found.mean_word_chars <= len(text)
    assert found.stop_word_count <= found.word_count
