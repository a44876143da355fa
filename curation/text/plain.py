"""Tables for `segment.fold` and `segment.hash_words` that see words, and little of how they are written.

Beside case, what differs between a text and its copy on the web is left out: accents and other marks
(`naïve`, `naive`), compatibility characters (ligatures, full-width letters, superscripts) and invisible
ones. An apostrophe, a full stop or a low line ends a word here, so that `don't` and `don’t`, or `end.Next`
and `end. Next`, are the same two words. It is NFKD of the full case folding without marks. A character that
would take more than three times its bytes stays as it is: `segment.fold` has no room for more.
"""

import unicodedata
from collections.abc import Iterator
from functools import cache

import numpy as np

from curation.text import characters
from curation.text.characters import CODE_POINTS, IGNORABLE, JOINER, MARK, Tables


@cache
def tables() -> Tables:
    """The tables; they take 9 MB and a tenth of a second."""
    known = characters.tables()
    every = np.arange(CODE_POINTS)
    entries = known.blocks[every >> 8] + (every & 0xFF)
    classes = known.classes[entries]
    ignored = (known.foldings[entries] & IGNORABLE > 0) | (classes & MARK > 0)
    folds = np.zeros(CODE_POINTS, dtype=np.int32)
    expansions: list[int] = []
    for code, plain in _changing():
        seen = [ord(c) for c in plain if not ignored[ord(c)]]
        if not seen:
            ignored[code] = True
        elif len(seen) == 1:
            folds[code] = seen[0]
        elif len("".join(map(chr, seen)).encode()) <= 3 * len(chr(code).encode()):
            folds[code] = -1 - len(expansions)
            expansions += [len(seen), *seen]
    return Tables(
        np.arange(0, CODE_POINTS, 256, dtype=np.int32),
        classes & ~np.uint16(JOINER),
        ignored * np.uint16(IGNORABLE),
        folds,
        np.array(expansions, dtype=np.int32),
    )


def _changing() -> Iterator[tuple[int, str]]:
    """Each code point that is written otherwise, and how; those beyond are tags and private use."""
    for start in range(0, 0x40000, 256):
        block = "".join(map(chr, range(start, start + 256)))
        if _plain(block) != block:
            yield from ((ord(c), plain) for c in block if (plain := _plain(c)) != c)


def _plain(text: str) -> str:
    once = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFKD", once.casefold())  # what was decomposed may have case: ℌ
