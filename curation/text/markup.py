"""HTML into elements and runs of text: the first of two compiled passes over a page.

It reads markup as lexbor writes it after parsing: every tag closed, attributes in double quotes, `&amp; &lt;
&gt; &nbsp; &quot;` the only references. So it need not know how browsers mend a page, only what tags mean.
Time and memory are linear in the bytes of the page.
"""

from typing import Any, NamedTuple

import numpy as np

from curation.text.compiled import compiled, uncounted

HASH_START, HASH_PRIME, HASH_MASK = 2166136261, 16777619, 0xFFFFFFFF
"""FNV-1a, 32 bits (Fowler, Noll, Vo), of code points rather than of bytes."""

BREAKING = (
    "p div li td th h1 h2 h3 h4 h5 h6 pre blockquote ul ol dl dt dd table tr tbody thead tfoot caption "
    "article main section header footer nav aside figure figcaption form fieldset legend address center hr "
    "details summary body html frameset menu dir hgroup search dialog noframes xmp plaintext"
).split()
"""A browser breaks the line before and after these."""
INLINE = "a span b strong i em code time label small font br img input".split()
SKIPPED = (
    "script style noscript template svg select option textarea iframe object canvas audio video math button "
    "head title noembed noframes"
).split()
"""What is in these is no text of the page."""
VOID = "hr br img input area base col embed link meta param source track wbr frame keygen".split()
RAW = "script style iframe noembed noframes plaintext xmp".split()
"""What is in these is no markup."""
TAGS = list(dict.fromkeys([*BREAKING, *INLINE, *SKIPPED, *VOID, *RAW]))
TAG = {name: code for code, name in enumerate(TAGS, 1)}  # 0 is any other
MASKED = (
    "a p li td h1 h2 h3 h4 h5 h6 pre blockquote ul ol dl table article main section header footer nav aside "
    "figure figcaption form address span b strong i em time label small code center font th caption dt dd"
).split()
"""Elements that are a bit of the `MASK` of all that is in them; one bit more says that a style hides it."""
HIDDEN_BIT = len(MASKED)

ELEMENT_FIELDS = (
    "parent tag mask table row cell item number lists quotes pre links heading block skipped".split()
)
PARENT, TAG_CODE, MASK, TABLE, ROW, CELL, ITEM, NUMBER, LISTS, QUOTES, PRE, LINK, HEADING, BLOCK, SKIP = (
    range(15)
)
"""Of an element, and mostly inherited: which table, row, cell and list item of the page (1, 2 …; 0: none),
the number of the item in an ordered list, how deep in lists and quotations, whether preformatted, in a link
(an `<a>` with `href`: others are anchors, which old pages leave open), in a heading (its level), the code
of the innermost breaking tag."""
RUN_FIELDS = "start end element breaking breaks links images".split()
RUN_START, RUN_END, RUN_ELEMENT, RUN_BREAKING, RUN_BREAKS, RUN_LINKS, RUN_IMAGES = range(7)
"""A run is text without a tag in it, bytes [start, end). The rest is what came since the run before: whether
a breaking tag, how many `<br>`, `<a>` and `<img>`."""

MAX_OPEN = 4_096
"""Elements open at a time; what is deeper counts as text of its ancestor there."""


class Page(NamedTuple):
    """What the first pass finds."""

    elements: Any  # int64[elements, len(ELEMENT_FIELDS)], parents before children; the first is the root
    runs: Any  # int64[runs, len(RUN_FIELDS)]
    hint_hashes: Any  # int64[hints]: of the words in class, id, role and itemprop
    hint_elements: Any  # int64[hints]: the element whose they are


def hash_of(word: str) -> int:
    """FNV-1a over the code points of `word`."""
    value = HASH_START
    for character in word:
        value = ((value ^ ord(character)) * HASH_PRIME) & HASH_MASK
    return value


