"""How deep the tags of a page nest, as their names alone tell: before a parser that minds is let near it.

Empty elements (HTML Standard, 13.1.2) and those that the next of their kind closes (13.1.2.4) hold nothing.
"""

from typing import Any

import numpy as np

from curation.text.compiled import uncounted
from curation.text.markup import (
    GT,
    HASH_MASK,
    HASH_PRIME,
    HASH_START,
    LT,
    SLASH,
    hash_of,
    hash_table,
    look_up,
)

EMPTY = "area base br col embed hr img input link meta param source track wbr"
CLOSED_BY_THE_NEXT = "p li dt dd option optgroup tr td th thead tbody tfoot colgroup"
FLAT_KEYS, FLAT = hash_table(
    {hash_of(name): 1 for name in (EMPTY + " " + CLOSED_BY_THE_NEXT).split()}, np.int64
)


@uncounted
def deepest(html: Any) -> int:
    """The most tags that are open at a time; `html` is uint8[bytes]."""
    most = now = place = 0
    while place < html.size - 1:
        if html[place] != LT:
            place += 1
            continue
        place += 1
        closing = html[place] == SLASH
        if closing:
            place += 1
        if place >= html.size or not ord("a") <= html[place] | 32 <= ord("z"):
            continue
        value: Any = HASH_START
        while place < html.size and html[place] > ord(" ") and html[place] != GT and html[place] != SLASH:
            value = ((value ^ (np.int64(html[place]) | 32)) * HASH_PRIME) & HASH_MASK
            place += 1
        if look_up(FLAT_KEYS, FLAT, value):
            continue
        now = max(0, now - 1) if closing else now + 1
        most = max(most, now)
    return most
