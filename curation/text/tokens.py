"""Tokens: what Gopher's rules count, words and marks alike.

Gopher's thresholds were published without a definition of a word; the ones in use (datatrove's filters,
FineWeb) were tuned on spaCy's English tokenizer, which cuts punctuation off as tokens of its own. About 80 %
of the tokens of English text have a letter, and 80 % is the threshold, so here tokens are cut as spaCy cuts
them (spacy.io/usage/linguistic-features#how-tokenizer-works), with its abbreviations but not its other
exceptions (docs/parity.md):

- white space separates *chunks*;
- *loose* characters (quotes, brackets, commas, currency signs, symbols ...) are tokens at either end of a
  chunk, and so is a final full stop, unless it belongs to an abbreviation (`U.S.`, `e.g.`, `J.`, `Dr.`);
- inside a chunk, an ellipsis is a token, and so are hyphens, `/`, `:`, `=`, `<`, `>` before a letter, a
  comma between letters, and `+`, `-`, `*`, `^` between digits; all else holds the chunk together (`3.14`,
  `day-9`, `x](y`), and an address that starts with `http` or `www` is one token;
- `'s`, `n't`, `'re`, `'ve`, `'ll`, `'d`, `'m` are tokens, and so are two apostrophes; what French, Italian
  and Catalan leave of a word before a vowel is one with its apostrophe (`l'`, `qu'`, `dell'`);
- of scripts written without spaces each character is a token, as it is a word in `words`.

Characters that are not loose are *firm*, but for `…` and those of scripts without spaces. `conventions` says
what of this is otherwise in other languages.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.text.characters import LETTER, LOOSE, LOWER, MARK, NUMBER, PLAIN, SPACE, UNSPACED, UPPER
from curation.text.compiled import uncounted
from curation.text.conventions import ABBREVIATIONS as GERMAN
from curation.text.conventions import (
    CLITICS_HOLD,
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

Codes = NDArray[np.int32]
Bits = NDArray[np.uint16]
Places = NDArray[np.int32]

ABBREVIATIONS = (
    "Adm Ak Ala Apr Ariz Ark Aug Bros Calif Co Colo Conn Corp Dec Del Dr Feb Fla Ga Gen Gov Ia Id Ill Inc "
    "Ind Jan Jr Jul Jun Kan Kans Ky La Ltd Mar Mass Md Messrs Mich Minn Miss Mo Mont Mr Mrs Ms Mt Neb Nebr "
    "Nev Nov Oct Okla Ore Pa Prof Rep Rev Sen Sep Sept St Tenn Va Wash Wis co vs"
).split()
"""Those that spaCy's English keeps together with their full stop, beside single letters."""
ELIDED = "all c d dall dell j jusqu l lorsqu m n nell puisqu qu quest s sull t un".split()
"""What is left of words before an apostrophe and a vowel, cut as spaCy's French, Italian and Catalan do."""

_WORD = LETTER | NUMBER
_PACKED, _PACKED_GERMAN, _PACKED_ELIDED = (
    np.array([int.from_bytes(word.encode(), "big") for word in words])
    for words in (ABBREVIATIONS, GERMAN, ELIDED)
)
_LONGEST, _LONGEST_ELIDED = (max(map(len, words)) for words in (ABBREVIATIONS + GERMAN, ELIDED))
_DOT, _HYPHEN, _COMMA, _SLASH, _APOSTROPHE, _ELLIPSIS = map(ord, ".-,/'…")
_RIGHT_QUOTE = ord("’")
_CUTTING = tuple(map(ord, ":<=>/~–—"))  # between a letter or digit and a letter
_OPERATORS = tuple(map(ord, "+-*^"))  # between a digit and a digit or hyphen
_PARENTHESES = tuple(map(ord, '()[]!?"“”„«»`‘´'))
_DASHES = tuple(map(ord, "-–—~"))
_ONE = tuple(map(ord, "smd"))
_TWO = tuple(ord(a) << 8 | ord(b) for a, b in ("re", "ve", "ll"))
_N, _T = map(ord, "nt")
_VOWELS = tuple(map(ord, "aeiouyh"))  # before which words are elided, with h; those with accents beside


