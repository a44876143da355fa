"""Small archives made by hand, and a reader of them; what is in each is said by the test that makes it."""

import gzip
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from curation.ingest import read
from curation.recipe import Source

HTML = "<html><head><title>A  title</title></head><body><main><p>{}</p></main></body></html>"


def source(kind: str = "warc", **fields: Any) -> Source:
    return Source(name="crawl", format=kind, path="*", **fields)  # type: ignore[arg-type]


def record(number: int, block: bytes, kind: str = "response", **headers: str) -> bytes:
    """A WARC record; a header given as "" is left out, `_` stands for `-`."""
    fields = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:{number}>",
        "WARC-Date": "2025-11-03T02:00:08Z",
        "WARC-Target-URI": f"http://example.org/{number}",
        "Content-Type": "application/http; msgtype=response",
        "Content-Length": str(len(block)),
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value]
    return "\r\n".join(["WARC/1.0", *lines, "", ""]).encode() + block + b"\r\n\r\n"


def response(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """An HTTP response; `_` stands for `-`, a header given as "" is left out."""
    fields = {"Content-Type": "text/html; charset=utf-8"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + body


def html(text: str) -> bytes:
    return HTML.format(text).encode()


def page(number: int, text: str = "") -> bytes:
    """The record of a page that says `text`."""
    return record(number, response(html(text or f"This is what page {number} says.")))


def members(records: Iterable[bytes]) -> list[bytes]:
    return [gzip.compress(one, mtime=0) for one in records]


@dataclass
class Outcome:
    """Everything that was read."""

    documents: list[dict[str, Any]]
    quarantined: list[dict[str, Any]]
    skipped: Counter[str]
    records: int

    @property
    def texts(self) -> list[str]:
        return [row["text"] for row in self.documents]

    @property
    def faults(self) -> list[tuple[int, str]]:
        return [(row["offset"], row["reason"]) for row in self.quarantined]


def ingest(source: Source, *files: bytes, rows: int = 1_000) -> Outcome:
    """What `read` makes of `files`, called `0`, `1`, …; each batch is held to the accounting."""
    openers = [(str(n), lambda data=data: io.BytesIO(data)) for n, data in enumerate(files)]
    whole = Outcome([], [], Counter(), 0)
    for batch in read(source, openers, rows):
        assert batch.records == batch.documents.num_rows + batch.quarantined.num_rows + sum(
            batch.skipped.values()
        )
        whole.documents += batch.documents.to_pylist()
        whole.quarantined += batch.quarantined.to_pylist()
        whole.skipped.update(batch.skipped)
        whole.records += batch.records
    return whole