def hash_table(values: dict[int, float], dtype: Any) -> tuple[Any, Any]:
    """An open-addressing table, at most a quarter full: keys, int64 (-1: empty), and values of `dtype`."""
    size = 64
    while size < 4 * len(values):
        size *= 2
    keys, held = np.full(size, -1, np.int64), np.zeros(size, dtype)
    for key, value in sorted(values.items()):
        place = key & (size - 1)
        while keys[place] != -1:
            place = (place + 1) & (size - 1)
        keys[place], held[place] = key, value
    return keys, held


def _flags(names: list[str]) -> Any:
    flags = np.zeros(len(TAGS) + 1, np.bool_)
    flags[[TAG[name] for name in names]] = True
    return flags


TAG_KEYS, TAG_CODES = hash_table({hash_of(name): code for name, code in TAG.items()}, np.int64)
IS_VOID, IS_SKIPPED, IS_RAW, IS_BREAKING = _flags(VOID), _flags(SKIPPED), _flags(RAW), _flags(BREAKING)
IS_LIST, IS_ITEM, IS_CELL = (
    _flags(["ul", "ol", "menu", "dir"]),
    _flags(["li", "dt", "dd"]),
    _flags(["td", "th"]),
)
MASK_OF = np.zeros(len(TAGS) + 1, np.int64)
for _bit, _masked in enumerate(MASKED):
    MASK_OF[TAG[_masked]] = 1 << _bit
HINT_CLASS, HINT_ID, HINT_ROLE, HINT_ITEMPROP = (
    hash_of(name) for name in ("class", "id", "role", "itemprop")
)
STYLE, HIDDEN, HREF = hash_of("style"), hash_of("hidden"), hash_of("href")
A, OL, TABLE_TAG, TR, PRE_TAG, XMP, QUOTE, BR, IMG = (
    TAG[name] for name in ("a", "ol", "table", "tr", "pre", "xmp", "blockquote", "br", "img")
)
H1, H6 = TAG["h1"], TAG["h6"]
DISPLAY_NONE = np.frombuffer(b"display:none", np.uint8)
LT, GT, SLASH, SPACE, QUOTATION, EQUALS, BANG, QUESTION, HYPHEN = b'<>/ "=!?-'


