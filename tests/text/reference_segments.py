"""A document cut up once: every statistic reads these, none cuts again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.text.reference_lines import lines_of, paragraphs_of
from tests.text.reference_tokens import tokens_of


@dataclass(frozen=True)
class Segments:
    """What a text is made of.

    `vocabulary` holds each distinct token once, in order of first appearance; `tokens` holds, for each token
    of the text in order, its place in the vocabulary: shape (tokens,).
    """

    text: str
    lines: list[str]
    paragraphs: list[str]
    vocabulary: list[str]
    tokens: NDArray[np.int64]


def segment(text: str, language: str = "en") -> Segments:
    """Cuts `text` into lines, paragraphs and tokens."""
    sequence = tokens_of(text, language)
    place = {token: n for n, token in enumerate(dict.fromkeys(sequence))}
    tokens = np.fromiter(map(place.__getitem__, sequence), dtype=np.int64, count=len(sequence))
    return Segments(text, lines_of(text), paragraphs_of(text), list(place), tokens)
