"""Web archives into documents: one for each page, a count or a quarantine row for every other record.

A page is an HTTP response with status 200, or a `resource`, whose media type is HTML (or plain text, of a
response); or a `conversion` into plain text, as in Common Crawl's WET files.
"""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO, NamedTuple

from fastwarc.warc import WarcRecord, WarcRecordType
from resiliparse.parse.encoding import detect_mime

from curation.ingest import http, sandbox
from curation.ingest.charset import decode
from curation.ingest.licenses import license_of
from curation.ingest.outcome import Document, Outcome, Quarantined, Skipped, UnreadableError
from curation.ingest.warc_records import MAX_HEADER_BYTES, Raw, records
from curation.recipe import Source

TYPES = {
    int(WarcRecordType.warcinfo): "warcinfo",
    int(WarcRecordType.request): "request",
    int(WarcRecordType.metadata): "metadata",
    int(WarcRecordType.revisit): "revisit",
    int(WarcRecordType.continuation): "continuation",
}
HTML_TYPES = {"text/html", "application/xhtml+xml"}
PAGE_TYPES = HTML_TYPES | {"text/plain"}
LOOKS_LIKE_HTML = re.compile(rb"(?i)<(?:!doctype\s+html|html|head|body|title|meta|script|div|p|h1)\b")
ROBOTS = re.compile(r"\w+://[^/?#]*/robots\.txt(?:[?#]|$)", re.IGNORECASE)
CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
BINARY = ("image/", "audio/", "video/", "font/", "application/")
TEXTUAL = {"application/xml", "application/xhtml+xml", "application/octet-stream"}
"""What `detect_mime` says of XHTML, and of text in charsets that it does not know."""


def outcomes(source: Source, name: str, stream: BinaryIO) -> Iterator[Outcome]:
    """What becomes of each record of the WARC file `name`, in order."""
    for raw in records(name, stream, source.extract.max_page_bytes + MAX_HEADER_BYTES):
        if isinstance(raw, Quarantined):
            yield raw
            continue
        try:
            yield _outcome(source, name, raw)
        except UnreadableError as error:
            yield Quarantined(name, raw.offset, error.reason, error.detail)


class Body(NamedTuple):
    """What was fetched."""

    data: bytes
    content_type: str  # as declared; "" if it is not
    overlooked: str | None = None  # the fault of the header that was


def _outcome(source: Source, name: str, raw: Raw) -> Outcome:
    lines_end_in_lf = raw.header.endswith(b"\n\n")
    try:
        record: Any = WarcRecord.from_reader(io.BytesIO(raw.header + raw.block), quirks_mode=lines_end_in_lf)
    except OSError as error:
        raise UnreadableError("bad_record_header", str(error)) from error
    limit = source.extract.max_page_bytes
    body: Body | Skipped
    match record.record_type:
        case WarcRecordType.response:
            body = _response(raw, record, limit) if record.is_http else Skipped("not_http")
        case WarcRecordType.resource | WarcRecordType.conversion:
            body = _resource(raw, record, limit)
        case other:
            body = Skipped(TYPES.get(int(other), "unknown_record_type"))
    return _page(source, name, raw, record, body) if isinstance(body, Body) else body


def _response(raw: Raw, record: Any, limit: int) -> Body | Skipped:
    """The page in an HTTP response."""
    try:
        record.parse_http(max_header_len=MAX_HEADER_BYTES, quirks_mode=b"\r\n" not in raw.block[:4096])
    except OSError as error:
        raise UnreadableError("bad_http_header", str(error)) from error
    headers = record.http_headers
    if headers.status_code is None:
        raise UnreadableError("bad_http_header", f"status line {(headers.status_line or '')[:80]!r}")
    if headers.status_code != 200:
        return Skipped("status_not_200")
    declared = headers.get("Content-Type") or ""
    if _media_type(declared) not in PAGE_TYPES | {""}:
        return Skipped("not_html_or_text")
    if ROBOTS.match(_url(record) or ""):
        return Skipped("robots_txt")
    if not raw.whole:
        raise UnreadableError("page_too_large", f"{raw.block_bytes} bytes; the limit is {limit}")
    codings = headers.get("Transfer-Encoding") or "", headers.get("Content-Encoding") or ""
    data, overlooked = http.body(record.reader.read(), *codings, limit)
    return Body(data, declared, overlooked)


def _resource(raw: Raw, record: Any, limit: int) -> Body | Skipped:
    """The page that was fetched without HTTP, or the text that was made of one."""
    declared = record.headers.get("Content-Type") or ""
    wanted = HTML_TYPES if record.record_type == WarcRecordType.resource else {"text/plain"}
    if _media_type(declared) not in wanted:
        return Skipped("not_html_or_text")
    if raw.block_bytes > limit:
        raise UnreadableError("page_too_large", f"{raw.block_bytes} bytes; the limit is {limit}")
    return Body(raw.block, declared)


def _page(source: Source, name: str, raw: Raw, record: Any, fetched: Body) -> Outcome:
    """The document that a page becomes."""
    body, declared, overlooked = fetched
    if not body or body.isspace():
        return Skipped("empty_body")
    media_type = _sniffed(body, _media_type(declared))
    if media_type not in PAGE_TYPES:
        return Skipped("not_html_or_text")
    if not record.record_id:
        raise UnreadableError("no_record_id", "no WARC-Record-ID, which a document's id is made of")
    if media_type in HTML_TYPES:
        (text, title, whole), charset = sandbox.extract(body, _charset(declared), source.extract)
    else:
        (text, charset), title, whole = decode(body, _charset(declared)), "", False
    url = _url(record)
    metadata = {
        "file": name,
        "record": raw.offset,
        "within": raw.within or None,
        "content_type": declared or media_type,
        "charset": charset,
        "title": title or None,
        "whole_page": whole or None,
        "truncated": record.headers.get("WARC-Truncated"),
        "overlooked": overlooked,
    }
    return Document(
        key=record.record_id,
        text=text,
        url=url,
        fetched_at=_date(record.headers.get("WARC-Date")),
        license=license_of(source, url),
        metadata={key: value for key, value in metadata.items() if value is not None},
        file=name,
        offset=raw.offset,
    )


def _sniffed(body: bytes, media_type: str) -> str:
    """The media type: the declared one, unless nothing is declared or `body` begins like something binary."""
    looks_like = str(detect_mime(body[:4096]))
    if not media_type:
        return "text/html" if LOOKS_LIKE_HTML.search(body, 0, 1024) else looks_like
    binary = looks_like.startswith(BINARY) and looks_like not in TEXTUAL
    return looks_like if binary else media_type


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _charset(content_type: str) -> str | None:
    found = CHARSET.search(content_type)
    return found[1] if found else None


def _url(record: Any) -> str | None:
    """The record's URL; some writers put it in angle brackets."""
    uri = record.headers.get("WARC-Target-URI")
    return uri.strip().removeprefix("<").removesuffix(">") if uri else None


def _date(value: str | None) -> datetime | None:
    """None where there is no readable date."""
    try:
        moment = datetime.fromisoformat((value or "").strip())
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
