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
from curation.ingest.window import CHUNK_BYTES
from curation.recipe import Source

MAX_RECORD_CHARS = 32_000_000
"""Twice the longest text: it may be all quotation marks, each doubled."""


def outcomes(source: Source, name: str, stream: BinaryIO) -> Iterator[Outcome]:
    """What becomes of each row of the file `name`, in order; damage to a compressed file ends it.

    Raises InputError where it lacks a mapped column.
    """
    csv.field_size_limit(MAX_RECORD_CHARS)
    lines = _Lines(stream)
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
    except csv.Error as error:
        yield Quarantined(name, 1, "broken_csv", str(error))
        return
    except UnreadableError as error:
        yield Quarantined(name, 1, error.reason, error.detail)
        return
    if header:
        mapped.check_columns(source, name, header)
        yield from _rows(source, name, reader, lines, header)
    else:
        yield Quarantined(name, 0, "empty_file", "no line")
    if lines.content.damage:
        yield Quarantined(name, lines.count + 1, lines.content.damage.reason, lines.content.damage.detail)


class _Content(io.RawIOBase):
    """The inflated bytes of a file up to its end, or to `damage`."""

    def __init__(self, stream: BinaryIO) -> None:
        self.chunks = inflated(stream)
        self.chunk = memoryview(b"")
        self.damage: UnreadableError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        try:
            self.chunk = self.chunk or memoryview(next(self.chunks, b""))
        except UnreadableError as error:
            self.damage = error
        size = min(len(room), len(self.chunk))
        room[:size], self.chunk = self.chunk[:size], self.chunk[size:]
        return size


ENDS = ("\n", "\r")


class _Lines:
    """The whole lines of a file. UnreadableError `line_too_long` where a record is longer than the limit; the
    next line is that after it, so its pieces are never taken for rows."""

    def __init__(self, stream: BinaryIO) -> None:
        self.content = _Content(stream)
        # A byte that is not UTF-8 becomes half a character, which no text holds: `_fields` finds it.
        self.text = io.TextIOWrapper(
            io.BufferedReader(self.content), encoding="utf-8-sig", errors="surrogateescape", newline=""
        )
        self.count = 0
        self.begin()

    def begin(self) -> None:
        """The next line is the first of a record."""
        self.left, self.quoted = MAX_RECORD_CHARS, False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._read(self.left + 1)
        fits = len(line) <= self.left
        if not line or (self.content.damage and fits and not line.endswith(ENDS)):
            raise StopIteration
        self.count += 1
        self.left -= len(line)
        if fits:
            return line
        while line and (self.quoted or not line.endswith(ENDS)):
            self.count += line.endswith(ENDS)
            line = self._read(CHUNK_BYTES)
        raise UnreadableError("line_too_long", f"a row of more than {MAX_RECORD_CHARS} characters")

    def _read(self, limit: int) -> str:
        line = self.text.readline(limit)
        self.quoted ^= line.count('"') % 2 == 1
        return line


def _rows(source: Source, name: str, reader: Any, lines: _Lines, header: list[str]) -> Iterator[Outcome]:
    while True:
        line = lines.count + 1
        lines.begin()
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
