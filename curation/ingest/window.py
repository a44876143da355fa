"""A look ahead into a stream of bytes that knows where it is, and can go back by what was just taken."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

CHUNK_BYTES = 1 << 16


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    """The bytes of `stream` from where it stands to its end."""
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


class Window:
    """The bytes of `source` from `position` (bytes) on."""

    def __init__(self, source: Iterable[bytes], position: int = 0) -> None:
        self._source = iter(source)
        self._ahead = bytearray()
        self.position = position

    def _fill(self, count: int) -> bool:
        """Whether there are `count` bytes more."""
        while len(self._ahead) < count:
            chunk = next(self._source, None)
            if chunk is None:
                return False
            self._ahead += chunk
        return True

    def peek(self, count: int) -> bytes:
        """The next `count` bytes, fewer at the end; they stay."""
        self._fill(count)
        with memoryview(self._ahead) as ahead:
            return bytes(ahead[:count])  # copied once

    def take(self, count: int) -> bytes:
        """The next `count` bytes, fewer at the end."""
        taken = self.peek(count)
        del self._ahead[: len(taken)]
        self.position += len(taken)
        return taken

    def take_line(self, limit: int) -> bytes:
        """The next bytes up to a line end and with it, or `limit` of them, or those before the end."""
        seen = 0
        while (end := self._ahead.find(b"\n", seen, limit)) < 0:
            seen = len(self._ahead)
            if seen >= limit or not self._fill(seen + 1):
                return self.take(min(limit, seen))
        return self.take(end + 1)

    def give_back(self, taken: bytes) -> None:
        """Stand before `taken`, the bytes last taken, again."""
        self._ahead[:0] = taken
        self.position -= len(taken)

    def skip(self, count: int) -> int:
        """Go `count` bytes on, or to the end, in constant memory; how far it went."""
        gone = 0
        while gone < count and (taken := self.take(min(CHUNK_BYTES, count - gone))):
            gone += len(taken)
        return gone

    def skip_to(self, pattern: bytes) -> bool:
        """Go to the next place where `pattern` stands; else to the end, and False."""
        while True:
            seen = self.peek(CHUNK_BYTES + len(pattern))
            found = seen.find(pattern)
            if found >= 0:
                self.take(found)
                return True
            if len(seen) < CHUNK_BYTES + len(pattern):
                self.take(len(seen))
                return False
            self.take(CHUNK_BYTES)