@uncounted
def cut(codes: Codes, bits: Bits, count: int, convention: int, starts: Places, ends: Places) -> int:
    """Writes where each token of a spelled text starts and ends; how many there are. `convention` is one of
    `conventions.CONVENTIONS`.

    Joined, the tokens are the text without its white space. Linear in the length of the text.
    """
    found, i = 0, 0
    while i < count:
        if bits[i] & SPACE:
            i += 1
            continue
        start = i
        while i < count and bits[np.uint64(i)] & LOOSE and codes[np.uint64(i)] != _APOSTROPHE:
            i += 1
        head = i
        while i < count and bits[np.uint64(i)] & PLAIN:  # an unsigned index cannot mean "from the end"
            i += 1
        core = i
        while i < count and not bits[np.uint64(i)] & SPACE:
            i += 1
        if core > head and _ends_plainly(codes, bits, convention, head, core, i):
            found = _each(start, head, starts, ends, found)
            starts[found], ends[found] = head, core
            found = _each(core, i, starts, ends, found + 1)
        elif head == i:
            found = _each(start, i, starts, ends, found)
        else:
            found = _cut_chunk(codes, bits, convention, start, i, starts, ends, found)
    return found


@uncounted
def _each(start: int, end: int, starts: Places, ends: Places, found: int) -> int:
    """Writes the characters from `start` to `end` as a token each; how many tokens there are then."""
    for mark in range(start, end):
        starts[found], ends[found] = mark, mark + 1
        found += 1
    return found


@uncounted
def _ends_plainly(codes: Codes, bits: Bits, convention: int, start: int, core: int, end: int) -> bool:
    """Whether the plain token from `start` to `core` is followed, up to the `end` of its chunk, by nothing
    but marks that are tokens of their own. Most chunks are cut so; `_cut_chunk` would find the same."""
    at = core
    if at < end and codes[at] == _DOT:
        if core - start < 2 or _listed(codes, bits, convention, start, end) > start:
            return False
        if convention & NUMBERS_KEEP_STOPS and bits[core - 1] & NUMBER:
            return False
        if not (bits[core - 1] & (LOWER | NUMBER) or bits[core - 1] & bits[core - 2] & UPPER):
            return False
        at += 1
    while at < end and bits[at] & LOOSE and codes[at] != _APOSTROPHE:
        at += 1
    return at == end


@uncounted
def _cut_chunk(
    codes: Codes, bits: Bits, convention: int, start: int, end: int, starts: Places, ends: Places, found: int
) -> int:
    """Writes the tokens of one chunk behind the first `found`; how many there are then."""
    tail = end
    while tail > start and bits[tail - 1] & LOOSE:
        tail -= 1
    dead, last = start, -2  # no abbreviation before `dead`; the last firm character, -2 until it is asked for
    i = start
    while i < end:
        then = i
        if bits[i] & UNSPACED and bits[i] & _WORD:
            then += 1
            while then < end and bits[then] & MARK:
                then += 1
        elif bits[i] & LETTER and i >= dead:
            then, dead = _abbreviation(codes, bits, convention, start, end, i)
        if then == i and codes[i] == _APOSTROPHE and _two_apostrophes(codes, start, end, i):
            then = i + 2
        if then == i:
            then = _between(codes, bits, convention, start, end, i)
        if then == i:
            prefix = _address_prefix(codes, i, end)
            if prefix:
                if last == -2:
                    last = _last_firm(codes, bits, convention, start, end, tail)
                then = last + 1 if last >= i + prefix else i
        if then == i:
            then = _held(codes, bits, convention, start, end, tail, i)
        if then == i:
            then = i + 1
        clitic = 0 if convention & CLITICS_HOLD else _clitic(codes, i, then)
        starts[found], ends[found] = i, then - clitic
        found += 1
        if clitic:
            starts[found], ends[found] = then - clitic, then
            found += 1
        i = then
    return found


