"""Bytes of a page into text: by a byte order mark, the HTTP header, the page, or the look of the bytes.

The order is the WHATWG's (https://html.spec.whatwg.org/#determining-the-character-encoding). No byte of a
page makes it unreadable: what a charset cannot say becomes U+FFFD.
"""

import codecs
import re

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
META = re.compile(rb"<meta[^>]{0,400}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
META_BYTES = 4096  # browsers look at 1024; real pages put more before it
ONE_BYTE = ("cp125", "iso8859", "cp866", "koi8", "mac")
SUPERSETS = {"shift_jis": "cp932", "gbk": "gb18030", "euc_kr": "cp949", "big5": "big5hkscs"}
"""What browsers read by these names, in Python's: the web's use of them is wider than the standards'."""


def decode(data: bytes, header_charset: str | None) -> tuple[str, str]:
    """The text of `data` and the Python name of the charset that it was read by."""
    for mark, marked in MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(marked, "replace"), marked
    charset = _declared(data, header_charset)
    try:
        if charset is None or charset == "utf-8" or charset.startswith(ONE_BYTE):
            return data.decode("utf-8"), "utf-8"  # text in another charset is hardly ever sound UTF-8
    except UnicodeDecodeError:
        pass
    if charset == "utf-8":
        charset = charset if _mostly_utf8(data.decode("utf-8", "replace")) else None
    if charset is None:
        guess = detect_encoding(data) or "cp1252"
        charset = SUPERSETS.get(guess, guess)
    return data.decode(charset, "replace"), charset


def _declared(data: bytes, header_charset: str | None) -> str | None:
    """The charset that the header names, else the page; None if neither names one that is known."""
    charset = header_charset and map_encoding_to_html5(header_charset.strip(" \"'"), fallback_utf8=False)
    if not charset and (meta := META.search(data, 0, META_BYTES)):
        charset = map_encoding_to_html5(meta[1].decode("ascii", "replace"), fallback_utf8=False)
        if charset and charset.startswith("utf-16"):
            charset = "utf-8"  # else the page could not have been read up to here
    return SUPERSETS.get(charset, charset) if charset else None


def _mostly_utf8(text: str) -> bool:
    """Whether of the characters beyond ASCII more were sound than not."""
    broken = text.count("\ufffd")
    return len(text) - len(text.encode("ascii", "ignore")) > 2 * broken
