"""A body comes out as it was sent, or its record says why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.ingest.http import body, unchunk
from curation.ingest.outcome import UnreadableError


@given(st.lists(st.binary(min_size=1)), st.sampled_from([b"", b";name=value", b"  "]), st.booleans())
def test_chunks_put_together_are_the_body(parts: list[bytes], extension: bytes, ended: bool) -> None:
    sent = b"".join(b"%X%s\r\n%s\r\n" % (len(part), extension, part) for part in parts)
    assert unchunk(sent + (b"0\r\nTrailer: x\r\n\r\n" if ended else b"")) == b"".join(parts)


REASONS = {"bad_chunking", "bad_content_encoding", "page_too_large"}
CODINGS = ["", "gzip", "deflate", "br", "zstd", "gzip, br"]


@given(st.binary(), st.sampled_from(["", "chunked"]), st.sampled_from(CODINGS))
def test_any_bytes_are_decoded_or_refused_with_a_reason(data: bytes, transfer: str, content: str) -> None:
    reason = None
    try:
        decoded, overlooked = body(data, transfer, content, 1_000)
        assert overlooked is None or decoded == data
    except UnreadableError as error:
        reason = error.reason
    assert reason is None or reason in REASONS


def test_a_size_that_no_body_can_have_is_refused() -> None:
    with pytest.raises(UnreadableError, match="bad_chunking"):
        unchunk(b"ffffffffffffff\r\nabc")
