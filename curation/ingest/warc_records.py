"""A WARC file's bytes into the bytes of its records, and past damage to the next record.

FastWARC's own iterator reads sound archives as fast, but it ends at the first damage, ends without a word at
a truncated gzip member, and takes a missing Content-Length for 0. So records are found here, and FastWARC
parses each.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from curation.ingest.gzip_members import MAGIC, members
from curation.ingest.outcome import Quarantined
from curation.ingest.window import Window, chunks

BEGINS = b"WARC/"
MAX_HEADER_BYTES = 1 << 20
ANOTHER = b"\n" + BEGINS + b"1."  # the line that begins another record
HEADER_END = re.compile(rb"\r?\n\r?\n")
CONTENT_LENGTH = re.compile(rb"(?im)^content-length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r?$")


class Raw(NamedTuple):
    """The bytes of one record."""

    offset: int  # bytes into the file: of the record, or of the gzip member that it is in
    within: int  # bytes into the inflated member; 0 where each record is a member of its own
    header: bytes  # with its empty line
    block: bytes  # the first `limit` bytes of it
    block_bytes: int  # of the whole block

    @property
    def whole(self) -> bool:
        return len(self.block) == self.block_bytes


def records(name: str, stream: BinaryIO, limit: int) -> Iterator[Raw | Quarantined]:
    """The records of the file `name`, blocks cut at `limit` bytes, and a row for each stretch of damage.

    Of a gzip member that turns out damaged, the last record goes into quarantine with it: nothing
    vouches for its bytes. A file without a single record is a row too.
    """
    compressed = stream.read(2) == MAGIC[:2]
    stream.seek(0)
    nothing = True
    for found in _compressed(name, stream, limit) if compressed else _plain(name, stream, limit):
        yield found
        nothing = False
    if nothing:
        yield Quarantined(name, 0, "empty_file", "no bytes but line ends")


def _plain(name: str, stream: BinaryIO, limit: int) -> Iterator[Raw | Quarantined]:
    window = Window(chunks(stream))
    if arc := _arc(name, window):
        yield arc
        return
    for found in _records(window, limit):
        if isinstance(found, Raw):
            yield found._replace(offset=found.within, within=0)
        else:
            yield found._replace(file=name)


def _compressed(name: str, stream: BinaryIO, limit: int) -> Iterator[Raw | Quarantined]:
    for member in members(stream, BEGINS):
        window = Window(member.content())
        if member.offset == 0 and (arc := _arc(name, window)):
            yield arc
            return
        last: Raw | Quarantined | None = None
        for found in _records(window, limit):
            if last:
                yield last
            last = found._replace(offset=member.offset)
            if isinstance(last, Quarantined):
                last = last._replace(file=name)
        if member.damage:
            last = Quarantined(name, member.offset, *member.damage)
        if last:
            yield last


def _records(window: Window, limit: int) -> Iterator[Raw | Quarantined]:
    """The records from where `window` stands; offsets of rows, and `within`, count from where it began."""
    while _skip_blank(window):
        start = window.position
        if window.peek(len(BEGINS)) != BEGINS:
            what = f"{window.peek(16)!r} where a record should begin"
            yield _lost(window, "not_a_record", what)
            continue
        header = _header(window)
        length = CONTENT_LENGTH.search(header)
        if not length or ANOTHER in header:
            window.give_back(header)
            what = "no Content-Length" if header else f"no empty line within {MAX_HEADER_BYTES} bytes"
            yield _lost(window, "bad_record_header", what)
            continue
        size = int(length[1])
        block = window.take(min(size, limit))
        rest = window.skip(size - len(block)) if len(block) == limit else 0
        if _ends_well(window, len(block) + rest == size):
            yield Raw(0, start, header, block, size)
            continue
        reason = "bad_content_length" if window.peek(1) else "truncated_record"
        if not rest:
            window.give_back(header + block)  # the next record may begin in what was taken for this one's
        yield _lost(window, reason, f"Content-Length {size} is not where the record ends", start)


def _skip_blank(window: Window) -> bool:
    """Go past line ends; False at the end."""
    while seen := window.peek(16):
        rest = seen.lstrip(b"\r\n")
        window.take(len(seen) - len(rest))
        if rest:
            return True
    return False


def _header(window: Window) -> bytes:
    """Take the header and its empty line; nothing, and b"", if it does not end."""
    size = 4096
    while True:
        seen = window.peek(size)
        if end := HEADER_END.search(seen):
            return window.take(end.end())
        if len(seen) < size or size >= MAX_HEADER_BYTES:
            return b""
        size *= 4


def _ends_well(window: Window, complete: bool) -> bool:
    """Whether a record can end here: before two line ends, or another record, or the end."""
    after = window.peek(16)
    rest = after.lstrip(b"\r\n")
    return complete and (after.startswith(b"\r\n\r\n") or not rest or rest.startswith(BEGINS))


def _lost(window: Window, reason: str, detail: str, start: int | None = None) -> Quarantined:
    """Go to the next line that begins a record; the row for what lies between `start` (here) and there."""
    start = window.position if start is None else start
    if window.skip_to(ANOTHER):
        window.take(1)
    return Quarantined("", start, reason, f"{detail}; {window.position - start} bytes are lost")


def _arc(name: str, window: Window) -> Quarantined | None:
    """The row for an ARC file, the format before WARC, which FastWARC does not read."""
    if window.peek(11) != b"filedesc://":
        return None
    detail = "an ARC file; convert it first, e.g. with `warcio recompress`"
    return Quarantined(name, 0, "arc_file", detail)
