"""Where words begin and end, in any script.

A *word* starts with a letter or a digit and goes on through letters, digits and combining marks. One
apostrophe, full stop, low line or zero-width (non-)joiner between two of these joins them, so `don't`,
`3.14`, `e.g` and `snake_case` are one word each; a hyphen does not. It is the spirit of UAX #29 (Unicode
Text Segmentation) without its dictionary.

Scripts written without spaces have no word boundary that a rule can see. In them **each character is a
word**, with the marks that sit on it: Han, Hiragana, and the South-East Asian scripts of line-break class SA
(Thai, Lao, Khmer, Myanmar ...). A run of Katakana is one word. So five-word shingles are five-character
shingles there, which is what near-duplicate search wants; word *lengths* and *counts* of such text are not
comparable with English ones, and rules that use them belong behind a condition on the language.
"""

import unicodedata

import regex  # type: ignore[import-untyped]

_SOLO = r"[\p{Han}\p{Hiragana}\p{lb=SA}&&[\p{L}\p{N}]]"
_START = r"[\p{L}\p{N}--[\p{Han}\p{Hiragana}\p{lb=SA}]]"
_INNER = r"[\p{L}\p{M}\p{N}--[\p{Han}\p{Hiragana}\p{lb=SA}]]"
_WORD = rf"{_SOLO}\p{{M}}*|{_START}{_INNER}*(?:['’._\u200c\u200d]{_INNER}+)*"

_words = regex.compile(rf"(?V1){_WORD}")


def words_of(text: str) -> list[str]:
    """The words of `text`, in order, as written. Linear in the length of the text."""
    found: list[str] = _words.findall(text)
    return found


def fold(text: str) -> str:
    """`text` without differences of case and of composition: NFC of its full case folding."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
