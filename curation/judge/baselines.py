"""What a judge or a classifier has to beat: properties of a text that say nothing of what it is about."""

import regex

from curation.text.values import STOP_WORDS
from curation.text.words import fold, words_of

_CLOSING = "\"'”’»)]"
_terminal = regex.compile(r"\p{Sentence_Terminal}")


def word_count(text: str) -> float:
    """How many words the text has."""
    return float(len(words_of(text)))


def stop_word_ratio(text: str) -> float:
    """The share of Gopher's eight stop words among the words, in [0, 1]; 0 without words."""
    words = words_of(fold(text))
    return sum(word in STOP_WORDS for word in words) / len(words) if words else 0.0


def terminal_line_ratio(text: str) -> float:
    """The share of lines with text that end a sentence, closing quotes and brackets aside; 0 without such."""
    lines = [line for line in map(str.strip, text.splitlines()) if line]
    ends = (line.rstrip(_CLOSING)[-1:] for line in lines)
    return sum(_terminal.fullmatch(end) is not None for end in ends) / len(lines) if lines else 0.0
