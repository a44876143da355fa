"""How deep the tags of a page nest, as their names alone tell: before a parser that minds is let near it.

What the parser takes for text is passed over: comments, scripts, styles, attributes. Empty elements (HTML
Standard, 13.1.2) hold nothing, and those that the next of their kind closes (13.1.2.4, 13.2.6.4) hold
themselves only through others, which count. Within `<svg>` and `<math>` `<path/>` is empty, too.
"""

from typing import Any

import numpy as np

from curation.text.compiled import uncounted
from curation.text.markup import (
    BANG,
    EQUALS,
    GT,
    HASH_MASK,
    HASH_PRIME,
    HASH_START,
    LT,
    QUESTION,
    QUOTATION,
    SLASH,
    SPACE,
    after_comment,
    find_byte,
    hash_of,
    hash_table,
    look_up,
    raw_end,
)

EMPTY = "area base br col embed hr img input link meta param source track wbr"
CLOSED_BY_THE_NEXT = (
    "p li dt dd option optgroup tr td th thead tbody tfoot colgroup a nobr button h1 h2 h3 h4 h5 h6"
)
RAW = "script style textarea title iframe noembed noframes xmp plaintext"
FOREIGN = "svg math"
LEAVES = (
    "b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing "
    "menu meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul var foreignobject "
    "annotation-xml"
)
"""What ends FOREIGN without an end tag, or holds HTML in it."""
IS_FLAT, IS_RAW, IS_FOREIGN, IS_LEAVING = 1, 2, 4, 8
_BITS = {
    IS_FLAT: f"{EMPTY} {CLOSED_BY_THE_NEXT}".split(),
    IS_RAW: RAW.split(),
    IS_FOREIGN: FOREIGN.split(),
    IS_LEAVING: LEAVES.split(),
}
KIND_KEYS, KINDS = hash_table(
    {
        hash_of(name): sum(bit for bit, names in _BITS.items() if name in names)
        for name in {name for names in _BITS.values() for name in names}
    },
    np.int64,
)
APOSTROPHE = ord("'")


@uncounted
def deepest(html: Any) -> Any:
    """The most tags open at a time, and how many tags and comments there are; `html` is uint8[bytes]."""
    most = now = count = foreign = place = 0
    while place < html.size - 1:
        if html[place] != LT:
            place += 1
            continue
        closing = html[place + 1] == SLASH
        name = place + 1 + closing
        if name >= html.size or not ord("a") <= html[name] | 32 <= ord("z"):
            comment = closing or html[place + 1] == BANG or html[place + 1] == QUESTION
            count += comment
            place = after_comment(html, place) if comment else place + 1
            continue
        count += 1
        value, end = _name(html, name)
        kind = look_up(KIND_KEYS, KINDS, value)
        place = _after_attributes(html, end)
        alone = place > end and html[place - 1] == SLASH
        place += 1
        if closing:
            now = max(0, now - (not kind & IS_FLAT))
            foreign = max(0, foreign - (kind & IS_FOREIGN != 0))
            continue
        if kind & IS_LEAVING:
            foreign = 0
        if kind & IS_FLAT or (alone and (foreign or kind & IS_FOREIGN)):
            continue
        if kind & IS_RAW and not foreign:
            place = raw_end(html, place, name, end)
        now += 1
        most = max(most, now)
        foreign += kind & IS_FOREIGN != 0
    return most, count


@uncounted
def _name(html: Any, place: int) -> Any:
    """The hash of the name that begins at `place`, and where it ends."""
    value: Any = HASH_START
    while place < html.size and html[place] > SPACE and html[place] != GT and html[place] != SLASH:
        value = ((value ^ (np.int64(html[place]) | 32)) * HASH_PRIME) & HASH_MASK
        place += 1
    return value, place


@uncounted
def _after_attributes(html: Any, place: int) -> int:
    """Where the `>` of the tag is whose name ends at `place`; what a tag has in quotes does not end it."""
    while place < html.size and html[place] != GT:
        if html[place] <= SPACE or html[place] == SLASH:
            place += 1
            continue
        place += 1  # even a `=` begins a name
        while (
            place < html.size
            and html[place] > SPACE
            and html[place] not in (GT, SLASH)
            and html[place] != EQUALS
        ):
            place += 1
        value = _after_space(html, place)
        if value >= html.size or html[value] != EQUALS:
            continue
        place = _after_space(html, value + 1)
        if place < html.size and (html[place] == QUOTATION or html[place] == APOSTROPHE):
            place = find_byte(html, place + 1, html[place]) + 1
        else:
            while place < html.size and html[place] > SPACE and html[place] != GT:
                place += 1
    return place


@uncounted
def _after_space(html: Any, place: int) -> int:
    while place < html.size and html[place] <= SPACE:
        place += 1
    return place
