"""Pages whose main text is known: what the block model learns from and what extraction is measured on.

They are read from a folder of WARC files (`*/*.warc.gz`), `captures.jsonl.gz` (which record is which page)
and `extraction_gold.jsonl.gz` (what people or other tools' test suites say that a page's text is).
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fastwarc.warc import ArchiveIterator, WarcRecordType

from curation.ingest import http
from curation.ingest.charset import decode
from curation.text.markup import hash_of

FULL_TEXT = {"full_text", "full_text_hand_checked", "tool_expected_text"}
SNIPPETS = "snippets"
MAX_BYTES = 10_000_000
FOLDS = 5


class GoldPage(NamedTuple):
    """A page and what is known of its text: all of it, or only some of what it must and must not hold."""

    id: str
    url: str
    domain: str  # registered
    origin: str  # of the gold: scrapinghub-aeb, crawl-to-the-future, …
    html: str
    text: str | None
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def fold(self) -> int:
        """The fold of its domain, 0 to FOLDS - 1: pages of a domain are never in two."""
        return hash_of(self.domain) % FOLDS


def gold_pages(folder: Path) -> Iterator[GoldPage]:
    """Each page of `folder` that has a known full text or snippets, once, in the order of the files."""
    captures = {row["record_id"]: row for row in _lines(folder / "captures.jsonl.gz") if "page_id" in row}
    gold: dict[str, list[dict[str, Any]]] = {}
    for row in _lines(folder / "extraction_gold.jsonl.gz"):
        if row["kind"] in FULL_TEXT or row["kind"] == SNIPPETS:
            gold.setdefault(row["page_id"], []).append(row)
    for path in sorted(folder.glob("*/*.warc.gz")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                capture = captures.get(record.record_id)
                if capture and record.http_headers.status_code == 200 and capture["page_id"] in gold:
                    yield _page(record, capture, gold.pop(capture["page_id"]))


def _page(record: Any, capture: dict[str, Any], known: list[dict[str, Any]]) -> GoldPage:
    headers = record.http_headers
    codings = headers.get("Transfer-Encoding") or "", headers.get("Content-Encoding") or ""
    data, _ = http.body(record.reader.read(), *codings, MAX_BYTES)
    html, _ = decode(data, record.http_charset)
    row = known[0]
    whole = row["kind"] in FULL_TEXT
    return GoldPage(
        id=capture["page_id"],
        url=capture["url"],
        domain=capture["domain"],
        origin=row["gold_from"],
        html=html,
        text=row["value"] if whole else None,
        present=() if whole else tuple(row["value"]["with"]),
        absent=() if whole else tuple(row["value"]["without"]),
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)
