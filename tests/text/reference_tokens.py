"""Tokens: what Gopher's rules count, words and marks alike.

Gopher's thresholds were published without a definition of a word; the ones in use (datatrove's filters,
FineWeb) were tuned on spaCy's English tokenizer, which cuts punctuation off as tokens of its own. About 80 %
of the tokens of English text have a letter, and 80 % is the threshold, so here tokens are cut as spaCy cuts
them (spacy.io/usage/linguistic-features#how-tokenizer-works), with its abbreviations but not its other
exceptions:

- white space separates *chunks*;
- *loose* characters (quotes, brackets, commas, currency signs, symbols ...) are tokens at either end of a
  chunk, and so is a final full stop, unless it belongs to an abbreviation (`U.S.`, `e.g.`, `J.`, `Dr.`);
- inside a chunk, an ellipsis is a token, and so are hyphens, `/`, `:`, `=`, `<`, `>` before a letter, a
  comma between letters, and `+`, `-`, `*`, `^` between digits; all else holds the chunk together (`3.14`,
  `day-9`, `x](y`), and an address that starts with `http` or `www` is one token;
- `'s`, `n't`, `'re`, `'ve`, `'ll`, `'d`, `'m` are tokens, and so are two apostrophes; what French, Italian
  and Catalan leave of a word before a vowel is one with its apostrophe (`l'`, `qu'`, `dell'`);
- of scripts written without spaces each character is a token, as it is a word in `words`.
"""

import regex

from curation.text.tokens import ABBREVIATIONS, ELIDED
from curation.text.words import SOLO, UNSPACED

_LOOSE = (
    r"""[,:;!?¿¡()\[\]{}<>_#*&'"“”`‘´’‚„»«§%=+—–~$£€¥"""  # as in spaCy's list of punctuation
    r"。？！，、；：·।؟،۔؛٪「」『』（）〔〕【】《》〈〉\p{So}]"
)
_FIRM = rf"[^\s…{_LOOSE}{UNSPACED}]"
_BETWEEN = (
    r"(?:(?<=[\p{L}\p{N}])(?:-+|[–—~:<>=/])(?=\p{L})|(?<=\p{L}),(?=\p{L})|\.\.+|…|(?<=\p{Ll})\.(?=\p{Lu})"
    r"|(?<=[0-9])[+\-*^](?=[0-9\-]))"
)
_STOP = rf"(?<=[\p{{Ll}}\p{{N}}]|{_LOOSE}|\p{{Lu}}\p{{Lu}})\.(?={_LOOSE}*\Z)"
_LISTED = "|".join(ABBREVIATIONS)
_SHORT = rf"(?:{_LISTED})\.|(?:\p{{L}}\.){{2,}}|[\p{{Lu}}a-z]\."
_ABBREVIATION = rf"(?<![\p{{L}}\p{{N}}])(?:{_SHORT})(?![\p{{L}}\p{{N}}])"
_ANY_CASE = ("".join(f"[{c}{c.upper()}{'ſ' * (c == 's')}]" for c in word) for word in ELIDED)
_ELIDED = rf"(?<![\p{{L}}\p{{N}}])(?:{'|'.join(_ANY_CASE)})['’](?=[aeiouyhAEIOUYH]|[\p{{L}}--[\x00-\x7f]])"
_ADDRESS = rf"(?:https?://|www\.)\S*(?!{_STOP}){_FIRM}"
_HELD = rf"(?!{_STOP}){_FIRM}(?:(?!{_BETWEEN}|{_STOP}){_LOOSE}*(?!{_STOP}){_FIRM})*"

_piece = regex.compile(
    rf"(?V1){SOLO}|{_ABBREVIATION}|{_ELIDED}|(?<!')''(?!')|{_BETWEEN}|{_ADDRESS}|{_HELD}|\S"
)
_clitic = regex.compile(r"(.+?)(n['’]t|['’](?:s|m|re|ve|ll|d))", regex.IGNORECASE | regex.DOTALL)


def tokens_of(text: str) -> list[str]:
    """The tokens of `text`, in order; joined they are the text without its white space.

    A chunk that occurs again is not cut again. Linear in the length of the text.
    """
    known: dict[str, list[str]] = {}
    tokens: list[str] = []
    for chunk in text.split():
        if chunk not in known:
            known[chunk] = [chunk] if chunk.isascii() and chunk.isalnum() else _cut(chunk)
        tokens += known[chunk]
    return tokens


def is_word(token: str) -> bool:
    """Whether a token is a word, not a mark: whether it has a letter or a digit."""
    return any(map(str.isalnum, token))


def _cut(chunk: str) -> list[str]:
    tokens: list[str] = []
    for piece in _piece.findall(chunk):
        clitic = _clitic.fullmatch(piece) if "'" in piece or "’" in piece else None
        tokens += clitic.groups() if clitic else [piece]
    return tokens
