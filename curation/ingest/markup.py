"""HTML into blocks of text: one compiled pass over the bytes of a page that a parser has made well-formed.

A block is the text between two places where a browser breaks the line: a tag such as `<p>`, `<li>`, `<td>`,
or two `<br>` one after another. The pass keeps what a classifier and a writer of Markdown need to know of
it: counts of characters, the element it lies in, the list, the table cell. It reads markup as lexbor writes
it: every tag closed, attributes in double quotes, `&amp; &lt; &gt; &nbsp; &quot;` the only references.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

HASH_START, HASH_PRIME, HASH_MASK = 2166136261, 16777619, 0xFFFFFFFF
"""FNV-1a, 32 bits (Fowler, Noll, Vo)."""

TAGS = (
    "a p div li td th h1 h2 h3 h4 h5 h6 pre blockquote ul ol dl dt dd table tr tbody thead tfoot caption article main "
    "section header footer nav aside figure figcaption form fieldset legend address center hr details summary "
    "body html frameset menu dir hgroup search dialog noframes font span b strong i em code time label small br img "
    "script style noscript template svg select option textarea iframe object canvas audio video math button head "
    "title xmp plaintext noembed input area base col embed link meta param source track wbr frame keygen cite q tt u"
).split()
TAG = {name: code for code, name in enumerate(TAGS, 1)}  # 0 is any other
VOID = "hr br img input area base col embed link meta param source track wbr frame keygen".split()
SKIPPED = (
    "script style noscript template svg select option textarea iframe object canvas audio video math button head "
    "title noembed noframes"
).split()
RAW = "script style xmp iframe noembed noframes plaintext".split()
BREAKING = TAGS[TAGS.index("p") : TAGS.index("noframes")] + ["xmp", "plaintext"]
MASKED = (
    "a p li td h1 h2 h3 h4 h5 h6 pre blockquote ul ol dl table article main section header footer nav aside "
    "figure figcaption form address span b strong i em time label small code center font th caption dt dd"
).split()
"""Elements whose presence around a block is a bit of its `MASK`."""
HIDDEN_BIT = len(MASKED)

FIELDS = (
    "START END ELEMENT TAG MASK HEADING LIST_DEPTH LIST_INDEX ITEM QUOTES TABLE ROW CELL PRE "
    "CHARS WORDS LINK_CHARS LINKS DIGITS UPPERS CAPITALS COMMAS STOPS LAST FIRST_UPPER SEPARATORS BREAKS "
    "IMAGES CJK TEXT_BEFORE"
).split()
(
    START, END, ELEMENT, KIND, MASK, HEADING, LIST_DEPTH, LIST_INDEX, ITEM, QUOTES, TABLE, ROW, CELL, PRE,
    CHARS, WORDS, LINK_CHARS, LINKS, DIGITS, UPPERS, CAPITALS, COMMAS, STOPS, LAST, FIRST_UPPER, SEPARATORS, BREAKS,
    IMAGES, CJK, TEXT_BEFORE,
) = range(len(FIELDS))  # fmt: skip

MAX_OPEN = 2_048  # elements open at a time that are kept track of; deeper ones count as their ancestor


def hash_of(word: str) -> int:
    """FNV-1a over the UTF-8 bytes of `word`."""
    value = HASH_START
    for byte in word.encode():
        value = ((value ^ byte) * HASH_PRIME) & HASH_MASK
    return value


def _table(names: dict[str, int]) -> tuple[Any, Any]:
    """An open-addressing table of 1024 places: hashes (-1: empty) and codes."""
    keys, values = np.full(1024, -1, np.int64), np.zeros(1024, np.int64)
    for name, code in names.items():
        place = hash_of(name) & 1023
        while keys[place] != -1:
            place = (place + 1) & 1023
        keys[place], values[place] = hash_of(name), code
    return keys, values


def _flags(names: list[str]) -> Any:
    flags = np.zeros(len(TAGS) + 1, np.bool_)
    flags[[TAG[name] for name in names]] = True
    return flags


TAG_KEYS, TAG_CODES = _table(TAG)
IS_VOID, IS_SKIPPED, IS_RAW, IS_BREAKING = _flags(VOID), _flags(SKIPPED), _flags(RAW), _flags(BREAKING)
MASK_BIT = np.full(len(TAGS) + 1, -1, np.int64)
for _bit, _name in enumerate(MASKED):
    MASK_BIT[TAG[_name]] = _bit
HINTED = [hash_of(name) for name in ("class", "id", "role", "itemprop")]
HINT_CLASS, HINT_ID, HINT_ROLE, HINT_ITEMPROP = HINTED
STYLE, HIDDEN = hash_of("style"), hash_of("hidden")
A, LI, TD, TH, TR, TABLE_TAG, UL, OL, DL, PRE_TAG, BR, IMG, QUOTE = (
    TAG[name] for name in "a li td th tr table ul ol dl pre br img blockquote".split()
)
DT, DD, MENU, DIR, XMP, PLAINTEXT = (TAG[name] for name in "dt dd menu dir xmp plaintext".split())
H1, H6 = TAG["h1"], TAG["h6"]


class Walk(NamedTuple):
    """What one pass finds. Offsets are bytes of `text`."""

    text: Any  # uint8[n]: UTF-8, blocks one after another
    blocks: Any  # int64[blocks, len(FIELDS)]
    parents: Any  # int64[elements]: an element's parent; parents come before their children
    tags: Any  # int64[elements]: codes of TAG
    word_hashes: Any  # int64[words]: of words folded to lower case, in Latin script only
    word_blocks: Any  # int64[words]: the block a word is in
    hint_hashes: Any  # int64[hints]: of the parts of class, id, role, itemprop
    hint_elements: Any  # int64[hints]


@njit(cache=True, nogil=True, inline="always")
def _find(keys: Any, values: Any, wanted: int, missing: Any) -> Any:
    place = wanted & (keys.size - 1)
    while keys[place] != -1:
        if keys[place] == wanted:
            return values[place]
        place = (place + 1) & (keys.size - 1)
    return missing


@njit(cache=True, nogil=True, inline="always")
def _add(value: int, byte: int) -> int:
    return ((value ^ byte) * HASH_PRIME) & HASH_MASK


@njit(cache=True, nogil=True)
def _hints(html: Any, start: int, end: int, element: int, hashes: Any, owners: Any, count: int) -> int:
    """Appends the hash of every part of a class or id: letters, parted where upper case begins."""
    value, letters, before_upper = HASH_START, 0, False
    for place in range(start, end + 1):
        byte = np.int64(html[place]) if place < end else 32
        upper = 65 <= byte <= 90
        letter = upper or 97 <= byte <= 122
        if letters and (not letter or (upper and not before_upper)):
            if letters > 1 and count < hashes.size:
                hashes[count], owners[count] = value, element
                count += 1
            value, letters = HASH_START, 0
        if letter:
            value = _add(value, byte | 32)
            letters += 1
        before_upper = upper
    return count


@njit(cache=True, nogil=True)
def _hides(html: Any, start: int, end: int) -> bool:
    """Whether a style says `display:none`."""
    wanted, at = b"display:none", 0
    for place in range(start, end):
        byte = html[place]
        if byte == 32:
            continue
        if byte | 32 == wanted[at] or byte == wanted[at]:
            at += 1
            if at == len(wanted):
                return True
        else:
            at = 1 if byte | 32 == wanted[0] else 0
    return False


@njit(cache=True, nogil=True)
def _after_raw(html: Any, place: int, name_start: int, name_end: int) -> int:
    """Where the end tag of a raw element begins: `</name`, or the end of the page."""
    size, length = html.size, name_end - name_start
    while place + length + 2 <= size:
        if html[place] == 60 and html[place + 1] == 47:
            same = True
            for k in range(length):
                if html[place + 2 + k] | 32 != html[name_start + k] | 32:
                    same = False
                    break
            if same:
                return place
        place += 1
    return size


@njit(cache=True, nogil=True)
def walk(html: Any) -> Any:  # noqa: PLR0912, PLR0915
    """The blocks of `html`, uint8[n]. Time and memory are linear in n."""
    size = html.size
    elements = 1
    for place in range(size):
        if html[place] == 60:
            elements += 1
    text = np.empty(size + 16, np.uint8)
    capacity = 256
    blocks = np.zeros((capacity, 30), np.int64)
    parents, tags = np.full(elements + 1, -1, np.int64), np.zeros(elements + 1, np.int64)
    word_hashes, word_blocks = np.empty(size // 2 + 1, np.int64), np.empty(size // 2 + 1, np.int64)
    hint_hashes, hint_elements = np.empty(size // 3 + 1, np.int64), np.empty(size // 3 + 1, np.int64)
    words = hints = count = 0
    made = 1  # elements; 0 is the root
    # the stack of open elements: code, element, mask; and what holds inside
    stack = np.zeros((9, MAX_OPEN), np.int64)
    open_tag, open_element, open_mask = stack[0], stack[1], stack[2]
    open_index, open_table, open_row = stack[3], stack[4], stack[5]
    open_cell, open_item, open_name = stack[6], stack[7], stack[8]
    top = 0
    beyond = 0  # open elements that the stack has no room for
    skipping = links = pres = quotes = lists = 0
    tables = rows = cells = items = 0
    length = 0  # bytes of text written
    row = blocks[0].copy()
    row[:] = 0
    begun = False
    breaks = 0  # `<br>` since the last character
    spaced = False  # white space since the last character
    word, in_word = HASH_START, 0
    capital = False
    last_text = 0
    place = 0
    while place <= size:
        flush = place == size
        byte = np.int64(html[place]) if place < size else 60
        if byte == 60 and not flush:
            # ------------------------------------------------------------------ a tag or a comment
            following = np.int64(html[place + 1]) if place + 1 < size else 32
            if following == 33 or following == 63:
                if following == 33 and place + 3 < size and html[place + 2] == 45 and html[place + 3] == 45:
                    place += 4
                    while place + 2 < size and not (
                        html[place] == 45 and html[place + 1] == 45 and html[place + 2] == 62
                    ):
                        place += 1
                    place += 3
                else:
                    while place < size and html[place] != 62:
                        place += 1
                    place += 1
                place = min(place, size)
                continue
            closing = following == 47
            name_start = place + 2 if closing else place + 1
            value, at = HASH_START, name_start
            while at < size and html[at] != 62 and html[at] != 32 and html[at] != 47:
                value = _add(value, np.int64(html[at]) | 32)
                at += 1
            name_end = at
            # names with digits keep them under | 32: '1' is 0x31
            code = _find(TAG_KEYS, TAG_CODES, value, 0)
            if closing:
                while at < size and html[at] != 62:
                    at += 1
                place = at + 1
                if beyond:
                    beyond -= 1
                elif top and open_name[top] == value:
                    if code == A:
                        links -= 1
                    elif code == PRE_TAG or code == XMP:
                        pres -= 1
                    elif code == QUOTE:
                        quotes -= 1
                    elif code == UL or code == OL or code == MENU or code == DIR:
                        lists -= 1
                    if IS_SKIPPED[code]:
                        skipping -= 1
                    top -= 1
                flush = IS_BREAKING[code]
            else:
                element = made
                mask = open_mask[top]
                if MASK_BIT[code] >= 0:
                    mask |= 1 << MASK_BIT[code]
                while at < size and html[at] != 62:
                    if html[at] == 32 or html[at] == 47:
                        at += 1
                        continue
                    key = HASH_START
                    while at < size and html[at] != 61 and html[at] != 62 and html[at] != 32:
                        key = _add(key, np.int64(html[at]) | 32)
                        at += 1
                    if key == HIDDEN:
                        mask |= 1 << HIDDEN_BIT
                    if at + 1 < size and html[at] == 61 and html[at + 1] == 34:
                        begin = at + 2
                        at = begin
                        while at < size and html[at] != 34:
                            at += 1
                        if key == HINT_CLASS or key == HINT_ID or key == HINT_ROLE or key == HINT_ITEMPROP:
                            hints = _hints(html, begin, at, element, hint_hashes, hint_elements, hints)
                        elif key == STYLE and _hides(html, begin, at):
                            mask |= 1 << HIDDEN_BIT
                        at += 1
                    elif at < size and html[at] == 61:
                        at += 1
                place = at + 1
                parents[element] = open_element[top]
                tags[element] = code
                made += 1
                if not IS_VOID[code]:
                    if top + 1 >= MAX_OPEN:
                        beyond += 1
                    else:
                        top += 1
                        open_tag[top], open_element[top], open_mask[top] = code, element, mask
                        open_name[top] = value
                        open_index[top] = 0
                        open_table[top], open_row[top] = open_table[top - 1], open_row[top - 1]
                        open_cell[top], open_item[top] = open_cell[top - 1], open_item[top - 1]
                        if code == A:
                            links += 1
                            row[LINKS] += 1
                        elif code == PRE_TAG or code == XMP:
                            pres += 1
                        elif code == QUOTE:
                            quotes += 1
                        elif code == UL or code == OL or code == MENU or code == DIR:
                            lists += 1
                        elif code == TABLE_TAG:
                            tables += 1
                            open_table[top] = tables
                            open_row[top] = open_cell[top] = open_item[top] = 0
                        elif code == TR:
                            rows += 1
                            open_row[top] = rows
                        elif code == TD or code == TH:
                            cells += 1
                            open_cell[top] = cells
                        elif code == LI or code == DT or code == DD:
                            items += 1
                            open_item[top] = items
                            if code == LI and open_tag[top - 1] == OL:
                                open_index[top - 1] += 1
                                open_index[top] = open_index[top - 1]
                        if IS_SKIPPED[code]:
                            skipping += 1
                        if IS_RAW[code] and code != XMP:
                            place = _after_raw(html, place, name_start, name_end)
                flush = IS_BREAKING[code]
                if code == IMG:
                    row[IMAGES] += 1
                elif code == BR and not skipping:
                    if breaks and begun:
                        flush = True
                    breaks += 1
            place = min(place, size)
            if not flush:
                continue
        if flush:
            # ------------------------------------------------------------------ the end of a block
            if in_word:
                word_hashes[words], word_blocks[words] = word, count
                words += 1
                row[CAPITALS] += capital
                row[WORDS] += 1
                word, in_word = HASH_START, 0
            if begun:
                row[END] = length
                row[TEXT_BEFORE] = last_text
                last_text = length
                if count == capacity:
                    grown = np.zeros((2 * capacity, 30), np.int64)
                    grown[:capacity] = blocks
                    blocks, capacity = grown, 2 * capacity
                blocks[count] = row
                count += 1
                row[:] = 0
                begun = False
                text[length] = 10
                length += 1
            breaks, spaced = 0, False
            if place == size:
                break
            continue
        # ---------------------------------------------------------------------- a character of text
        if skipping:
            place += 1
            while place < size and html[place] != 60:
                place += 1
            continue
        width = 1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
        second = np.int64(html[place + 1]) if width > 1 and place + 1 < size else 0
        third = np.int64(html[place + 2]) if width > 2 and place + 2 < size else 0
        written = byte  # of one byte
        step = width
        if byte == 38:  # a reference
            if place + 5 <= size and html[place + 1] == 97 and html[place + 4] == 59:
                step = 5
            elif place + 4 <= size and html[place + 3] == 59 and html[place + 1] == 108:
                written, step = 60, 4
            elif place + 4 <= size and html[place + 3] == 59 and html[place + 1] == 103:
                written, step = 62, 4
            elif place + 6 <= size and html[place + 1] == 110 and html[place + 5] == 59:
                written, step = 32, 6
            elif place + 6 <= size and html[place + 1] == 113 and html[place + 5] == 59:
                written, step = 34, 6
        blank = written <= 32 or (byte == 0xC2 and second == 0xA0) or (byte == 0xE3 and second == 0x80 and third == 0x80)
        invisible = (byte == 0xE2 and second == 0x80 and 0x8B <= third <= 0x8F) or (
            byte == 0xEF and second == 0xBB and third == 0xBF
        ) or (byte == 0xC2 and second == 0xAD)
        separator = blank or invisible
        letter = (
            97 <= written <= 122 or 65 <= written <= 90 or 48 <= written <= 57
            or (byte >= 0xC3 and not (byte == 0xE2 and second < 0x84) and not (byte == 0xE3 and second == 0x80)
                and not (byte == 0xEF and second == 0xBC and third < 0x90) and not invisible)
        )  # fmt: skip
        if in_word and not letter:
            word_hashes[words], word_blocks[words] = word, count
            words += 1
            row[CAPITALS] += capital
            row[WORDS] += 1
            word, in_word = HASH_START, 0
        if separator:
            if blank:
                if pres and begun and written == 10:
                    text[length] = 10
                    length += 1
                    spaced = False
                elif pres and (begun or written == 32):
                    if not begun:
                        spaced = True
                    else:
                        text[length] = 9 if written == 9 else 32
                        length += 1
                else:
                    spaced = True
            place += step
            continue
        if not begun:
            begun = True
            row[START] = length
            row[ELEMENT], row[MASK] = open_element[top], open_mask[top]
            row[TABLE], row[ROW], row[CELL] = open_table[top], open_row[top], open_cell[top]
            row[ITEM], row[QUOTES], row[LIST_DEPTH], row[PRE] = open_item[top], quotes, lists, pres
            at = top
            while at > 0 and not IS_BREAKING[open_tag[at]]:
                at -= 1
            row[KIND] = open_tag[at]
            while at > 0 and open_tag[at] != LI and open_tag[at] != TD and not H1 <= open_tag[at] <= H6:
                at -= 1
            if H1 <= open_tag[at] <= H6:
                row[HEADING] = open_tag[at] - H1 + 1
            elif open_tag[at] == LI:
                row[LIST_INDEX] = open_index[at]
            row[FIRST_UPPER] = 65 <= written <= 90 or (byte == 0xC3 and 0x80 <= second <= 0x9E)
        elif breaks:
            text[length] = 10
            length += 1
            row[BREAKS] += 1
        elif spaced:
            text[length] = 32
            length += 1
        breaks, spaced = 0, False
        if width == 1:
            text[length] = written
        else:
            for k in range(width):
                if place + k < size:
                    text[length + k] = html[place + k]
        length += width
        row[CHARS] += 1
        if links:
            row[LINK_CHARS] += 1
        if letter:
            upper = 65 <= written <= 90 or (byte == 0xC3 and 0x80 <= second <= 0x9E and second != 0x97)
            if not in_word:
                capital = upper
            in_word += 1
            row[UPPERS] += upper
            if 48 <= written <= 57:
                row[DIGITS] += 1
            if width == 1:
                word = _add(word, written | 32 if upper else written)
            else:
                word = _add(word, byte)
                word = _add(word, second | 32 if byte == 0xC3 and upper else second)
                if width > 2:
                    word = _add(word, third)
            if (byte == 0xE3 and second > 0x80) or 0xE4 <= byte <= 0xE9:
                row[CJK] += 1
            row[LAST] = 0
        elif written == 46 or written == 33 or written == 63 or (byte == 0xE3 and second == 0x80 and third == 0x82) or (
            byte == 0xEF and second == 0xBC and (third == 0x81 or third == 0x9F)
        ) or (byte == 0xE2 and second == 0x80 and third == 0xA6):
            row[STOPS] += 1
            row[LAST] = 1
        elif written == 44 or (byte == 0xEF and second == 0xBC and third == 0x8C) or (
            byte == 0xE3 and second == 0x80 and third == 0x81
        ):
            row[COMMAS] += 1
            row[LAST] = 3
        elif written == 58:
            row[LAST] = 2
        elif written == 124 or (byte == 0xC2 and (second == 0xB7 or second == 0xBB or second == 0xAB)) or (
            byte == 0xE2 and second == 0x80 and (third == 0xA2 or third == 0xBA)
        ) or written == 62:
            row[SEPARATORS] += 1
            row[LAST] = 4
        elif not (written == 34 or written == 39 or written == 41 or written == 93 or (byte == 0xE2 and second == 0x80)):
            row[LAST] = 5
        place += step
    return (
        text[:length], blocks[:count], parents[:made], tags[:made], word_hashes[:words], word_blocks[:words],
        hint_hashes[:hints], hint_elements[:hints],
    )  # fmt: skip
