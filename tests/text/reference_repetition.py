"""Gopher's measures of repetition: Rae et al., "Scaling Language Models" (2021), table A1, as values.

    duplicate lines, paragraphs            share of them: 0.30, 0.30; share of the characters: 0.20, 0.20
    top 2-, 3-, 4-gram                     share of the characters: 0.20, 0.18, 0.16
    duplicate 5-, 6-, 7-, 8-, 9-, 10-gram  share of the characters: 0.15, 0.14, 0.13, 0.12, 0.11, 0.10

(the paper drops a document above any of these). The characters of a text are all of its code points, white
space too. n-grams are of tokens (words and marks), as in datatrove's GopherRepetitionFilter. An n-gram that
occurs again is counted, and the search goes on behind it, so that no character is counted twice.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.text.reference_segments import Segments


class Repetition(NamedTuple):
    """The measures of one text, each in [0, 1]; all 0 for a text of white space."""

    duplicate_line_ratio: float
    duplicate_line_char_ratio: float
    duplicate_paragraph_ratio: float
    duplicate_paragraph_char_ratio: float
    top_2gram_char_ratio: float
    top_3gram_char_ratio: float
    top_4gram_char_ratio: float
    duplicate_5gram_char_ratio: float
    duplicate_6gram_char_ratio: float
    duplicate_7gram_char_ratio: float
    duplicate_8gram_char_ratio: float
    duplicate_9gram_char_ratio: float
    duplicate_10gram_char_ratio: float


def repetition(segments: Segments) -> Repetition:
    """Gopher's measures of repetition of a text that has been cut up."""
    chars = max(len(segments.text), 1)
    lines, line_chars = _duplicates(segments.lines)
    paragraphs, paragraph_chars = _duplicates(segments.paragraphs)
    return Repetition(
        lines / max(len(segments.lines), 1),
        min(line_chars / chars, 1.0),
        paragraphs / max(len(segments.paragraphs), 1),
        min(paragraph_chars / chars, 1.0),
        *(min(gram_chars / chars, 1.0) for gram_chars in _gram_chars(segments)),
    )


def _duplicates(parts: list[str]) -> tuple[int, int]:
    """How many parts occurred before, and their characters."""
    first = set(parts)
    return len(parts) - len(first), sum(map(len, parts)) - sum(map(len, first))


def _gram_chars(segments: Segments) -> Iterator[int]:
    """The characters of the top 2- to 4-gram, then of the duplicate 5- to 10-grams.

    Grams of n + 1 tokens are looked for only where a gram of n tokens repeats: elsewhere none can.
    """
    tokens = segments.tokens
    lengths = np.fromiter(map(len, segments.vocabulary), dtype=np.int64, count=len(segments.vocabulary))
    ends = np.concatenate(([0], np.cumsum(lengths[tokens])))  # characters up to each token, without spaces
    starts = np.arange(len(tokens))
    grams = tokens  # at each start: which n-gram, a number of its own
    for n in range(2, 11):
        fits = starts + n <= len(tokens)
        starts, grams = starts[fits], grams[fits]
        keys = grams * len(segments.vocabulary) + tokens[starts + n - 1]
        _, firsts, grams, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
        if n <= 4:
            yield _top_chars(ends, n, starts[firsts], counts)
        else:
            yield _duplicate_chars(ends, n, starts, grams)
        repeats = counts[grams] > 1
        starts, grams = starts[repeats], grams[repeats]


def _top_chars(ends: NDArray[np.int64], n: int, firsts: NDArray[np.int64], counts: NDArray[np.int64]) -> int:
    """The characters of all occurrences of the most frequent n-gram, the first of several; spaces count.

    Where none repeats it is the text's first n-gram: in a short text that is a large share of it.
    """
    if len(ends) <= n:
        return 0
    most = int(counts.max(initial=1))
    start = int(firsts[counts == most].min(initial=len(ends))) if most > 1 else 0
    return (int(ends[start + n] - ends[start]) + n - 1) * most


def _duplicate_chars(
    ends: NDArray[np.int64], n: int, starts: NDArray[np.int64], grams: NDArray[np.int64]
) -> int:
    """The characters of n-grams that occurred before, read from left to right without overlap."""
    seen: set[int] = set()
    chars, free = 0, 0
    for start, gram in zip(starts.tolist(), grams.tolist(), strict=True):
        if start < free:
            continue
        if gram in seen:
            chars += int(ends[start + n] - ends[start])
            free = start + n
        else:
            seen.add(gram)
    return chars
