"""Every line of a file is a document, a quarantine row or a blank line, and its bytes can be found again."""

import gzip
import json
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
import zstandard
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from curation.document import content_hash, document_id
from curation.ingest import jsonl
from curation.ingest.outcome import Document, Quarantined
from curation.recipe import Columns
from tests.ingest.archives import ingest, source
from tests.shared_data import shared_path

JSONL = source("jsonl")
MAPPED = Columns(id="key", url="link", fetched_at="when", license="rights", metadata=("author", "tags"))


def lines(*values: Any) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def test_mapped_columns_become_the_fields_of_the_document() -> None:
    row: dict[str, Any] = {
        "key": "k1",
        "text": "Hi.",
        "link": "http://a/",
        "when": "2025-11-03T02:00:08+01:00",
    }
    row |= {"rights": "CC0", "author": "A", "tags": ["x"], "other": 1}
    (one,) = ingest(source("jsonl", columns=MAPPED), lines(row)).documents
    assert one["id"] == document_id("crawl", "k1")
    assert (one["text"], one["url"], one["license"], one["parents"]) == ("Hi.", "http://a/", "CC0", [])
    assert one["fetched_at"] == datetime(2025, 11, 3, 1, 0, 8, tzinfo=UTC)
    assert json.loads(one["metadata"]) == {
        "file": "0",
        "record": 0,
        "columns": {"author": "A", "tags": ["x"]},
    }


def test_a_line_without_a_licence_has_that_of_the_source() -> None:
    made = ingest(source("jsonl", columns=MAPPED, license="CC BY"), lines({"key": 1, "text": "Hi."}))
    assert made.documents[0]["license"] == "CC BY"


@pytest.mark.parametrize("when", [1762135208, 1762135208.0, "2025-11-03 02:00:08", "2025-11-03T02:00:08Z"])
def test_dates_are_read_as_iso_or_epoch_seconds(when: object) -> None:
    made = ingest(source("jsonl", columns=Columns(fetched_at="when")), lines({"text": "Hi.", "when": when}))
    assert made.documents[0]["fetched_at"] == datetime(2025, 11, 3, 2, 0, 8, tzinfo=UTC)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress, b"\xef\xbb\xbf".__add__])
def test_the_bytes_and_not_the_name_say_how_a_file_is_packed(pack: Any) -> None:
    made = ingest(JSONL, pack(lines({"text": "one"}, {"text": "two"})))
    assert (made.texts, made.quarantined) == (["one", "two"], [])


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_members_and_frames_one_after_another_are_one_file(pack: Any) -> None:
    assert ingest(JSONL, pack(lines({"text": "one"})) + pack(lines({"text": "two"}))).texts == ["one", "two"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "Hi."', "broken_json"),
        (b'{"text": NaN}', "broken_json"),
        (b"[" * 100_000, "broken_json"),
        (b'{"text": ' + b"1" * 5_000 + b"}", "broken_json"),
        (b'"text"', "not_an_object"),
        (b'{"tekst": "Hi."}', "text_missing"),
        (b'{"text": null}', "text_missing"),
        (b'{"text": 3}', "text_not_a_string"),
        (b'{"text": "\\ud800", "key": 1}', "lone_surrogate"),
        (b'{"text": "Hi.", "key": "\\udfff"}', "lone_surrogate"),
        (b'{"text": "Hi.", "key": 1, "author": {"\\ud800": 1}}', "lone_surrogate"),
        (b'{"text": "\xff"}', "not_utf8"),
        (b'{"text": "Hi."}', "no_id"),
        (b'{"text": "Hi.", "key": ""}', "no_id"),
        (b'{"text": "Hi.", "key": true}', "bad_id"),
        (b'{"text": "Hi.", "key": [1]}', "bad_id"),
        (b'{"text": "Hi.", "key": 1, "link": 2}', "bad_url"),
        (b'{"text": "Hi.", "key": 1, "rights": []}', "bad_license"),
        (b'{"text": "Hi.", "key": 1, "when": "yesterday"}', "bad_fetched_at"),
        (b'{"text": "Hi.", "key": 1, "when": 1e300}', "bad_fetched_at"),
        (b'{"text": "Hi.", "key": 1, "when": true}', "bad_fetched_at"),
        (b'{"text": "Hi.", "key": 1, "when": "9999-12-31T23:59:59-23:00"}', "bad_fetched_at"),
    ],
)
def test_a_bad_line_is_quarantined_with_its_offset_and_the_rest_goes_on(line: bytes, reason: str) -> None:
    good = lines({"text": "Hi.", "key": "good"})
    also = lines({"text": "Hi.", "key": "also"})
    made = ingest(source("jsonl", columns=MAPPED), good + line + b"\n" + also)
    assert made.faults == [(len(good), reason)]
    assert len(made.documents) == 2


