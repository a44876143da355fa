"""What a document is: its Arrow schema and its identity.

A document is immutable and nothing computed lives in it but its digest. Its `id` is never a hash of
extracted text, so a better extractor changes what a document says, not which document it is.
"""

import hashlib
import unicodedata
from functools import cache

import pyarrow as pa
import regex

JOINER = "\u034f"  # combining grapheme joiner: marks do not move across it

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),  # 32 hex digits
        pa.field("digest", pa.string(), nullable=False),  # 32 hex digits, of the normalised text
        pa.field("text", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("fetched_at", pa.timestamp("us", tz="UTC")),
        pa.field("license", pa.string()),
        pa.field("parents", pa.list_(pa.string()), nullable=False),  # ids; empty unless synthetic
        pa.field("metadata", pa.string(), nullable=False),  # a JSON object
    ]
)

QUARANTINE_SCHEMA = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),  # as the source's pattern names it
        pa.field(
            "offset", pa.int64()
        ),  # bytes into the file (compressed or not, as the reader counts); rows for Parquet
        pa.field("reason", pa.string(), nullable=False),  # what is wrong, e.g. `truncated_record`
        pa.field("detail", pa.string(), nullable=False),
    ]
)


def content_hash(*parts: str | bytes) -> str:
    """32 hex digits (128 bits of BLAKE2b) of the parts; ("ab", "c") and ("a", "bc") differ."""
    h = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        h.update(len(data).to_bytes(8, "little"))
        h.update(data)
    return h.hexdigest()


def document_id(source: str, key: str) -> str:
    """The id of the document that `source` knows by `key`: a WARC-Record-ID, a mapped id,
    or the digest of the raw line and its occurrence."""
    return content_hash("document", source, key)


def text_digest(text: str) -> str:
    """The digest by which two documents are the same: of the text in NFC, white space runs as one space."""
    return content_hash("text", " ".join(nfc(text).split()))


def nfc(text: str) -> str:
    """`text` in NFC, in linear time.

    To put a run of combining marks in order takes the square of its length, so a run of more than 30, which
    no language has, gets U+034F after every thirtieth (Unicode's Annex 15, section 13: stream-safe text).
    """
    return unicodedata.normalize("NFC", text if text.isascii() else _runs().sub("\\g<0>" + JOINER, text))


@cache
def _runs() -> regex.Pattern[str]:
    return regex.compile(r"[^\p{ccc=0}]{30}(?=[^\p{ccc=0}])")
