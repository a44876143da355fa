"""Packing as arithmetic: nothing lost, nothing doubled, little wasted."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curation.pretrain.best_fit import assign, pack_rows

LENGTHS = st.lists(st.integers(1, 200), max_size=60)


@given(lengths=LENGTHS, row_tokens=st.integers(2, 65))
def test_each_token_is_in_exactly_one_row_and_no_row_is_too_long(lengths: list[int], row_tokens: int) -> None:
    sizes = np.array(lengths, np.int64)
    starts = np.cumsum(sizes) - sizes
    segments, counts = pack_rows(np.arange(len(sizes)), starts, sizes, row_tokens)
    covered = [t for s in segments for t in range(int(s["start"]), int(s["start"]) + int(s["length"]))]
    assert sorted(covered) == list(range(sizes.sum()))
    assert counts.sum() == len(segments)
    assert all(counts > 0)
    ends = np.cumsum(counts)
    for first, end in zip(ends - counts, ends, strict=True):
        assert segments["length"][first:end].sum() <= row_tokens
    for segment in segments:
        document = int(segment["document"])
        assert starts[document] <= segment["start"] < starts[document] + sizes[document]


@given(lengths=st.lists(st.integers(1, 33), min_size=1, max_size=60))
def test_at_most_one_row_is_half_empty(lengths: list[int]) -> None:
    """Two rows at most half full would have been one."""
    sizes = np.array(lengths, np.int32)
    filled = np.bincount(assign(sizes, 33), weights=sizes)
    assert (filled <= 16).sum() <= 1


def test_pieces_that_fill_rows_exactly_leave_no_padding() -> None:
    rows = assign(np.array([3, 7, 5, 5, 10, 1, 9], np.int32), 10)
    assert rows.max() + 1 == 4
    assert rows[0] == rows[1]
    assert rows[2] == rows[3]
    assert rows[5] == rows[6]
