"""Gopher's measures of quality: Rae et al., "Scaling Language Models" (2021), section A1.1, as values.

The paper's rules keep a document with 50 to 100,000 words, of mean length 3 to 10 characters; with a
symbol-to-word ratio of at most 0.1 for the hash and for the ellipsis; with at most 90 % of lines that start
with a bullet and at most 30 % that end with an ellipsis; in which 80 % of words have a letter; and with at
least two of eight stop words. Ratios "to words" are to tokens (words and marks), as in datatrove's
GopherQualityFilter, so that thresholds tuned with it can be used here.
"""

from typing import NamedTuple

import numpy as np

from tests.text.reference_segments import Segments
from tests.text.reference_tokens import is_word

STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
_BULLETS = ("•", "-")
_ELLIPSES = ("...", "…")


class Quality(NamedTuple):
    """The measures of one text; all 0 for a text without tokens."""

    word_count: int
    mean_word_chars: float  # code points of a word
    hash_ratio: float  # hash signs to tokens; 1 at most
    ellipsis_ratio: float  # ellipses (… or ...) to tokens; 1 at most
    bullet_line_ratio: float  # lines that start with • or -
    ellipsis_line_ratio: float  # lines that end with an ellipsis
    alphabetic_ratio: float  # tokens with at least one letter
    stop_word_count: int  # how many of the eight occur, in any case


def quality(segments: Segments) -> Quality:
    """Gopher's measures of quality of a text that has been cut up."""
    counts = np.bincount(segments.tokens, minlength=len(segments.vocabulary))
    words = [(token, int(n)) for token, n in zip(segments.vocabulary, counts, strict=True) if is_word(token)]
    word_count = sum(n for _, n in words)
    word_chars = sum(len(word) * n for word, n in words)
    alphabetic = sum(n for word, n in words if any(map(str.isalpha, word)))
    text, tokens = segments.text, len(segments.tokens)
    lines = text.splitlines()  # blank ones too, as datatrove counts
    return Quality(
        word_count=word_count,
        mean_word_chars=word_chars / word_count if word_count else 0.0,
        hash_ratio=_ratio(text.count("#"), tokens),
        ellipsis_ratio=_ratio(sum(map(text.count, _ELLIPSES)), tokens),
        bullet_line_ratio=_ratio(sum(line.lstrip().startswith(_BULLETS) for line in lines), len(lines)),
        ellipsis_line_ratio=_ratio(sum(line.rstrip().endswith(_ELLIPSES) for line in lines), len(lines)),
        alphabetic_ratio=_ratio(alphabetic, tokens),
        stop_word_count=len(STOP_WORDS & {word.lower() for word, _ in words}),
    )


def _ratio(part: int, whole: int) -> float:
    return min(part / whole, 1.0) if whole else 0.0
