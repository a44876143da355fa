"""JSON lines into documents: plain, gzip or zstd, as the first bytes say, whatever the name.

Offsets are bytes into the inflated lines.
"""

import json
from collections.abc import Iterator
from typing import BinaryIO, NoReturn

from curation.document import content_hash
from curation.ingest import mapped
from curation.ingest.inflate import inflated
from curation.ingest.outcome import Outcome, Quarantined, Skipped, UnreadableError
from curation.ingest.window import CHUNK_BYTES, Window
from curation.recipe import Source

MAX_LINE_BYTES = 64_000_000
BOM = b"\xef\xbb\xbf"


def outcomes(source: Source, name: str, stream: BinaryIO, limit: int = MAX_LINE_BYTES) -> Iterator[Outcome]:
    """What becomes of each line of the file `name`, in order; a line of more than `limit` bytes is not held.

    Damage to a compressed file ends it, with a row at the offset of the line that cannot be completed.
    """
    window = Window(inflated(stream))
    try:
        if window.peek(len(BOM)) == BOM:
            window.take(len(BOM))
        if not window.peek(1):
            yield Quarantined(name, 0, "empty_file", "no line")
        while window.peek(1):
            offset = window.position
            yield _outcome(source, name, offset, _line(window, limit), limit)
    except UnreadableError as error:
        yield Quarantined(name, window.position, error.reason, error.detail)


def _line(window: Window, limit: int) -> bytes | None:
    """The next line without its end, or None for one of more than `limit` bytes, which is passed over."""
    line = window.take_line(limit + 1)
    if line.endswith(b"\n") or len(line) <= limit:
        return line.removesuffix(b"\n")
    while (rest := window.take_line(CHUNK_BYTES)) and not rest.endswith(b"\n"):
        pass
    return None


def _outcome(source: Source, name: str, offset: int, line: bytes | None, limit: int) -> Outcome:
    try:
        if line is None:
            raise UnreadableError("line_too_long", f"more than {limit} bytes")
        if not line.strip():
            return Skipped("blank_line")
        return mapped.document(source, _object(line), content_hash(line), name, offset)
    except UnreadableError as error:
        return Quarantined(name, offset, error.reason, error.detail)


def _object(line: bytes) -> dict[str, object]:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError(
            "not_utf8", f"byte {line[error.start]:#04x} at {error.start} of the line"
        ) from error
    try:
        value = json.loads(text, parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("broken_json", str(error)) from error
    if not isinstance(value, dict):
        raise UnreadableError("not_an_object", f"{text.strip()[:80]!r}")
    return value


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
