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

Other languages' conventions change single parts of the pattern.
"""

from functools import cache

import regex

from curation.text.conventions import ABBREVIATIONS as GERMAN
from curation.text.conventions import (
    CLITICS_HOLD,
    CONVENTIONS,
    FINAL_SLASH_CUT,
    GERMAN_ABBREVIATIONS,
    HYPHENS_CUT,
    HYPHENS_HOLD,
    NUMBERS_HOLD,
    NUMBERS_KEEP_STOPS,
    PARENTHESES_CUT,
    SLASHES_CUT,
    STOPS_CUT,
)
from curation.text.tokens import ABBREVIATIONS, ELIDED
from curation.text.words import SOLO, UNSPACED

_LOOSE = (
    r"""[,:;!?¿¡()\[\]{}<>_#*&'"“”`‘´’‚„»«§%=+—–~$£€¥"""  # as in spaCy's list of punctuation
    r"。？！，、；：·।؟،۔؛٪「」『』（）〔〕【】《》〈〉\p{So}]"
)
_FIRM = rf"[^\s…{_LOOSE}{UNSPACED}]"
_LISTED = "|".join(ABBREVIATIONS)
_ANY_CASE = ("".join(f"[{c}{c.upper()}{'ſ' * (c == 's')}]" for c in word) for word in ELIDED)
_ELIDED = rf"(?<![\p{{L}}\p{{N}}])(?:{'|'.join(_ANY_CASE)})['’](?=[aeiouyhAEIOUYH]|[\p{{L}}--[\x00-\x7f]])"
_clitic = regex.compile(r"(.+?)(n['’]t|['’](?:s|m|re|ve|ll|d))", regex.IGNORECASE | regex.DOTALL)


@cache
def _piece(convention: int) -> regex.Pattern[str]:
    hyphens = "--+" if convention & HYPHENS_HOLD else "-" if convention & HYPHENS_CUT else "-+"
    slash = r"|(?<=[\p{L}\p{N}])/(?=\p{N})" if convention & SLASHES_CUT else ""
    inner = r"(?<=[\p{L}\p{N}])\.(?=[\p{Lu}\p{N}])" if convention & STOPS_CUT else r"(?<=\p{Ll})\.(?=\p{Lu})"
    dashes = r"(?<=\S)[-–—~](?=\S)|" if convention & HYPHENS_CUT else ""
    parentheses = r"""|(?<=\p{L})[()\[\]!?"“”„«»`‘´](?=\p{L})""" if convention & PARENTHESES_CUT else ""
    numbers = "" if convention & NUMBERS_HOLD else r"|(?<=[0-9])[+\-*^](?=[0-9\-])"
    between = (
        rf"(?:(?<=[\p{{L}}\p{{N}}])(?:{hyphens}|[–—~:<>=/])(?=\p{{L}}){slash}|(?<=\p{{L}}),(?=\p{{L}})"
        rf"|\.\.+|…|{dashes}{inner}{parentheses}{numbers})"
    )
    before = r"\p{Ll}" if convention & NUMBERS_KEEP_STOPS else r"\p{Ll}\p{N}"
    before = rf"(?<=[{before}]|{_LOOSE}|\p{{Lu}}\p{{Lu}})" if not convention & STOPS_CUT else r"(?<=\S)"
    stop = rf"{before}\.(?={_LOOSE}*\Z)"
    if convention & FINAL_SLASH_CUT:
        stop = rf"(?:{stop}|(?<=\S)/(?={_LOOSE}*\Z))"
    listed = "|".join(GERMAN) if convention & GERMAN_ABBREVIATIONS else _LISTED
    short = rf"(?:{listed})\.|(?:\p{{L}}\.){{2,}}|[\p{{Lu}}a-z]\."
    abbreviation = rf"(?<![\p{{L}}\p{{N}}])(?:{short})(?![\p{{L}}\p{{N}}])|"
    if convention & STOPS_CUT:
        abbreviation = ""
    address = rf"(?:https?://|www\.)\S*(?!{stop}){_FIRM}"
    held = rf"(?!{stop}){_FIRM}(?:(?!{between}|{stop}){_LOOSE}*(?!{stop}){_FIRM})*"
    pattern = rf"(?V1){SOLO}|{abbreviation}{_ELIDED}|(?<!')''(?!')|{between}|{address}|{held}|\S"
    return regex.compile(pattern)


def tokens_of(text: str, language: str = "en") -> list[str]:
    """The tokens of `text`, in order; joined they are the text without its white space.

    A chunk that occurs again is not cut again. Linear in the length of the text.
    """
    known: dict[str, list[str]] = {}
    tokens: list[str] = []
    for chunk in text.split():
        if chunk not in known:
            known[chunk] = (
                [chunk] if chunk.isascii() and chunk.isalnum() else _cut(chunk, CONVENTIONS[language])
            )
        tokens += known[chunk]
    return tokens


def is_word(token: str) -> bool:
    """Whether a token is a word, not a mark: whether it has a letter or a digit."""
    return any(map(str.isalnum, token))


def _cut(chunk: str, convention: int) -> list[str]:
    tokens: list[str] = []
    for piece in _piece(convention).findall(chunk):
        may_be = ("'" in piece or "’" in piece) and not convention & CLITICS_HOLD
        clitic = _clitic.fullmatch(piece) if may_be else None
        tokens += clitic.groups() if clitic else [piece]
    return tokens