def test_blank_lines_and_empty_texts_are_counted() -> None:
    made = ingest(JSONL, b"\n  \r\n" + lines({"text": " \n\0"}, {"text": "Hi."}))
    assert made.skipped == {"blank_line": 2, "no_text": 1}
    assert made.texts == ["Hi."]


def test_a_file_without_lines_is_a_row() -> None:
    for data in (b"", gzip.compress(b""), zstandard.compress(b"")):
        assert ingest(JSONL, data).faults == [(0, "empty_file")]


def test_like_lines_are_documents_of_their_own_and_unlike_ones_keep_their_ids() -> None:
    same, other = lines({"text": "Same."}), lines({"text": "Other."})
    made = ingest(JSONL, same + same + other, same)
    key = content_hash(same.strip())
    assert [row["id"] for row in made.documents[:2]] == [document_id("crawl", f"{key}:{n}") for n in (0, 1)]
    assert made.documents[3]["id"] == document_id("crawl", f"{key}:2")
    assert made.documents[2]["id"] == ingest(JSONL, other).documents[0]["id"]


def test_a_mapped_id_twice_is_quarantined() -> None:
    made = ingest(
        source("jsonl", columns=Columns(id="k")), lines({"text": "a", "k": 1}, {"text": "b", "k": "1"})
    )
    assert [row["reason"] for row in made.quarantined] == ["duplicate_id"]


def test_a_line_over_the_limit_is_quarantined_and_the_next_is_read() -> None:
    data = lines({"text": "x" * 300_000}, {"text": "Hi."}, {"text": "y" * 300_000})
    large, small, last = jsonl.outcomes(JSONL, "file", BytesIO(data), limit=1_000)
    assert isinstance(large, Quarantined)
    assert (large.offset, large.reason) == (0, "line_too_long")
    assert isinstance(small, Document)
    assert (small.text, small.offset) == ("Hi.", data.index(b'{"text": "Hi."}'))
    assert isinstance(last, Quarantined)


def test_the_limit_counts_a_line_without_its_end() -> None:
    line = lines({"text": "Hi."}).strip()
    for data in (line, line + b"\n"):
        assert [type(one) for one in jsonl.outcomes(JSONL, "f", BytesIO(data), len(line))] == [Document]
        assert [type(one) for one in jsonl.outcomes(JSONL, "f", BytesIO(data), len(line) - 1)] == [
            Quarantined
        ]


@pytest.mark.parametrize(("pack", "kind"), [(gzip.compress, "gzip"), (zstandard.compress, "zstd")])
def test_a_cut_file_gives_its_whole_lines_and_one_row(pack: Any, kind: str) -> None:
    whole = lines(*[{"text": f"Line {n}: {content_hash(str(n))}"} for n in range(5_000)])
    packed = pack(whole)
    made = ingest(JSONL, packed[: len(packed) // 2])
    assert [row["reason"] for row in made.quarantined] == [f"truncated_{kind}"]
    assert made.records == len(made.documents) + 1
    if kind == "gzip":  # zstd holds back what it has of a block
        assert 1_000 < len(made.documents) < 4_000
    assert whole[made.quarantined[0]["offset"] :].startswith(b'{"text": "Line %d:' % len(made.documents))


LINES = [b'{"text": "a"}', b'{"text": 1}', b"\n", b"\r\n", b"[]", b"\xef\xbb\xbf"]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.binary() | st.sampled_from(LINES)))
def test_any_bytes_give_as_many_outcomes_as_lines(parts: list[bytes]) -> None:
    data = b"\n".join(parts)
    assume(not data.startswith((b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd")))
    text = data.removeprefix(b"\xef\xbb\xbf")
    count = text.count(b"\n") + (text[-1:] not in (b"", b"\n"))
    assert ingest(JSONL, data).records == max(1, count)


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300), st.integers(0, 400), st.sampled_from([gzip.compress, zstandard.compress]))
def test_a_flipped_byte_in_a_packed_file_never_passes_in_silence(data: bytes, at: int, pack: Any) -> None:
    packed = bytearray(pack(data))
    packed[at % len(packed)] ^= 0xFF
    assert ingest(JSONL, bytes(packed)).records >= 1


@pytest.mark.shared
def test_a_real_file_is_read_whole() -> None:
    made = ingest(JSONL, shared_path("data/text_bulk/18f-blog.jsonl.zst").read_bytes())
    assert (len(made.documents), made.quarantined, made.skipped) == (381, [], {})
