"""Blocks of a page into the numbers that the block model reads: one row a block.

Shallow text features and those of a block's neighbours follow Kohlschütter, Fankhauser, Nejdl, "Boilerplate
Detection using Shallow Text Features" (WSDM 2010). What words and the names of classes say is their log odds
in the training pages, as in naive Bayes. What containers hold is in the spirit of Readability: an article is
where most of the prose of a page lies.
"""

from typing import Any

import numpy as np

from curation.text.blocks import (
    BREAKS,
    CAPITALS,
    CHARS,
    CJK,
    COMMAS,
    DIGITS,
    ELEMENT,
    FIRST_UPPER,
    IMAGES,
    LAST,
    LINK_CHARS,
    LINKS,
    SEPARATORS,
    STOPS,
    UPPERS,
    WORDS,
    Blocks,
)
from curation.text.compiled import compiled
from curation.text.markup import (
    BLOCK,
    CELL,
    HEADING,
    ITEM,
    LISTS,
    MASK,
    MASKED,
    PARENT,
    PRE,
    QUOTES,
    TABLE,
    hash_of,
    look_up,
)

SHALLOW = (
    "chars words link_share links digit_share upper_share capital_share comma_rate stop_rate last "
    "first_upper separator_rate breaks images cjk_share block heading lists in_item quotes tabular pre"
).split()
EVIDENCE = "word_evidence words_known word_worst in_title repeated".split()
CONTAINERS = (
    "hint_own hint_path hint_worst hint_best parent_chars parent_links parent_prose grand_chars grand_links "
    "grand_prose steps_to_half steps_to_most others_links in_comments"
).split()
PLACE = (
    "position chars_before prose_before page_prose page_blocks page_links since_prose since_heading "
    "until_prose share_of_longest"
).split()
WITHIN = [f"in_{name}" for name in MASKED] + ["hidden"]
NEAR = "words link_share is_prose word_evidence heading hint_path".split()
NAMES = (
    SHALLOW + EVIDENCE + CONTAINERS + PLACE + WITHIN + [f"{n}@{d:+d}" for d in (-2, -1, 1, 2) for n in NEAR]
)
"""The columns. A share is in [0, 1], a rate is per word, evidence is a sum of log odds, a step is one element
up: how many until the element has half, or nine tenths, of the page's prose."""

COLUMNS = len(NAMES)
AT_EVIDENCE = len(SHALLOW)
AT_CONTAINERS = AT_EVIDENCE + len(EVIDENCE)
AT_PLACE = AT_CONTAINERS + len(CONTAINERS)
AT_WITHIN = AT_PLACE + len(PLACE)
AT_NEAR = AT_WITHIN + len(WITHIN)
NEAR_COLUMNS = np.array([NAMES.index(name) if name in NAMES else -1 for name in NEAR])
FAR = 99.0  # blocks; further is as far
MOST_STEPS = 40
COMMENTS = np.array(
    sorted(
        hash_of(name)
        for name in "comment comments commentlist commenter reply replies respond disqus".split()
    )
)
"""Names that say of all that is in an element that readers wrote it."""
NEARLY_ALL = 0.9
"""The names of an element that holds more of the page's characters are ignored; where it holds more of its
prose, those that speak against it: `<body class="has-comments with-sidebar">` tells no block from another."""

PROSE_WORDS = 12
PROSE_LINKS = 0.3
"""Prose is a block of so many words, with at most so large a share of them in links, and some punctuation."""


def features(page: Blocks, title: Any, words: tuple[Any, Any], hints: tuple[Any, Any]) -> Any:
    """float32[blocks, COLUMNS]. `title`: the hashes of its words, sorted; `words` and `hints`: hash tables of
    log odds (`markup.hash_table`)."""
    return _features(
        page.rows, page.page.elements, page.word_hashes, page.word_blocks, page.page.hint_hashes,
        page.page.hint_elements, title, *words, *hints,
    )  # fmt: skip