@uncounted
def _abbreviation(
    codes: Codes, bits: Bits, convention: int, start: int, end: int, at: int
) -> tuple[Any, Any]:
    """Where the abbreviation at the letter `at` ends, `at` if it is none; and up to where none can start.

    It is one of ABBREVIATIONS or ELIDED, or two or more letters, each with a full stop, or one capital or
    ASCII letter with a full stop, between others than letters and digits.
    """
    if at > start and bits[at - 1] & _WORD:
        return at, at
    then = _elided(codes, bits, at, end)
    if convention & STOPS_CUT:
        return then, then
    then = max(then, _listed(codes, bits, convention, at, end))
    if then > at:
        return then, then
    while then + 1 < end and bits[then] & LETTER and codes[then + 1] == _DOT:
        then += 2
    if then == at:
        return at, at
    if then < end and bits[then] & _WORD:
        return at, then
    if then == at + 2 and not bits[at] & (UPPER | PLAIN):
        return at, at
    return then, then


@uncounted
def _listed(codes: Codes, bits: Bits, convention: int, at: int, end: int) -> int:
    """Where the one of ABBREVIATIONS at `at` ends, with its full stop; `at` if none does."""
    then, packed = at, 0
    while then < end and then - at <= _LONGEST and bits[then] & PLAIN:
        packed = packed << 8 | codes[then]
        then += 1
    if then - at < 2 or then == end or codes[then] != _DOT:
        return at
    if then + 1 < end and bits[then + 1] & _WORD:
        return at
    known = _among(_PACKED_GERMAN if convention & GERMAN_ABBREVIATIONS else _PACKED, packed)
    return then + 1 if known else at


@uncounted
def _elided(codes: Codes, bits: Bits, at: int, end: int) -> int:
    """Where the one of ELIDED at `at` ends, with its apostrophe; `at` if none does."""
    then, packed = at, 0
    while then < end and then - at <= _LONGEST_ELIDED and _small(codes[then]):
        packed = packed << 8 | _small(codes[then])
        then += 1
    if then + 1 >= end or not _apostrophe(codes[then]) or not bits[then + 1] & LETTER:
        return at
    if codes[then + 1] < 128 and _small(codes[then + 1]) not in _VOWELS:
        return at
    return then + 1 if _among(_PACKED_ELIDED, packed) else at


@uncounted
def _among(words: NDArray[np.int64], packed: int) -> bool:
    known = False
    for word in words:
        known |= word == packed
    return known


@uncounted
def _between(codes: Codes, bits: Bits, convention: int, start: int, end: int, at: int) -> int:
    """Where the mark at `at` that cuts a chunk in two ends, `at` if it is none."""
    code = codes[at]
    if code == _ELLIPSIS:
        return at + 1
    then = at + 1
    if code == _DOT and then < end and codes[then] == _DOT:
        while then < end and codes[then] == _DOT:
            then += 1
        return then
    if convention & HYPHENS_CUT and at > start and then < end and code in _DASHES:
        return then
    if at == start or not bits[at - 1] & _WORD or then == end:
        return at
    if convention & PARENTHESES_CUT and code in _PARENTHESES:
        return then if bits[at - 1] & bits[then] & LETTER else at
    if code == _DOT:
        if convention & STOPS_CUT:
            return then if bits[then] & (UPPER | NUMBER) else at
        return then if bits[at - 1] & LOWER and bits[then] & UPPER else at
    if code == _COMMA:
        return then if bits[at - 1] & bits[then] & LETTER else at
    if code in _CUTTING:
        if convention & SLASHES_CUT and code == _SLASH and bits[then] & NUMBER:
            return then
        return then if bits[then] & LETTER else at
    if code == _HYPHEN:
        while then < end and codes[then] == _HYPHEN:
            then += 1
        if then < end and bits[then] & LETTER and (then > at + 1 or not convention & HYPHENS_HOLD):
            return then
    if code in _OPERATORS and 48 <= codes[at - 1] <= 57 and not convention & NUMBERS_HOLD:
        return at + 1 if 48 <= codes[at + 1] <= 57 or codes[at + 1] == _HYPHEN else at
    return at


