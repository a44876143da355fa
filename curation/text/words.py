"""Where words begin and end, in any script.

A *word* starts with a letter or a digit and goes on through letters, digits and combining marks. One
apostrophe, full stop, low line, soft hyphen or zero-width (non-)joiner between two of these joins them, so
`don't`, `3.14`, `e.g` and `snake_case` are one word each; a hyphen does not. It is the spirit of UAX #29
(Unicode Text Segmentation) without its dictionary. Words make shingles; Gopher's rules count `tokens`.

Scripts written without spaces have no word boundary that a rule can see. In them **each character is a
word**, with the marks that sit on it: Han, Hiragana, and the South-East Asian scripts of line-break class SA
(Thai, Lao, Khmer, Myanmar ...). A run of Katakana is one word. So five-word shingles are five-character
shingles there, which is what near-duplicate search wants; word *lengths* and *counts* of such text are not
comparable with English ones, and rules that use them belong behind a condition on the language.
"""

import regex

from curation.document import JOINER, nfc

UNSPACED = r"[\p{Han}\p{Hiragana}\p{lb=SA}]"
SOLO = rf"[{UNSPACED}&&[\p{{L}}\p{{N}}]]\p{{M}}*"

_START = rf"[\p{{L}}\p{{N}}--{UNSPACED}]"
_INNER = rf"[\p{{L}}\p{{M}}\p{{N}}--{UNSPACED}]"
_word = regex.compile(rf"(?V1){SOLO}|{_START}{_INNER}*(?:['’._\u00ad\u200c\u200d]{_INNER}+)*")
_ignorable = regex.compile(r"\p{Default_Ignorable_Code_Point}+")


def words_of(text: str) -> list[str]:
    """The words of `text`, in order, as written. Linear in the length of the text."""
    found: list[str] = _word.findall(text)
    return found


def fold(text: str) -> str:
    """`text` without differences of case and composition, and without invisible characters.

    NFC of the full case folding; soft hyphens, joiners, directional marks and the like (Unicode's default
    ignorable code points) are left out, as NFKC_Casefold does; compatibility characters are left as they are.
    """
    if text.isascii():
        return text.lower()
    visible = _ignorable.sub("", text)
    return nfc(nfc(visible).casefold()).replace(JOINER, "")
