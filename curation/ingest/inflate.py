"""A file's content, inflated if its first bytes say gzip or zstd, in chunks of bounded size."""

from collections.abc import Iterator
from typing import BinaryIO

import zstandard

from curation.ingest.gzip_members import MAGIC, members
from curation.ingest.outcome import UnreadableError
from curation.ingest.window import Window, chunks

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_STEP = 1024  # bytes; at most 32 MiB inflated, as a block of 128 KiB takes 4 bytes or more


def inflated(stream: BinaryIO) -> Iterator[bytes]:
    """The content of `stream`, a seekable file; UnreadableError where it is damaged, after what precedes."""
    start = stream.read(len(ZSTD_MAGIC))
    stream.seek(0)
    if start.startswith(MAGIC):
        yield from _gzip(stream)
    elif start == ZSTD_MAGIC:
        yield from _zstd(stream)
    else:
        yield from chunks(stream)


def _gzip(stream: BinaryIO) -> Iterator[bytes]:
    for member in members(stream, b""):
        yield from member.content()
        if member.damage:
            raise UnreadableError(*member.damage)


def _zstd(stream: BinaryIO) -> Iterator[bytes]:
    window = Window(chunks(stream))
    while window.peek(1):
        inflater = zstandard.ZstdDecompressor().decompressobj()
        while not inflater.eof:
            deflated = window.take(ZSTD_STEP)
            if not deflated:
                raise UnreadableError("truncated_zstd", "the file ends within a zstd frame")
            try:
                content = inflater.decompress(deflated)
            except zstandard.ZstdError as error:
                raise UnreadableError("damaged_zstd", f"near byte {window.position}: {error}") from error
            if content:
                yield content
        window.give_back(inflater.unused_data)