@compiled
def _features(
    rows: Any, elements: Any, word_hashes: Any, word_blocks: Any, hint_hashes: Any, hint_elements: Any,
    title: Any, word_keys: Any, word_odds: Any, hint_keys: Any, hint_odds: Any,
) -> Any:  # fmt: skip
    made = np.zeros((len(rows), COLUMNS), np.float32)
    lengths = rows[:, WORDS] + rows[:, CJK] / 2.0
    prose = np.zeros(len(rows), np.bool_)
    for b in range(len(rows)):
        _shallow(rows[b], elements[rows[b, ELEMENT]], lengths[b], made[b])
        punctuated = rows[b, STOPS] + rows[b, COMMAS] > 0
        prose[b] = lengths[b] >= PROSE_WORDS and made[b, 2] <= PROSE_LINKS and punctuated
    _evidence(word_hashes, word_blocks, title, word_keys, word_odds, rows, made)
    totals = _totals(rows, elements, lengths, prose)
    paths = _paths(elements, hint_hashes, hint_elements, hint_keys, hint_odds, totals)
    for b in range(len(rows)):
        _containers(rows[b], elements, paths, totals, made[b])
    _places(rows, elements, lengths, prose, totals, made)
    _neighbours(prose, made)
    return made


@compiled
def _shallow(row: Any, element: Any, length: float, made: Any) -> None:
    chars, words = max(1.0, float(row[CHARS])), max(1.0, float(row[WORDS]))
    made[0], made[1], made[2], made[3] = row[CHARS], length, row[LINK_CHARS] / chars, row[LINKS]
    made[4], made[5], made[6] = row[DIGITS] / chars, row[UPPERS] / chars, row[CAPITALS] / words
    made[7], made[8], made[9], made[10] = row[COMMAS] / words, row[STOPS] / words, row[LAST], row[FIRST_UPPER]
    made[11], made[12], made[13], made[14] = (
        row[SEPARATORS] / words,
        row[BREAKS],
        row[IMAGES],
        row[CJK] / chars,
    )
    made[15], made[16], made[17], made[18] = (
        element[BLOCK],
        element[HEADING],
        element[LISTS],
        element[ITEM] > 0,
    )
    made[19], made[20], made[21] = element[QUOTES], (element[TABLE] > 0) + (element[CELL] > 0), element[PRE]
    for bit in range(AT_NEAR - AT_WITHIN):
        made[AT_WITHIN + bit] = (element[MASK] >> bit) & 1


@compiled
def _evidence(hashes: Any, owners: Any, title: Any, keys: Any, odds: Any, rows: Any, made: Any) -> None:
    """What the words of a block say, and how often the same words make a block of the page."""
    digests = np.zeros(len(rows), np.int64)
    filtered: Any = np.int64(0)  # a bit for each word of the title, so that most others need no search
    for value in title:
        filtered |= np.int64(1) << (value & 63)
    for k in range(hashes.size):
        block = owners[k]
        digests[block] = (digests[block] * 31 + hashes[k]) & 0x3FFFFFFFFFFF
        out = made[block]
        weight = look_up(keys, odds, hashes[k])
        if weight != 0.0:
            out[AT_EVIDENCE] += weight
            out[AT_EVIDENCE + 1] += 1
            out[AT_EVIDENCE + 2] = min(out[AT_EVIDENCE + 2], weight)
        if filtered >> (hashes[k] & 63) & 1:
            at = np.searchsorted(title, hashes[k])
            if at < title.size and title[at] == hashes[k]:
                out[AT_EVIDENCE + 3] += 1
    for b in range(len(rows)):
        words = max(1.0, float(rows[b, WORDS]))
        made[b, AT_EVIDENCE] /= np.sqrt(words)
        made[b, AT_EVIDENCE + 1] /= words
        made[b, AT_EVIDENCE + 3] /= words
    order = np.argsort(digests)
    k = 0
    while k < order.size:
        end = k
        while end < order.size and digests[order[end]] == digests[order[k]]:
            end += 1
        for m in range(k, end):
            made[order[m], AT_EVIDENCE + 4] = end - k
        k = end


