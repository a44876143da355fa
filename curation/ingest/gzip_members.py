"""The gzip members of a file, one after another, and past damage to the next that can be read.

isal's zlib (github.com/pycompression/python-isal), which inflates in 0.6 of the time, rather than a gzip file
object: a row must name the byte at which a member begins, and one broken member must not cost those after it.
"""

from collections.abc import Iterator
from typing import BinaryIO

from isal import isal_zlib as zlib

from curation.ingest.window import CHUNK_BYTES, Window, chunks

MAGIC = b"\x1f\x8b\x08"  # gzip, deflate: the only method there is
GZIP_BITS = 31  # zlib's code for 32 KiB windows with gzip's header and trailer


class Member:
    """One member: its `offset` (bytes into the file) and its content, to be read once and in order."""

    def __init__(self, window: Window) -> None:
        self.offset = window.position
        self.damage: tuple[str, str] | None = None  # reason and detail, known once the content is read
        self._window = window

    def content(self) -> Iterator[bytes]:
        """The inflated bytes, in chunks of at most CHUNK_BYTES; they end early where `damage` is then set."""
        if self._window.peek(len(MAGIC)) != MAGIC:
            self.damage = ("not_gzip", f"{self._window.peek(16)!r} where a gzip member should begin")
            return
        inflater = zlib.decompressobj(GZIP_BITS)
        while not inflater.eof:
            deflated = inflater.unconsumed_tail or self._window.take(CHUNK_BYTES)
            if not deflated:
                self.damage = ("truncated_gzip", "the file ends within a gzip member")
                return
            try:
                inflated = inflater.decompress(deflated, CHUNK_BYTES)
            except zlib.IsalError as error:  # type: ignore[misc]  # its stub takes the class for an instance
                self.damage = ("damaged_gzip", f"near byte {self._window.position}: {error}")
                return
            if inflated:
                yield inflated
        self._window.give_back(inflater.unused_data)


def members(stream: BinaryIO, begins: bytes) -> Iterator[Member]:
    """The members of `stream`, a seekable file, from its first byte on.

    After a damaged member the search goes on, from its second byte, for a member whose content begins with
    `begins`. Bytes between members are a damaged member too, without content.
    A member's content must be read to its end before the next is asked for.
    """
    stream.seek(0)
    window = Window(chunks(stream))
    while window.peek(1):
        member = Member(window)
        yield member
        if member.damage:
            stream.seek(member.offset + 1)
            window = Window(chunks(stream), member.offset + 1)
            while window.skip_to(MAGIC) and not _begins(window, begins):
                window.take(1)


def _begins(window: Window, begins: bytes) -> bool:
    """Whether the member at which `window` stands inflates to something that begins with `begins`."""
    try:
        start = zlib.decompressobj(GZIP_BITS).decompress(window.peek(4096), 4096)
    except zlib.IsalError:  # type: ignore[misc]
        return False
    return start.lstrip(b"\r\n").startswith(begins)
