import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from curation.text import minhash
from curation.text.shingles import shingle_hashes

TEXT = st.text(st.characters(codec="utf-8"), max_size=80)
MARKED = st.text(
    st.sampled_from("aA'’._ \u00ad\u200d\u0301\u0327\u0345\u3099ßİΐﬁẚᾳ가\u11a8漢กัかカ\u093cक\u212bK9"),
    max_size=30,
)
A = np.arange(1, 225, 2, dtype=np.uint32)
B = np.arange(112, dtype=np.uint32)


def signatures(texts: list[bytes], width: int = 5) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.cumsum([0, *map(len, texts)])
    return minhash.signatures(offsets, np.frombuffer(b"".join(texts), np.uint8), width, A, B)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(TEXT, MARKED), max_size=5), st.integers(1, 6))
@example(["a\u0301b \u0327\u0301 c", "a", "\u1f84 x\u0345", "A" * 9 + " " + "a" * 8], 1)
def test_signatures_are_those_of_the_text_folded_in_python(texts: list[str], width: int):
    found, counts = signatures([text.encode() for text in texts], width)
    for row, count, text in zip(found, counts, texts, strict=True):
        hashes = shingle_hashes(text, width)
        assert count == len(hashes)
        assert (row == minhash.least(hashes, A, B)).all()


def test_every_character_folds_as_in_python():
    texts = [f"x{chr(code)}y {chr(code)}" for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    _, counts = signatures([text.encode() for text in texts], 1)
    found, _ = signatures([text.encode() for text in texts], 2)
    for n in range(0, len(texts), 41):
        hashes = shingle_hashes(texts[n], 2)
        assert (found[n] == minhash.least(hashes, A, B)).all(), hex(ord(texts[n][1]))
        assert counts[n] == len(shingle_hashes(texts[n], 1))


def test_bytes_that_are_no_utf8_are_read_without_harm():
    bad = [b"\xff\xfe a \xe2\x82", b"\xf4\x90\x80\x80 b", b"\xc0\x80", b"\xe2", b"\xff" * 1000]
    assert signatures(bad)[1].tolist() == [1, 1, 0, 0, 0]


@pytest.mark.parametrize(
    "unit", ["a", "a ", "a\n", "\x00", "\u200b", "\u202e", "漢", "e\u0301 ", "\u0301", "a.", "'"]
)
def test_time_is_linear_whatever_is_repeated(unit: str):
    def seconds(size: int) -> float:
        text = (unit * (size // len(unit))).encode()
        start = time.process_time()
        signatures([text])
        return time.process_time() - start

    seconds(1000)
    assert min(seconds(2_000_000) for _ in range(3)) < 40 * max(seconds(200_000), 0.002)
