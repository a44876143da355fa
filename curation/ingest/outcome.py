"""What becomes of a record: a document, a quarantine row, or a count. Every record is exactly one of them."""

from datetime import datetime
from typing import NamedTuple


class Document(NamedTuple):
    """A record that has text. `id`, `digest` and the source's name are added by `documents.read`."""

    key: str  # what the source knows it by
    text: str
    url: str | None
    fetched_at: datetime | None
    license: str | None
    metadata: dict[str, object]
    file: str
    offset: int
    repeats: bool = False  # the key is a digest of the record: the same again is another document


class Quarantined(NamedTuple):
    """A record, or a stretch of a file, that cannot be read; a QUARANTINE_SCHEMA row without source."""

    file: str
    offset: int | None
    reason: str
    detail: str


class Skipped(NamedTuple):
    """A sound record that is no document, e.g. `request`, `revisit`, `not_a_page`."""

    reason: str


Outcome = Document | Quarantined | Skipped


class UnreadableError(Exception):
    """A record cannot be read; `reason` and `detail` go into its quarantine row."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
