import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.reference_repetition import Repetition, repetition
from tests.text.reference_segments import segment
from tests.text.reference_tokens import tokens_of

ANY_TEXT = st.text(st.characters(exclude_categories=()))
REPEATING = st.lists(st.sampled_from(["a", "bb", "c,", "bb a"]), max_size=60).map(" ".join)


def measure(text: str) -> Repetition:
    return repetition(segment(text))


def test_repeated_lines_and_paragraphs_are_shares_of_all():
    found = measure("one\ntwo\n\none\ntwo\n\nthree")
    assert found.duplicate_line_ratio == 2 / 5
    assert found.duplicate_line_char_ratio == 6 / 23
    assert found.duplicate_paragraph_ratio == 1 / 3
    assert found.duplicate_paragraph_char_ratio == 7 / 23


def test_the_top_gram_of_a_text_that_repeats_nothing_is_its_first():
    assert measure("one two three four five").top_2gram_char_ratio == len("one two") / len(
        "one two three four five"
    )


def test_overlapping_grams_do_not_make_more_than_the_whole():
    assert measure("ha " * 40).top_4gram_char_ratio == 1
    assert measure("ha " * 40).duplicate_5gram_char_ratio == pytest.approx(2 * 35 / 120)


@pytest.mark.parametrize("text", ["", " ", "\n\r\n\n", "\u2028"])
def test_a_text_of_nothing_repeats_nothing(text: str):
    assert measure(text) == Repetition(*[0] * 13)


@given(st.one_of(ANY_TEXT, REPEATING, st.characters(exclude_categories=())))
def test_ratios_are_ratios_whatever_the_text(text: str):
    assert all(math.isfinite(value) and 0 <= value <= 1 for value in measure(text))


@given(REPEATING)
def test_pruned_search_finds_what_a_plain_search_finds(text: str):
    tokens = tokens_of(text)
    found = measure(text)
    for n in (2, 3, 4):
        assert getattr(found, f"top_{n}gram_char_ratio") == min(_plain_top(tokens, n) / max(len(text), 1), 1)
    for n in range(5, 11):
        expected = _plain_duplicates(tokens, n) / max(len(text), 1)
        assert getattr(found, f"duplicate_{n}gram_char_ratio") == expected


def _plain_top(tokens: list[str], n: int) -> int:
    grams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    top = max(grams, key=grams.count, default=())
    return len(" ".join(top)) * grams.count(top) if top else 0


def _plain_duplicates(tokens: list[str], n: int) -> int:
    seen: set[tuple[str, ...]] = set()
    chars = at = 0
    while at + n <= len(tokens):
        gram = tuple(tokens[at : at + n])
        chars += len("".join(gram)) if gram in seen else 0
        at += n if gram in seen else 1
        seen.add(gram)
    return chars
