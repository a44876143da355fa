"""A crawl loses no page without a row that says where and why."""

import gzip
import io
import json
import tracemalloc
import zlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import zstandard
from fastwarc import ArchiveIterator
from fastwarc.stream_io import BrotliWriter

from curation.document import document_id
from curation.recipe import Extract
from tests.ingest.archives import html, ingest, members, page, record, response, source
from tests.shared_data import shared_path

WARC = source()


def chunked(body: bytes, size: int = 50) -> bytes:
    parts = [body[n : n + size] for n in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_a_page_keeps_url_date_licence_and_where_it_came_from() -> None:
    first, second = members([page(1), page(2)])
    made = ingest(
        source(license={"http://example.org/": "CC0", "http://example.org/2": "PSF"}), first + second
    )
    one, two = made.documents
    assert one["id"] == document_id("crawl", "<urn:uuid:1>")
    assert one["url"] == "http://example.org/1"
    assert one["fetched_at"] == datetime(2025, 11, 3, 2, 0, 8, tzinfo=UTC)
    assert (one["license"], two["license"]) == ("CC0", "PSF")
    assert one["text"].strip() == "This is what page 1 says."
    assert json.loads(two["metadata"]) == {
        "file": "0",
        "record": len(first),
        "content_type": "text/html; charset=utf-8",
        "charset": "utf-8",
        "title": "A title",
    }


def test_the_stated_offset_is_where_the_page_can_be_read_again() -> None:
    archive = b"".join(members([page(1), page(2), page(3)]))
    for row in ingest(WARC, archive).documents:
        offset = json.loads(row["metadata"])["record"]
        assert row["url"].encode() in zlib.decompressobj(31).decompress(archive[offset:])


def test_an_uncompressed_archive_gives_the_same_documents() -> None:
    pages = [page(1), page(2)]
    plain, compressed = ingest(WARC, b"".join(pages)), ingest(WARC, b"".join(members(pages)))
    assert [row["id"] for row in plain.documents] == [row["id"] for row in compressed.documents]
    assert [json.loads(row["metadata"])["record"] for row in plain.documents] == [0, len(pages[0])]


def test_a_whole_archive_in_one_gzip_member_is_read_and_says_where_within_it() -> None:
    pages = [page(1), page(2)]
    made = ingest(WARC, gzip.compress(b"".join(pages)))
    assert [json.loads(row["metadata"]).get("within") for row in made.documents] == [None, len(pages[0])]


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data, wbits=-15)),
        ("zstd", zstandard.compress),
        ("identity", bytes),
    ],
)
def test_a_compressed_body_is_decoded(coding: str, encode: Callable[[bytes], bytes]) -> None:
    body = encode(html("Read me."))
    made = ingest(WARC, record(1, response(body, Content_Encoding=coding)))
    assert [text.strip() for text in made.texts] == ["Read me."]


def test_a_brotli_body_is_decoded() -> None:
    body = io.BytesIO()
    with BrotliWriter(body) as writer:
        writer.write(html("Read me."))
    assert body.getvalue() != html("Read me.")
    made = ingest(WARC, record(1, response(body.getvalue(), Content_Encoding="br")))
    assert made.texts == ["Read me."]


def test_a_chunked_and_compressed_body_is_decoded() -> None:
    body = chunked(gzip.compress(html("Read me.")))
    made = ingest(WARC, record(1, response(body, Transfer_Encoding="chunked", Content_Encoding="gzip")))
    assert made.texts == ["Read me."]


def test_bad_chunking_is_quarantined_and_the_rest_goes_on() -> None:
    broken = chunked(html("Read me.")).replace(b"\r\n28\r\n", b"\r\nzz\r\n")
    assert broken != chunked(html("Read me."))
    bad = record(1, response(broken, Transfer_Encoding="chunked"))
    made = ingest(WARC, bad + page(2))
    assert made.faults == [(0, "bad_chunking")]
    assert len(made.documents) == 1


def test_a_cut_chunk_is_quarantined_but_a_missing_last_one_is_not() -> None:
    whole = chunked(html("Read me.")).removesuffix(b"0\r\n\r\n")
    assert ingest(WARC, record(1, response(whole, Transfer_Encoding="chunked"))).texts == ["Read me."]
    made = ingest(WARC, record(1, response(whole[:-20], Transfer_Encoding="chunked")))
    assert made.faults == [(0, "bad_chunking")]


