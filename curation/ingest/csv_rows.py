"""CSV with a header into documents: plain, gzip or zstd, as the first bytes say. Offsets are lines, from 1.

Comma-separated as RFC 4180 says: a quoted field may hold commas, line ends and doubled quotes.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from curation.document import content_hash
from curation.ingest import mapped
from curation.ingest.inflate import inflated
from curation.ingest.outcome import Outcome, Quarantined, Skipped, UnreadableError
from curation.recipe import Source

MAX_FIELD_CHARS = 64_000_000


def outcomes(source: Source, name: str, stream: BinaryIO) -> Iterator[Outcome]:
    """What becomes of each row of the file `name`, in order; damage to a compressed file ends it.

    The file is held in memory. Raises InputError where it lacks a mapped column.
    """
    content, damage = _content(stream)
    csv.field_size_limit(MAX_FIELD_CHARS)
    # A byte that is not UTF-8 becomes half a character, which no text holds: `_fields` finds it.
    text = content.decode("utf-8-sig", errors="surrogateescape")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
    except csv.Error as error:
        yield Quarantined(name, 1, "broken_csv", str(error))
        return
    if header:
        mapped.check_columns(source, name, header)
        yield from _rows(source, name, reader, header)
    else:
        yield Quarantined(name, 0, "empty_file", "no line")
    if damage:
        yield Quarantined(name, reader.line_num + 1, damage.reason, damage.detail)


def _content(stream: BinaryIO) -> tuple[bytes, UnreadableError | None]:
    """The inflated bytes; of a damaged file its whole lines before the damage."""
    content = bytearray()
    try:
        for chunk in inflated(stream):
            content += chunk
    except UnreadableError as error:
        return bytes(content[: content.rfind(b"\n") + 1]), error
    return bytes(content), None


def _rows(source: Source, name: str, reader: Any, header: list[str]) -> Iterator[Outcome]:
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader, None)
            if values is None:
                return
            if not values:
                yield Skipped("blank_line")
                continue
            yield mapped.document(
                source, _fields(header, values), content_hash(*map(_raw, values)), name, line
            )
        except csv.Error as error:
            yield Quarantined(name, line, "broken_csv", str(error))
        except UnreadableError as error:
            yield Quarantined(name, line, error.reason, error.detail)


def _fields(header: list[str], values: list[str]) -> dict[str, object]:
    if len(values) != len(header):
        raise UnreadableError("field_count", f"{len(values)} fields under {len(header)} headings")
    for value in values:
        if not value.isascii() and any("\udc80" <= char <= "\udcff" for char in value):
            raise UnreadableError("not_utf8", f"in {value[:40].encode(errors='replace').decode()!r}")
    return dict(zip(header, values, strict=True))


def _raw(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")
