"""What the stand-in sends back to one call: whole, or as a connection that breaks leaves it."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

JSON_KIND = "application/json"
LINES_KIND = "application/x-jsonl"


@dataclass(frozen=True)
class Reply:
    """`unsent` counts the bytes that the content length promises and that never come; None gives no length,
    so that only the end of the connection ends the body. Status 0 is no word at all."""

    status: int
    body: bytes | Path
    kind: str = JSON_KIND
    headers: Mapping[str, str] = field(default_factory=dict)
    unsent: int | None = 0

    @property
    def size(self) -> int:
        return self.body.stat().st_size if isinstance(self.body, Path) else len(self.body)

    def open(self) -> BinaryIO:
        return self.body.open("rb") if isinstance(self.body, Path) else io.BytesIO(self.body)

    def read(self) -> bytes:
        return self.body.read_bytes() if isinstance(self.body, Path) else self.body


HANG_UP = Reply(0, b"", unsent=None)


def json_reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps(value).encode(), headers=headers or {})
