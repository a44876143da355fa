"""Damage to an archive costs the record it is in, and leaves a row that names the byte."""

import gzip
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.ingest.outcome import Quarantined
from curation.ingest.warc_records import Raw, records
from tests.ingest.archives import html, ingest, members, page, record, response, source

WARC = source()


def found(data: bytes, limit: int = 1_000_000) -> list[Raw | Quarantined]:
    return list(records("file", io.BytesIO(data), limit))


def noise(size: int) -> str:
    return " ".join(f"{n:x}" for n in random.Random(0).sample(range(1 << 30), size))


def test_an_empty_file_is_a_row() -> None:
    assert ingest(WARC, b"").faults == [(0, "empty_file")]
    assert ingest(WARC, gzip.compress(b"")).faults == [(0, "empty_file")]


@pytest.mark.parametrize(
    "data", [b"This is no archive.\n" * 9_000, b"\x00" * 100_000, b"PK\x03\x04...", b"W"]
)
def test_a_file_that_is_no_archive_is_one_row(data: bytes) -> None:
    assert ingest(WARC, data).faults == [(0, "not_a_record")]
    assert ingest(WARC, gzip.compress(data)).faults == [(0, "not_a_record")]


def test_an_arc_file_is_one_row_that_names_the_remedy() -> None:
    arc = b"filedesc://x.arc 0.0.0.0 20080430204825 text/plain 3\nabc\n"
    for data in (arc, gzip.compress(arc) + gzip.compress(b"http://a/ ...")):
        made = ingest(WARC, data)
        assert made.faults == [(0, "arc_file")]
        assert "convert" in made.quarantined[0]["detail"]


def test_an_archive_cut_anywhere_keeps_every_page_before_the_cut() -> None:
    parts = members([page(1), page(2), page(3)])
    archive = b"".join(parts)
    for cut in range(1, len(archive)):
        made = ingest(WARC, archive[:cut])
        before = sum(len(b"".join(parts[: n + 1])) <= cut for n in range(3))
        assert len(made.documents) == before, cut
        assert bool(made.quarantined) == (cut not in (len(parts[0]), len(parts[0] + parts[1]))), cut


def test_an_uncompressed_archive_cut_within_a_page_does_not_give_half_of_it() -> None:
    archive = page(1) + page(2)
    for cut in range(len(page(1)) + 1, len(archive) - 4):
        made = ingest(WARC, archive[:cut])
        assert len(made.documents) == 1, cut
        assert [row["offset"] for row in made.quarantined] == [len(page(1))], cut


def test_a_corrupted_member_costs_its_own_record_only() -> None:
    parts = members([page(1), page(2, noise(500)), page(3), page(4)])
    start = len(parts[0])
    for at in range(start + 20, start + len(parts[1]) - 8, 97):
        archive = bytearray(b"".join(parts))
        archive[at] ^= 0x55
        made = ingest(WARC, bytes(archive))
        assert [row["url"][-1] for row in made.documents] == ["1", "3", "4"], at
        assert [(row["offset"], row["reason"]) for row in made.quarantined] == [(start, "damaged_gzip")], at


def test_rubbish_between_members_is_a_row_and_costs_no_page() -> None:
    parts = members([page(1), page(2)])
    rubbish = b"\x1f\x8b\x08rubbish\x1f\x8b\x08" * 3
    made = ingest(WARC, parts[0] + rubbish + parts[1])
    assert len(made.documents) == 2
    assert [row["offset"] for row in made.quarantined] == [len(parts[0])]


def test_rubbish_between_uncompressed_records_is_a_row_and_costs_no_page() -> None:
    made = ingest(WARC, page(1) + b"rubbish\r\n" + page(2))
    assert len(made.documents) == 2
    assert made.faults == [(len(page(1)), "not_a_record")]


@pytest.mark.parametrize("length", ["0", "5", "150", "300", "100000", "-1", "12x", "", "9" * 40])
def test_a_wrong_content_length_costs_its_own_record_only(length: str) -> None:
    bad = record(2, response(html("Bad.")), Content_Length=length)
    made = ingest(WARC, page(1) + bad + page(3) + page(4))
    assert [row["url"][-1] for row in made.documents] == ["1", "3", "4"]
    assert [row["offset"] for row in made.quarantined] == [len(page(1))]


def test_a_header_that_does_not_end_costs_its_own_record_only() -> None:
    torn = page(2)[:60]
    made = ingest(WARC, page(1) + torn + b"\r\n" + page(3))
    assert [row["url"][-1] for row in made.documents] == ["1", "3"]
    assert made.faults == [(len(page(1)), "bad_record_header")]


def test_missing_line_ends_after_a_record_and_lines_that_end_in_lf_are_no_damage() -> None:
    tight = page(1).removesuffix(b"\r\n\r\n") + page(2)
    unix = page(3).split(b"\r\n\r\n", 1)
    made = ingest(WARC, tight + unix[0].replace(b"\r\n", b"\n") + b"\n\n" + unix[1])
    assert len(made.documents) == 3
    assert made.quarantined == []


def test_a_block_over_the_limit_is_cut_and_not_held() -> None:
    (raw,) = found(record(1, b"x" * 500_000), limit=1_000)
    assert isinstance(raw, Raw)
    assert (len(raw.block), raw.block_bytes, raw.whole) == (1_000, 500_000, False)


PARTS = [page(1), page(2), *members([page(3), page(4)]), b"WARC/", b"\r\n", b"\x1f\x8b\x08"]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(PARTS) | st.binary()))
def test_any_bytes_are_read_to_their_end_and_none_in_silence(parts: list[bytes]) -> None:
    assert ingest(WARC, b"".join(parts)).records >= 1
