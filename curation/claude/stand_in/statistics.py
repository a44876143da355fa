"""What can be counted in a text without understanding it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_STOP_WORDS = """
a about all an and are as at be been but by can do for from had has have he her his if in into is it its
may more no not of on one or our out she so some such than that the their them then there these they this
those to up was we were what when where which who will with would you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
# White space after a sentence's end, closing quotes and all; not after a title or an initial.
# White space after the end of a sentence, closing quotes and all; not after a title or an initial.
_TITLES = r"(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\b[A-Z])"
_SENTENCE_END = re.compile(_TITLES + r"[.!?][\"'”’)\]]*(\s+)(?=[^\sa-z])")
_LINE_END = tuple('.!?:;"”’)…')
_LINK = re.compile(r"https?://\S+|www\.\S+|\S+\.(?:com|org|net)\b")
_BOILERPLATE = re.compile(
    r"cookie|privacy policy|terms of (?:use|service)|all rights reserved|©|sign (?:in|up)|log ?in\b"
    r"|subscribe|newsletter|click here|read more|share (?:this|on)|skip to|javascript|add to cart"
    r"|leave a (?:reply|comment)|follow us|advertisement|previous post|next post|powered by",
    re.IGNORECASE,
)
_LONGEST_BOILERPLATE_WORDS = 25  # a long line that happens to speak of cookies is prose


@dataclass(frozen=True)
class Statistics:
    """Ratios in [0, 1]; `words` counts runs of letters."""

    words: int
    stop_word_ratio: float  # of words
    ended_line_ratio: float  # of characters, in lines that end as sentences do
    sentence_words: float  # mean
    long_word_ratio: float  # of words, seven letters or more
    symbol_ratio: float  # of characters, neither letters, digits, white space nor common punctuation
    link_ratio: float  # of characters, in web addresses
    boilerplate_ratio: float  # of lines


def words_of(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def sentences_of(line: str) -> list[str]:
    """The sentences of a line, in order, none empty."""
    cuts = [0, *(match.start(1) for match in _SENTENCE_END.finditer(line)), len(line)]
    parts = (line[start:end].strip() for start, end in pairwise(cuts))
    return [part for part in parts if part]


def is_boilerplate(line: str) -> bool:
    """Whether a line looks like a page's furniture rather than its text."""
    if _LINK.fullmatch(line.strip()):
        return True
    return _BOILERPLATE.search(line) is not None and len(line.split()) <= _LONGEST_BOILERPLATE_WORDS


def stop_word_ratio(words: Sequence[str]) -> float:
    return sum(word in STOP_WORDS for word in words) / len(words) if words else 0.0


def measure(text: str) -> Statistics:
    """The statistics of `text`; all zero for one without words. Linear in its length."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    words = words_of(text)
    if not words:
        return Statistics(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    chars = sum(map(len, lines))
    symbols = sum(not (c.isalnum() or c.isspace() or c in ".,;:!?'\"()-’“”‘–—") for c in text)
    return Statistics(
        words=len(words),
        stop_word_ratio=stop_word_ratio(words),
        ended_line_ratio=sum(len(line) for line in lines if line.endswith(_LINE_END)) / chars,
        sentence_words=len(words) / max(1, sum(len(sentences_of(line)) for line in lines)),
        long_word_ratio=sum(len(word) >= 7 for word in words) / len(words),
        symbol_ratio=symbols / chars,
        link_ratio=sum(len(link) for link in _LINK.findall(text)) / chars,
        boilerplate_ratio=sum(map(is_boilerplate, lines)) / len(lines),
    )