@compiled
def scan(html: Any) -> Any:
    """The fields of Page for `html`, uint8[n]."""
    tags = 1
    for place in range(html.size):
        tags += html[place] == LT
    elements = np.empty((tags + 1, 15), np.int64)  # each is written whole when it opens
    runs = np.empty((tags + 2, 7), np.int64)
    elements[0], runs[0] = 0, 0
    hints = np.empty((2, html.size // 3 + 1), np.int64)
    stack = np.zeros((2, MAX_OPEN), np.int64)  # element, hash of its name
    numbers = np.zeros(6, np.int64)  # elements, hints, tables, rows, cells, items so far
    numbers[0] = 1
    made = top = beyond = place = 0
    while place < html.size:
        run = runs[made]
        if html[place] != LT:
            end = find_byte(html, place, LT)
            if not elements[stack[0, top], SKIP]:
                run[RUN_START], run[RUN_END], run[RUN_ELEMENT] = place, end, stack[0, top]
                made += 1
                runs[made] = 0
            place = end
        elif place + 1 < html.size and (html[place + 1] == BANG or html[place + 1] == QUESTION):
            place = after_comment(html, place)
        elif place + 1 < html.size and html[place + 1] == SLASH:
            name, end = _name(html, place + 2)
            if beyond:
                beyond -= 1
            elif top and stack[1, top] == name:
                top -= 1
            run[RUN_BREAKING] |= IS_BREAKING[look_up(TAG_KEYS, TAG_CODES, name)]
            place = find_byte(html, end, GT) + 1
        else:
            name, end = _name(html, place + 1)
            code = look_up(TAG_KEYS, TAG_CODES, name)
            element = _open(elements, numbers, stack[0, top], code)
            after = _attributes(html, end, elements[element], element, hints, numbers)
            _note(run, code, elements[element, LINK])
            if not IS_VOID[code] and top + 1 < MAX_OPEN:
                top += 1
                stack[0, top], stack[1, top] = element, name
            elif not IS_VOID[code]:
                beyond += 1
            place = raw_end(html, after, place + 1, end) if IS_RAW[code] else after
    return elements[: numbers[0]], runs[:made], hints[0, : numbers[1]], hints[1, : numbers[1]]


@uncounted
def look_up(keys: Any, values: Any, wanted: int) -> Any:
    """What `hash_table` holds under `wanted`; 0 if nothing."""
    place = wanted & (keys.size - 1)
    while keys[place] != -1:
        if keys[place] == wanted:
            return values[place]
        place = (place + 1) & (keys.size - 1)
    return values.dtype.type(0)


@uncounted
def find_byte(html: Any, place: int, wanted: int) -> int:
    while place < html.size and html[place] != wanted:
        place += 1
    return place


@uncounted
def _name(html: Any, place: int) -> Any:
    """The hash of the name that begins at `place`, in lower case, and where it ends."""
    value: Any = HASH_START
    while place < html.size:
        byte: Any = np.int64(html[place])
        if byte in (GT, SPACE, SLASH, EQUALS):
            break
        value = ((value ^ (byte | 32)) * HASH_PRIME) & HASH_MASK
        place += 1
    return value, place


@uncounted
def _is_comment(html: Any, place: int) -> bool:
    if place + 3 >= html.size or html[place + 1] != BANG:
        return False
    return html[place + 2] == HYPHEN and html[place + 3] == HYPHEN


@uncounted
def after_comment(html: Any, place: int) -> int:
    """Behind the comment or declaration at `place`."""
    if not _is_comment(html, place):
        return find_byte(html, place, GT) + 1
    place += 2  # `<!-->` is one, too
    while place + 2 < html.size:
        if html[place] == HYPHEN and html[place + 1] == HYPHEN:
            if html[place + 2] == GT:
                return place + 3
            if html[place + 2] == BANG and place + 3 < html.size and html[place + 3] == GT:
                return place + 4
        place += 1
    return html.size


@uncounted
def raw_end(html: Any, place: int, name: int, name_end: int) -> int:
    """Where the end tag of the raw element whose name is at [name, name_end) begins.

    In `<!-- <script> … </script> -->` within a script the end tag ends only what is in the comment (HTML's
    "script data double escaped state").
    """
    script = html[name + 1] | 32 == ord("c")  # no other raw element's name has it second
    comment = nested = False
    while place < html.size:
        byte = html[place]
        if byte == LT and place + 1 < html.size:
            if html[place + 1] == SLASH and _same(html, place + 2, name, name_end):
                if not nested:
                    return place
                nested = False
            elif comment and _same(html, place + 1, name, name_end):
                nested = True
            elif script and _is_comment(html, place):
                comment = True
                place += 3
                continue
        elif byte == GT and comment and html[place - 1] == HYPHEN and html[place - 2] == HYPHEN:
            comment = nested = False
        place += 1
    return html.size


@uncounted
def _same(html: Any, place: int, name: int, name_end: int) -> bool:
    """Whether the name at [name, name_end) is at `place` too, in any case."""
    length = name_end - name
    if place + length > html.size:
        return False
    same = 0
    while same < length and html[place + same] | 32 == html[name + same] | 32:
        same += 1
    return same == length


@uncounted
def _open(elements: Any, numbers: Any, parent: int, code: int) -> int:
    """A new element, which inherits from its parent."""
    index = numbers[0]
    numbers[0] += 1
    element = elements[index]
    for field in range(element.size):
        element[field] = elements[parent, field]
    element[PARENT], element[TAG_CODE] = parent, code
    element[MASK] |= MASK_OF[code]
    if code == TABLE_TAG:
        numbers[2] += 1
        element[TABLE], element[ROW], element[CELL], element[ITEM] = numbers[2], 0, 0, 0
    elif code == TR:
        numbers[3] += 1
        element[ROW] = numbers[3]
    elif IS_CELL[code]:
        numbers[4] += 1
        element[CELL] = numbers[4]
    elif IS_ITEM[code]:
        numbers[5] += 1
        element[ITEM] = numbers[5]
        if elements[parent, TAG_CODE] == OL:
            elements[parent, NUMBER] += 1
            element[NUMBER] = elements[parent, NUMBER]
        else:
            element[NUMBER] = 0
    elif IS_LIST[code]:
        element[LISTS] += 1
        element[NUMBER] = 0
    elif code == QUOTE:
        element[QUOTES] += 1
    elif code in (PRE_TAG, XMP):
        element[PRE] = 1
    elif H1 <= code <= H6:
        element[HEADING] = code - H1 + 1
    if IS_BREAKING[code]:
        element[BLOCK] = code
    element[SKIP] |= IS_SKIPPED[code]
    return index


@uncounted
def _note(run: Any, code: int, link: int) -> None:
    """What the run to come must know of a tag before it."""
    run[RUN_BREAKING] |= IS_BREAKING[code]
    run[RUN_BREAKS] += code == BR
    run[RUN_LINKS] += code == A and link
    run[RUN_IMAGES] += code == IMG


@uncounted
def _attributes(html: Any, place: int, element: Any, index: int, hints: Any, numbers: Any) -> int:
    """Reads the attributes from `place` on; returns the place behind the tag."""
    while place < html.size and html[place] != GT:
        if html[place] == SPACE or html[place] == SLASH or html[place] == EQUALS:
            place += 1
            continue
        name, place = _name(html, place)
        if name == HIDDEN:
            element[MASK] |= 1 << HIDDEN_BIT
        elif name == HREF and element[TAG_CODE] == A:
            element[LINK] = 1
        if place + 1 < html.size and html[place] == EQUALS and html[place + 1] == QUOTATION:
            start = place + 2
            place = find_byte(html, start, QUOTATION)
            if name in (HINT_CLASS, HINT_ID, HINT_ROLE, HINT_ITEMPROP):
                _hints(html[start:place], index, hints, numbers)
            elif name == STYLE and _hides(html[start:place]):
                element[MASK] |= 1 << HIDDEN_BIT
            place += 1
    return place + 1


@uncounted
def _hints(value: Any, index: int, hints: Any, numbers: Any) -> None:
    """Keeps the hash of every word in a class or id: letters, parted also where upper case begins.

    A word of fewer than three is most often what a build tool has made up.
    """
    word: Any = HASH_START
    letters, was_upper = 0, False
    for place in range(value.size + 1):
        byte: Any = np.int64(value[place]) if place < value.size else np.int64(SPACE)
        upper = 65 <= byte <= 90
        letter = upper or 97 <= byte <= 122
        if letters and (not letter or (upper and not was_upper)):
            if letters > 2 and numbers[1] < hints.shape[1]:
                hints[0, numbers[1]], hints[1, numbers[1]] = word, index
                numbers[1] += 1
            word, letters = HASH_START, 0
        if letter:
            word = ((word ^ (byte | 32)) * HASH_PRIME) & HASH_MASK
            letters += 1
        was_upper = upper


@uncounted
def _hides(style: Any) -> bool:
    """Whether it says `display:none`, with spaces or without."""
    matched = 0
    for place in range(style.size):
        byte = style[place]
        if byte == SPACE:
            continue
        lower = byte | 32 if 65 <= byte <= 90 else byte
        if lower != DISPLAY_NONE[matched]:
            matched = 0
        if lower == DISPLAY_NONE[matched]:
            matched += 1
            if matched == DISPLAY_NONE.size:
                return True
    return False
