"""What each character is: two-level tables, made of `unicodedata` and `regex`, and kept beside the kernels.

The entry of a code point `c` is at `blocks[c >> 8] + (c & 255)` of each table; blocks of 256 code points that
are alike are kept once, so that all tables take less than 1 MB. General categories, scripts and line-break
classes are those of the `regex` package; composition and case folding are Python's own, because
`words.fold`, which the kernels agree with, is Python's. Making the tables takes half a second, reading them
a hundredth.
"""

import os
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.text.compiled import cache_folder

CODE_POINTS = 0x110000

# Bits of `classes`.
LETTER = 1 << 0  # \p{L}
UPPER = 1 << 1  # \p{Lu}
LOWER = 1 << 2  # \p{Ll}
NUMBER = 1 << 3  # \p{N}
MARK = 1 << 4  # \p{M}
UNSPACED = 1 << 5  # of a script written without spaces: Han, Hiragana, South-East Asian
LOOSE = 1 << 6  # a token of its own at either end of a chunk
SPACE = 1 << 7  # str.isspace
LINE_END = 1 << 8  # ends a line for str.splitlines
ALPHABETIC = 1 << 9  # str.isalpha
ALPHANUMERIC = 1 << 10  # str.isalnum
JOINER = 1 << 11  # one of ' ’ . _ which join two halves of a word
TERMINAL = 1 << 12  # Unicode's Sentence_Terminal
PUNCTUATION = 1 << 13  # \p{P}
PLAIN = 1 << 14  # an ASCII letter or digit

# Bits of `foldings`, above the combining class (bits 0 to 7) that the folded character has.
COMBINING_CLASS = 0xFF
IGNORABLE = 1 << 8  # left out by `words.fold`
COMPOSES = 1 << 9  # what it becomes hangs on its neighbours: only full normalisation can tell

UNSPACED_SET = r"[\p{Han}\p{Hiragana}\p{lb=SA}]"
LOOSE_SET = (
    r"""[,:;!?¿¡()\[\]{}<>_#*&'"“”`‘´’‚„»«§%=+—–~$£€¥"""  # as in spaCy's list of punctuation
    r"。？！，、；：·।؟،۔؛٪「」『』（）〔〕【】《》〈〉\p{So}]"
)

_SETS = {
    LETTER: r"\p{L}",
    UPPER: r"\p{Lu}",
    LOWER: r"\p{Ll}",
    NUMBER: r"\p{N}",
    MARK: r"\p{M}",
    UNSPACED: UNSPACED_SET,
    LOOSE: LOOSE_SET,
    LINE_END: r"[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]",
    JOINER: r"['’._]",
    TERMINAL: r"\p{Sentence_Terminal}",
    PUNCTUATION: r"\p{P}",
    PLAIN: r"[A-Za-z0-9]",
}
_LAST = 0x40000  # letters, numbers and what folds or composes are below; beyond are tags and private use


class Tables(NamedTuple):
    """`folds` holds the code point that one becomes by case folding and composition; where these are
    several, -1 - n: `expansions[n]` is how many, and they follow."""

    blocks: NDArray[np.int32]  # shape (0x1100,)
    classes: NDArray[np.uint16]  # shape (256 * distinct blocks,)
    foldings: NDArray[np.uint16]  # the same
    folds: NDArray[np.int32]  # the same; 0 of a character that folds to itself
    expansions: NDArray[np.int32]


@cache
def tables() -> Tables:
    """The tables of this Python and this `regex`: read, or made and kept."""
    name = f"characters-{unicodedata.unidata_version}-{version('regex')}.npz"
    path = Path(cache_folder()) / name
    try:
        with np.load(path) as kept:
            return Tables(*(kept[field] for field in Tables._fields))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        made = _made()
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        np.savez(file, **made._asdict())
    os.replace(file.name, path)  # noqa: PTH105  at once, whole: other processes may be reading
    return made


def _made() -> Tables:
    classes = _classes()
    foldings, folds, expansions = _foldings()
    rows = [t.view(np.uint8).reshape(CODE_POINTS >> 8, -1) for t in (classes, foldings, folds)]
    known: dict[bytes, int] = {}
    blocks = [known.setdefault(row.tobytes(), len(known)) for row in np.concatenate(rows, axis=1)]
    first = np.unique(blocks, return_index=True)[1]
    entries = (first[:, None] * 256 + np.arange(256)).reshape(-1)
    return Tables(
        np.array(blocks, dtype=np.int32) * 256,
        classes[entries],
        foldings[entries],
        folds[entries],
        expansions,
    )


def _fill(table: NDArray[np.uint16], bit: int, characters: str) -> None:
    """Sets `bit` of the characters of a set of the `regex` package, version 1."""
    import regex

    pattern = regex.compile(f"(?V1){characters}+")
    for start, stop in (
        (0, _LAST),
        (0xE0000, 0xE1000),
    ):  # what is between and behind is private or unassigned
        for run in pattern.finditer("".join(map(chr, range(start, stop)))):
            table[start + run.start() : start + run.end()] |= bit


def _classes() -> NDArray[np.uint16]:
    """The bits of each code point; shape (CODE_POINTS,)."""
    classes = np.zeros(CODE_POINTS, dtype=np.uint16)
    for bit, characters in _SETS.items():
        _fill(classes, bit, characters)
    for bit, test in ((ALPHABETIC, str.isalpha), (ALPHANUMERIC, str.isalnum), (SPACE, str.isspace)):
        values = np.fromiter(map(test, map(chr, range(_LAST))), dtype=np.bool_, count=_LAST)
        classes[:_LAST] |= values * np.uint16(bit)
    return classes


def _foldings() -> tuple[NDArray[np.uint16], NDArray[np.int32], NDArray[np.int32]]:
    """The bits of `foldings` and the values of `folds` of each code point, and the expansions."""
    foldings = np.zeros(CODE_POINTS, dtype=np.uint16)
    folds = np.zeros(CODE_POINTS, dtype=np.int32)
    expansions: list[int] = []
    _fill(foldings, IGNORABLE, r"\p{Default_Ignorable_Code_Point}")
    _fill(foldings, COMPOSES, r"[\p{NFC_QC=N}\p{NFC_QC=M}]")
    unstable = foldings & COMPOSES > 0
    foldings[unstable] &= ~np.uint16(COMPOSES)
    for c in _changing(unstable):
        composed = unicodedata.normalize("NFC", c)
        folded = unicodedata.normalize("NFC", composed.casefold())
        order = [[unicodedata.combining(x) for x in text] for text in (composed, folded)]
        moves = order[0] != order[1] or (len(folded) > 1 and any(order[1]))
        if moves or any(unstable[ord(x)] for x in composed + folded):
            foldings[ord(c)] |= COMPOSES
        elif len(folded) == 1:
            foldings[ord(c)] |= order[1][0]
            folds[ord(c)] = ord(folded) if folded != c else 0
        else:
            folds[ord(c)] = -1 - len(expansions)
            expansions += [len(folded), *map(ord, folded)]
    return foldings, folds, np.array(expansions, dtype=np.int32)


def _changing(unstable: NDArray[np.bool_]) -> Iterator[str]:
    """The characters that folding or normalisation does something with; others stay as they are."""
    for start in range(0, _LAST, 256):
        block = "".join(map(chr, range(start, start + 256)))
        if (
            block.casefold() != block
            or unstable[start : start + 256].any()
            or any(map(unicodedata.combining, block))
        ):
            for c in block:
                if c.casefold() != c or unstable[ord(c)] or unicodedata.combining(c):
                    yield c
