"""The body of an HTTP response as it was meant: without chunks, without compression.

Archives hold bodies as they came over the wire, or already decoded under headers that still say otherwise.
So a body that plainly is HTML is taken as it is, whatever the headers say; any other that cannot be decoded
is a fault of its record.
"""

import io
import re
from collections.abc import Callable

import zstandard
from fastwarc.stream_io import BrotliReader
from isal import isal_zlib as zlib

from curation.ingest.outcome import UnreadableError

CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]{0,1000})?\r?\n")
NO_CODING = {"", "identity", "none", "utf-8", "8bit", "binary"}  # what servers send where they mean nothing


def body(payload: bytes, transfer: str, content: str, limit: int) -> tuple[bytes, str | None]:
    """The body under the codings that the header names, and what was overlooked to get it (None: nothing).

    Raises UnreadableError: `bad_chunking`, `bad_content_encoding`, `unknown_content_encoding`, and
    `page_too_large` where a body is more than `limit` bytes long.
    """
    overlooked = None
    try:
        decoded = _decoded(payload, transfer, content, limit)
    except UnreadableError as error:
        if not _is_markup(payload):
            raise
        decoded, overlooked = payload, error.reason
    if len(decoded) > limit:
        raise UnreadableError("page_too_large", f"more than {limit} bytes; raise extract.max_page_bytes")
    return decoded, overlooked


def _decoded(payload: bytes, transfer: str, content: str, limit: int) -> bytes:
    if "chunked" in transfer.lower():
        payload = unchunk(payload)
    for coding in reversed([name.strip().lower() for name in content.split(",")]):
        if coding in NO_CODING or not payload:
            continue
        if coding not in DECODERS:
            raise UnreadableError("unknown_content_encoding", repr(coding))
        try:
            payload = DECODERS[coding](payload, limit)
        except (zlib.IsalError, zstandard.ZstdError, OSError, EOFError) as error:  # type: ignore[misc]  # its stub
            raise UnreadableError("bad_content_encoding", f"{coding}: {error}") from error
    return payload


def unchunk(payload: bytes) -> bytes:
    """The data of a chunked body (RFC 9112, 7.1). The last, empty chunk may be missing; none may be cut."""
    data, position = bytearray(), 0
    while position < len(payload):
        size = CHUNK_SIZE.match(payload, position)
        if not size:
            raise UnreadableError("bad_chunking", f"no chunk size at byte {position} of the body")
        count = int(size[1], 16)
        if not count:
            break
        end = size.end() + count
        if end > len(payload):
            raise UnreadableError("bad_chunking", f"the chunk at byte {position} should end at byte {end}")
        data += payload[size.end() : end]
        position = end + (2 if payload[end : end + 2] == b"\r\n" else 1)
    return bytes(data)


def _is_markup(data: bytes) -> bool:
    return data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n\0").startswith(b"<")


def _inflate(data: bytes, limit: int, bits: int) -> bytes:
    """At most `limit` + 1 bytes. A stream that ends without its end is an error: the page would be cut."""
    inflater = zlib.decompressobj(bits)
    inflated = inflater.decompress(data, limit + 1)
    if not inflater.eof and len(inflated) <= limit:
        raise EOFError(f"the data end after {len(inflated)} inflated bytes")
    return inflated


def _gzip(data: bytes, limit: int) -> bytes:
    return _inflate(data, limit, 31)


def _deflate(data: bytes, limit: int) -> bytes:
    """`deflate` should be zlib's format; some servers send it raw."""
    try:
        return _inflate(data, limit, 15)
    except zlib.IsalError:  # type: ignore[misc]  # as in gzip_members
        return _inflate(data, limit, -15)


def _brotli(data: bytes, limit: int) -> bytes:
    return bytes(BrotliReader(io.BytesIO(data)).read(limit + 1))


def _zstd(data: bytes, limit: int) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
        return reader.read(limit + 1)


DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