@compiled
def _paths(elements: Any, hashes: Any, owners: Any, keys: Any, odds: Any, totals: Any) -> Any:
    """float64[5, elements]: the odds of an element's names; their sum, least and most from the root to it;
    whether a name on the way says that it is comments."""
    made = np.zeros((5, len(elements)))
    for k in range(hashes.size):
        e = owners[k]
        if totals[0, e] > NEARLY_ALL * totals[0, 0]:
            continue
        holds_the_prose = totals[2, e] > NEARLY_ALL * totals[2, 0]
        weight = look_up(keys, odds, hashes[k])
        if weight > 0 or not holds_the_prose:
            made[0, e] += weight
        at = np.searchsorted(COMMENTS, hashes[k])
        if at < COMMENTS.size and COMMENTS[at] == hashes[k] and not holds_the_prose:
            made[4, e] = 1
    for e in range(1, len(elements)):
        up = elements[e, PARENT]
        own = max(-3.0, min(3.0, made[0, e]))
        made[0, e], made[1, e] = own, made[1, up] + own
        made[2, e], made[3, e] = min(made[2, up], own), max(made[3, up], own)
        made[4, e] = max(made[4, up], made[4, e])
    return made


@compiled
def _totals(rows: Any, elements: Any, lengths: Any, prose: Any) -> Any:
    """float64[3, elements]: characters, characters in links, words of prose, of all that is in an element."""
    made = np.zeros((3, len(elements)))
    for b in range(len(rows)):
        e = rows[b, ELEMENT]
        made[0, e] += rows[b, CHARS]
        made[1, e] += rows[b, LINK_CHARS]
        made[2, e] += lengths[b] * prose[b]
    for e in range(len(elements) - 1, 0, -1):
        made[:, elements[e, PARENT]] += made[:, e]
    return made


@compiled
def _containers(row: Any, elements: Any, paths: Any, totals: Any, made: Any) -> None:
    at = row[ELEMENT]
    up = elements[at, PARENT]
    all_prose = max(1.0, totals[2, 0])
    k = AT_CONTAINERS
    made[k], made[k + 1], made[k + 2], made[k + 3] = paths[0, at], paths[1, at], paths[2, at], paths[3, at]
    made[k + 13] = paths[4, at]
    others = max(1.0, totals[0, up] - row[CHARS])
    made[k + 12] = (totals[1, up] - row[LINK_CHARS]) / others
    for step in range(2):
        made[k + 4 + 3 * step] = totals[0, up]
        made[k + 5 + 3 * step] = totals[1, up] / max(1.0, totals[0, up])
        made[k + 6 + 3 * step] = totals[2, up] / all_prose
        up = elements[up, PARENT]
    steps = 0
    while at > 0 and steps < MOST_STEPS and totals[2, at] < 0.5 * all_prose:
        at = elements[at, PARENT]
        steps += 1
    made[k + 10] = steps
    while at > 0 and steps < MOST_STEPS and totals[2, at] < 0.9 * all_prose:
        at = elements[at, PARENT]
        steps += 1
    made[k + 11] = steps


@compiled
def _places(rows: Any, elements: Any, lengths: Any, prose: Any, totals: Any, made: Any) -> None:
    all_chars, all_prose, longest = max(1.0, totals[0, 0]), max(1.0, totals[2, 0]), 1.0
    for b in range(len(rows)):
        longest = max(longest, lengths[b] * prose[b])
    chars = words = 0.0
    since_prose = since_heading = until_prose = FAR
    for b in range(len(rows)):
        out = made[b, AT_PLACE:]
        out[0], out[1], out[2] = b / len(rows), chars / all_chars, words / all_prose
        out[3], out[4], out[5] = all_prose, len(rows), totals[1, 0] / all_chars
        out[6], out[7], out[9] = since_prose, since_heading, lengths[b] / longest
        chars += rows[b, CHARS]
        words += lengths[b] * prose[b]
        since_prose = 0.0 if prose[b] else min(FAR, since_prose + 1)
        since_heading = 0.0 if elements[rows[b, ELEMENT], HEADING] else min(FAR, since_heading + 1)
    for b in range(len(rows) - 1, -1, -1):
        made[b, AT_PLACE + 8] = until_prose
        until_prose = 0.0 if prose[b] else min(FAR, until_prose + 1)


@compiled
def _neighbours(prose: Any, made: Any) -> None:
    """What the two blocks before and after are like; -1 where there is none."""
    for b in range(len(made)):
        column = AT_NEAR
        for other in (b - 2, b - 1, b + 1, b + 2):
            for wanted in NEAR_COLUMNS:
                if other < 0 or other >= len(made):
                    made[b, column] = -1
                else:
                    made[b, column] = made[other, wanted] if wanted >= 0 else prose[other]
                column += 1
