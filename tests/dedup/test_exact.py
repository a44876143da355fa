import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from curation.dedup import exact


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "d"]))))
def test_each_row_names_the_first_row_of_its_digest_however_the_column_is_chunked(
    chunks: list[list[str]],
) -> None:
    digests = [digest for chunk in chunks for digest in chunk]
    column = pa.chunked_array(chunks, pa.string())
    assert exact.first_of(column).tolist() == [digests.index(digest) for digest in digests]
