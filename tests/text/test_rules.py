"""The kernels agree with the definitions in plain Python (`reference_*.py`) on any text."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from curation.text import rules
from curation.text.conventions import CONVENTIONS
from tests.benchmarks.bad_input import UNITS
from tests.text.reference_c4 import clean
from tests.text.reference_fineweb import fineweb
from tests.text.reference_quality import quality
from tests.text.reference_repetition import repetition
from tests.text.reference_segments import segment

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
PROSE = st.text(st.sampled_from("aAbT+*^2.,'’:/-=<\"()…# \n\r\u2028•\u00a0漢กั1é\u0301ſK"), max_size=60)
PIECES = (
    *(
        "http://",
        "https://",
        "www.",
        "n't",
        "'s",
        "’ſ",
        "'LL",
        "Qu'",
        "l’",
        "dell'É",
        "U.S.",
        "e.g.",
        "a.B",
        "J.",
        "Dr.",
        "Inc.",
        "p.",
        "\u0433.",
        "''",
        "'''",
        "--",
        "...",
    ),
    *("the ", "Be ", "and ", " to ", "of", "a,b", ".", ".)", "x](y)", "\n", "\n\n", " \n \n", "\r\n", "\x0b"),
    *(
        "line one.\n",
        "[3]",
        "[]",
        "[edit]",
        "[citation needed]",
        "Lorem Ipsum",
        "JavaScript ",
        "{",
        "漢",
        "。",
    ),
    *(
        "Privacy Policy",
        "use coo\u212aies",
        "uses cookies ",
        "Three words here.",
        "Is it? Yes! ",
        '"',
        "x" * 1001,
    ),
)
BUILT = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
REPEATING = st.lists(st.sampled_from(["a", "bb", "c,", "bb a", "\n"]), max_size=60).map(" ".join)


def measure(texts: list[str], language: str = "en") -> rules.Measured:
    raw = [text.encode() for text in texts]
    edges, data = np.cumsum([0, *map(len, raw)]), np.frombuffer(b"".join(raw), np.uint8)
    return rules.measure(edges, data, CONVENTIONS[language])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(TEXT, PROSE, BUILT, REPEATING), max_size=4))
@example(["a.A.a.A.b", "www.", "http://x.", "A.漢.b", "-a--b", "a.-", "x'...", "n't", "'s", "U.S.A.)"])
def test_every_value_is_that_of_the_definition_in_python(texts: list[str]):
    agree(texts)


@pytest.mark.parametrize("unit", [unit for unit in UNITS.values() if unit])
def test_texts_made_to_hurt_are_measured_as_the_definition_says(unit: str):
    agree([unit * 40, unit, unit[:1], unit + "\0", f"\ufeff{unit}\u200e"])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(PROSE, BUILT), max_size=4), st.sampled_from(sorted(CONVENTIONS)))
@example(["S-Bahn--x 9-B a-", "3. 4.) 5.a x.", "1/2 ½/a/3", "9.11 S.A. Z.B J. dr. 5.)"], "de")
@example(["S-Bahn--x 9-B a-", "3. 4.) 5.a x.", "1/2 ½/a/3", "9.11 S.A. Z.B J. dr. 5.) .?. ñ.)"], "pl")
def test_so_is_every_value_in_the_convention_of_another_language(texts: list[str], language: str):
    agree(texts, language)


def agree(texts: list[str], language: str = "en") -> None:
    """Asserts that the kernels' values and spans are those of the definitions."""
    found = measure(texts, language)
    for n, text in enumerate(texts):
        row = dict(zip(rules.Values._fields, found.values[n].tolist(), strict=True))
        segments = segment(text, language)
        cleaned = clean(text, language)
        expected = {
            **quality(segments)._asdict(),
            **repetition(segments)._asdict(),
            **fineweb(segments),
            **cleaned.counts,
        }
        assert row == expected, text
        raw = text.encode()
        for start, end in found.spans[found.edges[n] : found.edges[n + 1]][::-1]:
            raw = raw[:start] + raw[end:]
        assert raw.decode() == cleaned.text


@settings(max_examples=100, deadline=None)
@given(BUILT)
def test_spans_are_in_order_and_apart(text: str):
    flat = measure([text]).spans.reshape(-1)
    assert (np.diff(flat) > 0).all()
    assert not len(flat) or 0 <= flat[0] < flat[-1] <= len(text.encode())


@pytest.mark.parametrize("words", [511, 512, 513, 1024, 2048, 2049, 40_000])
def test_a_vocabulary_of_any_size_is_counted(words: int):
    text = " ".join(f"w{n}" for n in range(words)) + " w0 w1 w2 w3 w4"
    row = dict(zip(rules.Values._fields, measure([text]).values[0].tolist(), strict=True))
    assert row["word_count"] == words + 5
    assert row["duplicate_5gram_char_ratio"] == 10 / len(text)


def test_documents_of_a_batch_do_not_see_each_other():
    texts = ["The same line.\nThe same line.", "", "漢字 " * 300, "x\r\ny [1].", "\x00", "a " * 5000]
    whole = measure(texts)
    for n, text in enumerate(texts):
        alone = measure([text])
        assert (alone.values[0] == whole.values[n]).all()
        assert (alone.spans == whole.spans[whole.edges[n] : whole.edges[n + 1]]).all()


def test_bytes_that_are_no_utf8_are_measured_without_harm():
    bad = b"\xff\xfe and \xe2\x82 the.\xf4\x90\x80\x80 end\xe2"
    found = rules.measure(np.array([0, len(bad)]), np.frombuffer(bad, np.uint8))
    assert found.values[0, 0] == 3


@pytest.mark.parametrize(
    "unit", ["a-", "a,", ",.", "a.,", "'", "n't", "https://,", "a.b", "a.A.", "漢", "\u0301", "-"]
)
@pytest.mark.parametrize("end", ["", "b", " "])
def test_a_huge_chunk_takes_linear_time(unit: str, end: str):
    import time

    def seconds(size: int) -> float:
        text = unit * (size // len(unit)) + end
        start = time.process_time()
        measure([text])
        return time.process_time() - start

    seconds(1000)
    # The square would be a hundred times; the quickest of three, as another process may take the caches.
    assert min(seconds(400_000) for _ in range(3)) < 40 * max(seconds(40_000), 0.002)
