"""Text comes out as it was written, whatever the header says of its bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.ingest.charset import decode

GERMAN = "<p>Größenänderung für schöne Straßen, über München und Köln nach Düsseldorf.</p>"
JAPANESE = "<p>これは日本語のページです。文字コードを確かめます。</p>"
RUSSIAN = "<p>Это русская страница, на которой написано несколько слов для проверки кодировки.</p>"


@pytest.mark.parametrize(
    ("data", "header", "text", "charset"),
    [
        (GERMAN.encode(), "utf-8", GERMAN, "utf-8"),
        (GERMAN.encode("cp1252"), "iso-8859-1", GERMAN, "cp1252"),
        (GERMAN.encode("cp1252"), "utf-8", GERMAN, "cp1252"),
        (GERMAN.encode(), "iso-8859-1", GERMAN, "utf-8"),
        (GERMAN.encode(), None, GERMAN, "utf-8"),
        (JAPANESE.encode("cp932"), "Shift_JIS", JAPANESE, "cp932"),
        (JAPANESE.encode("cp932"), None, JAPANESE, "cp932"),
        (JAPANESE.encode("euc-jp"), '"euc-jp"', JAPANESE, "euc_jp"),
        (JAPANESE.encode("utf-16-le"), "utf-16", JAPANESE, "utf-16-le"),
        (JAPANESE.encode("utf-16"), "utf-8", JAPANESE, "utf-16-le"),
        (JAPANESE.encode("utf-8-sig"), "iso-8859-1", JAPANESE, "utf-8"),
        (RUSSIAN.encode("cp1251"), "windows-1251", RUSSIAN, "cp1251"),
        (RUSSIAN.encode("koi8-r"), "bogus-charset", RUSSIAN, "koi8-r"),
        (b"", None, "", "utf-8"),
    ],
)
def test_text_is_read_as_it_was_written(data: bytes, header: str | None, text: str, charset: str) -> None:
    assert decode(data, header) == (text, charset)


def test_the_page_says_its_charset_where_the_header_does_not() -> None:
    for meta in ('<meta charset="koi8-r">', "<meta http-equiv=x content='text/html; charset=KOI8-R'>"):
        html = meta + " " * 2_000 + RUSSIAN
        assert decode(html.encode("koi8-r"), None) == (html, "koi8-r")
        assert decode(html.encode("koi8-r"), "no-such-charset") == (html, "koi8-r")


def test_one_broken_byte_does_not_turn_a_utf8_page_into_another_charset() -> None:
    text, charset = decode(GERMAN.encode()[:-5] + b"\xff</p>", "utf-8")
    assert charset == "utf-8"
    assert "Größenänderung" in text
    assert text.count("\ufffd") == 1


@given(
    st.binary(), st.none() | st.text(max_size=20) | st.sampled_from(["utf-8", "utf-16", "gbk", "iso-2022-jp"])
)
def test_any_bytes_become_text_that_can_be_stored(data: bytes, header: str | None) -> None:
    text, _ = decode(data, header)
    text.encode("utf-8")
