"""Which blocks of a page are its main text, told from a text that is known to be."""

import re
from difflib import SequenceMatcher
from typing import Any

import numpy as np

TOKEN = re.compile(r"\w+")
SHORTEST_RUN = 3
"""Tokens in a row that agree; a shorter run counts only where it is a whole block."""


def tokens(text: str) -> list[str]:
    """Runs of letters, digits and underscores, in lower case."""
    return TOKEN.findall(text.lower())


def shares_in(blocks: list[str], text: str) -> Any:
    """float64[blocks]: how much of each block, in tokens, an alignment of the page with `text` finds in it.

    The alignment keeps the order, so a teaser that repeats a sentence of the article is not taken for it.
    """
    parted = [tokens(block) for block in blocks]
    owners = [number for number, block in enumerate(parted) for _ in block]
    page = [token for block in parted for token in block]
    found = np.zeros(len(blocks))
    for match in SequenceMatcher(None, page, tokens(text), autojunk=False).get_matching_blocks():
        for place in range(match.a, match.a + match.size):
            owner = owners[place]
            found[owner] += match.size >= min(SHORTEST_RUN, len(parted[owner]))
    return found / np.array([max(1, len(block)) for block in parted])


def labels_of_snippets(blocks: list[str], present: tuple[str, ...], absent: tuple[str, ...]) -> Any:
    """float64[blocks]: 1 for a block with a string that must be in the text, 0 for one with a string that
    must not, NaN for one that has both or neither."""
    flat = [_flat(block) for block in blocks]
    wanted = np.array([any(_flat(s) in block for s in present if s.strip()) for block in flat], bool)
    unwanted = np.array([any(_flat(s) in block for s in absent if s.strip()) for block in flat], bool)
    made = np.full(len(blocks), np.nan)
    made[wanted & ~unwanted] = 1
    made[unwanted & ~wanted] = 0
    return made


def _flat(text: str) -> str:
    return " ".join(text.split()).lower()
