import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.judge.truncate import cut
from curation.recipe import Truncate

TAKES = ["head", "head_tail", "spans"]


def test_of_a_long_text_the_start_and_the_end_are_taken_and_the_gap_is_told():
    by = Truncate(take="head_tail", chars=20)
    assert cut("a" * 20, by) == "a" * 20
    assert cut("a" * 15 + "b" * 1234 + "c" * 5, by) == (
        "a" * 15 + "\n[… 1,234 characters left out …]\n" + "c" * 5
    )


def test_spans_are_taken_from_all_over_a_text():
    text = "".join(chr(0x4E00 + n) for n in range(20_000))
    taken = cut(text, Truncate(take="spans", chars=4000))
    pieces = re.split(r"\n\[… [\d,]+ characters left out …\]\n", taken)
    assert [len(piece) for piece in pieces] == [1000] * 4
    assert (pieces[0][0], pieces[-1][-1]) == (text[0], text[-1])
    assert [text.index(piece) for piece in pieces] == [0, 6333, 12666, 19000]


@given(st.text(max_size=300), st.integers(10, 200), st.sampled_from(TAKES))
def test_no_more_is_taken_than_was_asked_for_and_what_is_taken_or_left_out_is_the_text(text, chars, take):
    taken = cut(text, Truncate(take=take, chars=chars))
    if len(text) <= chars:
        assert taken == text
        return
    gaps = [
        int(gap.replace(",", "")) for gap in re.findall(r"\n\[… ([\d,]+) characters left out …\]\n", taken)
    ]
    kept = re.sub(r"\n\[… [\d,]+ characters left out …\]\n", "", taken)
    assert len(kept) <= chars
    assert text.startswith(kept[: min(5, chars // 2)])
    if take != "head":
        assert len(kept) + sum(gaps) == len(text)
        assert text.endswith(kept[-2:])


@pytest.mark.parametrize("take", TAKES)
def test_what_is_taken_does_not_change_by_a_change_that_is_not_seen(take):
    text = "x" * 10_000
    other = text[:1900] + "y" + text[1901:]
    by = Truncate(take=take, chars=1000)
    assert cut(text, by) == cut(other, by)