@uncounted
def _address_prefix(codes: Codes, at: int, end: int) -> int:
    """How many characters of `http://`, `https://` or `www.` stand at `at`; 0 if another text does."""
    if codes[at] == 119:  # w
        whole = at + 3 < end and codes[at + 1] == 119 and codes[at + 2] == 119 and codes[at + 3] == _DOT
        return 4 if whole else 0
    if codes[at] != 104 or at + 6 >= end:  # h
        return 0
    if codes[at + 1] != 116 or codes[at + 2] != 116 or codes[at + 3] != 112:  # ttp
        return 0
    then = at + 4 + (codes[at + 4] == 115)  # s
    if then + 2 < end and codes[then] == 58 and codes[then + 1] == 47 and codes[then + 2] == 47:  # ://
        return then + 3 - at
    return 0


@uncounted
def _stop(codes: Codes, bits: Bits, convention: int, start: int, tail: int, at: int) -> bool:
    """Whether the full stop that ends a sentence is at `at`: only loose characters follow it. In German a
    final slash is cut off likewise."""
    if codes[at] == _SLASH and convention & FINAL_SLASH_CUT:
        return at + 1 >= tail and at > start
    if codes[at] != _DOT or at + 1 < tail or at == start:
        return False
    if bits[at - 1] & NUMBER and convention & NUMBERS_KEEP_STOPS:
        return False
    if bits[at - 1] & (LOWER | NUMBER | LOOSE) or convention & STOPS_CUT:
        return True
    return bits[at - 1] & UPPER != 0 and at - 2 >= start and bits[at - 2] & UPPER != 0


@uncounted
def _firm(codes: Codes, bits: Bits, at: int) -> bool:
    return not bits[at] & (LOOSE | UNSPACED) and codes[at] != _ELLIPSIS


@uncounted
def _last_firm(codes: Codes, bits: Bits, convention: int, start: int, end: int, tail: int) -> int:
    """The last firm character of a chunk that is not its final full stop; -1 if there is none."""
    for at in range(end - 1, start - 1, -1):
        if _firm(codes, bits, at) and not _stop(codes, bits, convention, start, tail, at):
            return at
    return -1


@uncounted
def _held(codes: Codes, bits: Bits, convention: int, start: int, end: int, tail: int, at: int) -> int:
    """Where the token ends that begins with the firm character at `at`; `at` if none can begin there."""
    if not _firm(codes, bits, at) or _stop(codes, bits, convention, start, tail, at):
        return at
    then = at + 1
    while then < end:
        if bits[np.uint64(then)] & PLAIN:  # none of the below
            then += 1
            continue
        if _between(codes, bits, convention, start, end, then) > then or _stop(
            codes, bits, convention, start, tail, then
        ):
            return then
        over = then
        while over < end and bits[over] & LOOSE:
            over += 1
        if over == end or not _firm(codes, bits, over) or _stop(codes, bits, convention, start, tail, over):
            return then
        then = over + 1
    return then


@uncounted
def _clitic(codes: Codes, at: int, then: int) -> int:
    """How many characters of the token from `at` to `then` are a clitic at its end, such as 's or n't."""
    if then - at > 2 and _apostrophe(codes[then - 2]) and _small(codes[then - 1]) in _ONE:
        return 2
    if then - at > 3 and _apostrophe(codes[then - 3]):
        pair = _small(codes[then - 2]) << 8 | _small(codes[then - 1])
        return 3 if pair in _TWO else 0
    if then - at > 3 and _apostrophe(codes[then - 2]):
        return 3 if _small(codes[then - 3]) == _N and _small(codes[then - 1]) == _T else 0
    return 0


@uncounted
def _two_apostrophes(codes: Codes, start: int, end: int, at: int) -> bool:
    """Whether just two apostrophes stand together, of which the first is at `at`."""
    if at + 1 == end or codes[at + 1] != _APOSTROPHE or (at > start and codes[at - 1] == _APOSTROPHE):
        return False
    return at + 2 == end or codes[at + 2] != _APOSTROPHE


@uncounted
def _apostrophe(code: int) -> bool:
    return code in (_APOSTROPHE, _RIGHT_QUOTE)


@uncounted
def _small(code: int) -> int:
    """The small letter of an ASCII letter, and s of the long s; 0 of other characters."""
    if 65 <= code <= 90:
        return code + 32
    return code if 97 <= code <= 122 else 115 if code == 0x17F else 0
