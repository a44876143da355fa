import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from curation.banding import banding, recall
from curation.recipe import Duplicates


def test_by_default_it_is_fourteen_bands_of_eight() -> None:
    settings = Duplicates()
    assert (settings.bands, settings.rows) == (14, 8)
    assert recall(0.8, 14, 8) == pytest.approx(0.9235, abs=1e-4)


@given(st.floats(0.05, 1), st.integers(1, 300), st.floats(0.01, 0.999))
def test_more_hashes_a_band_would_miss_more_than_was_asked(
    similarity: float, hashes: int, wanted: float
) -> None:
    try:
        bands, rows = banding(similarity, hashes, wanted)
    except ValueError:
        assert recall(similarity, hashes, 1) < wanted
        return
    assert bands * rows <= hashes < (bands + 1) * rows
    assert recall(similarity, bands, rows) >= wanted
    assert all(recall(similarity, hashes // more, more) < wanted for more in range(rows + 1, hashes + 1))


def test_a_recall_that_the_hashes_cannot_give_is_an_error_that_says_what_they_can() -> None:
    with pytest.raises(
        ValidationError, match=r"probability of 0\.360 at best, and recall asks for 0\.9: raise"
    ):
        Duplicates(similarity=0.2, hashes=2)