@pytest.mark.parametrize("header", [{"Transfer_Encoding": "chunked"}, {"Content_Encoding": "gzip"}])
def test_plain_html_under_a_header_that_says_otherwise_is_read_and_said(header: dict[str, str]) -> None:
    made = ingest(WARC, record(1, response(html("Read me."), **header)))
    assert made.texts == ["Read me."]
    assert json.loads(made.documents[0]["metadata"])["overlooked"].startswith("bad_")


def test_a_body_that_cannot_be_decoded_is_quarantined() -> None:
    cut = record(1, response(gzip.compress(html("Read me."))[:-12], Content_Encoding="gzip"))
    unknown = record(2, response(b"\x00\x01rubbish", Content_Encoding="sdch"))
    made = ingest(WARC, cut + unknown)
    assert made.faults == [(0, "bad_content_encoding"), (len(cut), "unknown_content_encoding")]


def test_a_decompression_bomb_costs_little_memory() -> None:
    bomb = record(1, response(gzip.compress(b"<p>" + b"x" * 50_000_000), Content_Encoding="gzip"))
    small = source(extract=Extract(max_page_bytes=100_000))
    tracemalloc.start()
    made = ingest(small, bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert made.faults == [(0, "page_too_large")]
    assert peak < 10_000_000


def test_a_page_over_the_limit_is_quarantined_but_a_large_image_is_counted() -> None:
    small = source(extract=Extract(max_page_bytes=1_000))
    body = b"x" * 3_000_000
    large, image = record(1, response(body)), record(2, response(body, Content_Type="image/png"))
    made = ingest(small, large + image + page(3))
    assert made.faults == [(0, "page_too_large")]
    assert made.skipped == {"not_html_or_text": 1}
    assert len(made.documents) == 1


def test_what_is_no_page_is_counted_by_reason() -> None:
    records = [
        record(1, b"software: x", "warcinfo", Content_Type="application/warc-fields"),
        record(2, b"GET / HTTP/1.1\r\n\r\n", "request", Content_Type="application/http; msgtype=request"),
        record(3, b"fetchTimeMs: 1", "metadata", Content_Type="application/warc-fields"),
        record(4, b"HTTP/1.1 200 OK\r\n\r\n", "revisit"),
        record(5, b"20251103 example.org", Content_Type="text/dns"),
        record(6, response(b"gone", "404 Not Found")),
        record(7, response(b"GIF89a", Content_Type="image/gif")),
        record(8, response(b"\x89PNG\r\n\x1a\n\0\0", Content_Type="text/html")),
        record(
            9,
            response(b"User-agent: *", Content_Type="text/plain"),
            WARC_Target_URI="http://a.org/robots.txt",
        ),
        record(10, response(b"  ")),
        record(11, response(b"<html><script>1</script></html>")),
        record(12, b"rest", "continuation"),
    ]
    made = ingest(WARC, b"".join(records))
    assert (made.documents, made.quarantined, made.records) == ([], [], 12)
    assert made.skipped == {
        "warcinfo": 1,
        "request": 1,
        "metadata": 1,
        "revisit": 1,
        "not_http": 1,
        "status_not_200": 1,
        "not_html_or_text": 2,
        "robots_txt": 1,
        "empty_body": 1,
        "no_text": 1,
        "continuation": 1,
    }


def test_resources_plain_text_and_wet_conversions_are_documents() -> None:
    records = [
        record(1, html("A resource."), "resource", Content_Type="text/html"),
        record(2, b"A conversion.", "conversion", Content_Type="text/plain"),
        record(3, response(b"Plain.", Content_Type="text/plain")),
        record(4, response(b"Sniffed.", Content_Type="")),
        record(5, response(html("Sniffed too."), Content_Type="")),
    ]
    assert ingest(WARC, b"".join(records)).texts == [
        "A resource.",
        "A conversion.",
        "Plain.",
        "Sniffed.",
        "Sniffed too.",
    ]


def test_records_without_what_a_document_needs_are_quarantined() -> None:
    anonymous = record(1, response(html("Who am I?")), WARC_Record_ID="")
    headless = record(2, b"<html>no HTTP header")
    made = ingest(WARC, anonymous + headless + page(3))
    assert made.faults == [(0, "no_record_id"), (len(anonymous), "bad_http_header")]
    assert len(made.documents) == 1


def test_odd_urls_and_dates_cost_nothing() -> None:
    records = [
        record(1, response(html("Hi.")), WARC_Target_URI="<http://a.org/b c>", WARC_Date="once"),
        record(2, response(html("Hi.")), WARC_Target_URI="http://[b", WARC_Date="0001-01-01T00:00:00+10:00"),
    ]
    made = ingest(WARC, b"".join(records))
    assert [(row["url"], row["fetched_at"]) for row in made.documents] == [
        ("http://a.org/b c", None),
        ("http://[b", None),
    ]


def test_a_page_nested_a_hundred_thousand_tags_deep_is_quarantined_at_once() -> None:
    made = ingest(WARC, record(1, response(html("<div>" * 100_000))) + page(2))
    assert made.faults == [(0, "nested_too_deep")]
    assert len(made.documents) == 1


def test_control_characters_do_not_reach_the_text() -> None:
    made = ingest(
        WARC, record(1, response("a\0b\x07c\x0cd\x85e".encode(), Content_Type="text/plain; charset=utf-8"))
    )
    assert made.texts == ["abc d e"]


def test_the_same_record_id_twice_is_quarantined_even_across_files() -> None:
    made = ingest(WARC, page(1) + page(2), page(1))
    assert [(row["file"], row["reason"]) for row in made.quarantined] == [("1", "duplicate_id")]
    assert len(made.documents) == 2


def test_rows_do_not_depend_on_the_batch_size() -> None:
    archive = b"".join(members([page(n % 7) for n in range(20)])) + b"rubbish"
    one, many = ingest(WARC, archive, rows=1), ingest(WARC, archive)
    assert one == many


DAMAGED = {
    "IAH-20080430204825-00000-blackbook-truncated.arc.gz": [(0, "arc_file")],
    "bad.arc": [(0, "arc_file")],
    "clipped.warc.gz": [(0, "truncated_gzip")],
    "example-trunc.warc": [(1197, "bad_content_length")],
}


@pytest.mark.shared
def test_every_real_archive_is_survived_and_every_record_accounted_for() -> None:
    files = sorted(path for path in shared_path("data/warc_real").rglob("*") if path.is_file())
    assert len(files) == 15
    for path in files:
        made = ingest(WARC, path.read_bytes())
        assert made.faults == DAMAGED.get(path.name, []), path.name
        if path.name not in DAMAGED:
            assert made.records == sum(1 for _ in ArchiveIterator(str(path), parse_http=False)), path.name


@pytest.mark.shared
def test_what_is_no_page_in_the_crawl_is_what_its_index_says() -> None:
    index = gzip.decompress(shared_path("data/crawl/captures.jsonl.gz").read_bytes()).splitlines()
    captures = [row for row in map(json.loads, index) if row["kind"] == "noise"]
    pages = [
        row
        for row in captures
        if (row["status"], row["content_type"].partition(";")[0])
        in {("200", "text/html"), ("200", "text/plain")}
    ]
    robots = [row for row in pages if row["url"].endswith("/robots.txt")]
    files = sorted(shared_path("data/crawl").glob("*/*noise.warc.gz"))
    made = ingest(WARC, *[path.read_bytes() for path in files])
    assert made.records == len(captures) + len(files)  # each file begins with a warcinfo record
    assert made.quarantined == []
    assert made.skipped["robots_txt"] == len(robots) > 0
    assert (
        len(made.documents) == len(pages) - len(robots) - made.skipped["no_text"] - made.skipped["empty_body"]
    )


@pytest.mark.shared
def test_the_open_crawl_gives_its_224_pages() -> None:
    files = sorted(shared_path("data/crawl_open").glob("*/*.warc.gz"))
    made = ingest(source(), *[path.read_bytes() for path in files])
    assert len(made.documents) == 224
    assert made.quarantined == []
    assert made.skipped == {"warcinfo": 5}
