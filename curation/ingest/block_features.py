"""Blocks of a page into the numbers that the block model reads: one row a block.

Shallow text features and those of a block's neighbours follow Kohlschütter, Fankhauser, Nejdl, "Boilerplate
Detection using Shallow Text Features" (WSDM 2010); what names of classes and words say is weighed by their
log odds in the training pages, as in naive Bayes.
"""

from typing import Any

import numpy as np
from numba import njit

from curation.ingest.markup import (
    BREAKS, CAPITALS, CHARS, CJK, COMMAS, DIGITS, ELEMENT, FIRST_UPPER, HEADING, IMAGES, ITEM, KIND, LAST, LINK_CHARS,
    LINKS, LIST_DEPTH, MASK, MASKED, PRE, QUOTES, SEPARATORS, STOPS, TABLE, UPPERS, WORDS, CELL,
)  # fmt: skip

NEAR = ("words", "link_share", "prose", "word_evidence", "heading", "hint_path")
OWN = (
    "chars words link_share links digit_share upper_share capital_share comma_rate stop_rate ends first_upper "
    "separator_rate breaks images cjk_share kind heading list_depth in_item quotes in_table pre word_evidence "
    "word_known word_worst title_share "
    "hint_own hint_path hint_worst hint_best parent_chars parent_link_share parent_prose grand_chars grand_link_share "
    "grand_prose prose_steps prose_steps_most position chars_before prose_share_before page_prose page_blocks "
    "page_link_share since_prose until_prose longest_share siblings_link_share since_heading repeated"
).split()
MASK_FEATURES = [f"in_{name}" for name in MASKED] + ["hidden"]
NAMES = OWN + MASK_FEATURES + [f"{name}@{d:+d}" for d in (-2, -1, 1, 2) for name in NEAR]
"""The columns, in order."""
_OWN = len(OWN)
_MASKS = len(MASK_FEATURES)
_COLUMNS = len(NAMES)
_NEAR = np.array([OWN.index(name) for name in ("words", "link_share", "words", "word_evidence", "heading", "hint_path")])


@njit(cache=True, nogil=True)
def _weight(keys: Any, weights: Any, wanted: int) -> float:
    place = wanted & (keys.size - 1)
    while keys[place] != -1:
        if keys[place] == wanted:
            return weights[place]
        place = (place + 1) & (keys.size - 1)
    return 0.0


@njit(cache=True, nogil=True)
def features(  # noqa: PLR0915, PLR0912
    blocks: Any, parents: Any, word_hashes: Any, word_blocks: Any, hint_hashes: Any, hint_elements: Any,
    word_keys: Any, word_weights: Any, hint_keys: Any, hint_weights: Any, title: Any,
) -> Any:  # fmt: skip
    """float32[blocks, len(NAMES)]. `title`: sorted hashes of the title's words."""
    n, elements = len(blocks), parents.size
    rows = np.zeros((n, _COLUMNS), np.float32)
    if n == 0:
        return rows
    # ---- what words say
    evidence, known, worst, titled = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    digest = np.zeros(n, np.int64)
    for k in range(word_hashes.size):
        block = word_blocks[k]
        digest[block] = (digest[block] * 31 + word_hashes[k]) & 0x3FFFFFFFFFFF
        weight = _weight(word_keys, word_weights, word_hashes[k])
        if weight != 0.0:
            evidence[block] += weight
            known[block] += 1
            worst[block] = min(worst[block], weight)
        at = np.searchsorted(title, word_hashes[k])
        if at < title.size and title[at] == word_hashes[k]:
            titled[block] += 1
    # ---- what names of classes say, along the path from the root
    own, path, least, most = np.zeros(elements), np.zeros(elements), np.zeros(elements), np.zeros(elements)
    for k in range(hint_hashes.size):
        own[hint_elements[k]] += _weight(hint_keys, hint_weights, hint_hashes[k])
    for e in range(1, elements):
        up = parents[e]
        own[e] = max(-3.0, min(3.0, own[e]))
        path[e], least[e], most[e] = path[up] + own[e], min(least[up], own[e]), max(most[up], own[e])
    # ---- totals of elements
    chars, links, prose = np.zeros(elements), np.zeros(elements), np.zeros(elements)
    is_prose = np.zeros(n, np.bool_)
    lengths = np.zeros(n)
    longest = 1.0
    for b in range(n):
        r = blocks[b]
        lengths[b] = r[WORDS] + r[CJK] / 2.0
        dense = r[LINK_CHARS] > 0.3 * r[CHARS]
        is_prose[b] = lengths[b] >= 12 and not dense and (r[STOPS] > 0 or r[COMMAS] > 0)
        e = r[ELEMENT]
        chars[e] += r[CHARS]
        links[e] += r[LINK_CHARS]
        if is_prose[b]:
            prose[e] += lengths[b]
            longest = max(longest, lengths[b])
    for e in range(elements - 1, 0, -1):
        up = parents[e]
        chars[up] += chars[e]
        links[up] += links[e]
        prose[up] += prose[e]
    all_chars, all_prose = max(1.0, chars[0]), max(1.0, prose[0])
    # ---- how often the same text comes on the page
    order = np.argsort(digest)
    times = np.ones(n)
    k = 0
    while k < n:
        j = k
        while j < n and digest[order[j]] == digest[order[k]]:
            j += 1
        for m in range(k, j):
            times[order[m]] = j - k
        k = j
    # ---- a row for each block
    before_chars = before_prose = 0.0
    since_prose, since_heading = 99.0, 99.0
    for b in range(n):
        r, out = blocks[b], rows[b]
        c = max(1.0, np.float64(r[CHARS]))
        w = max(1.0, np.float64(r[WORDS]))
        e = r[ELEMENT]
        up = max(0, parents[e])
        upper = max(0, parents[up])
        out[0], out[1], out[2], out[3] = r[CHARS], lengths[b], r[LINK_CHARS] / c, r[LINKS]
        out[4], out[5], out[6] = r[DIGITS] / c, r[UPPERS] / c, r[CAPITALS] / w
        out[7], out[8], out[9], out[10] = r[COMMAS] / w, r[STOPS] / w, r[LAST], r[FIRST_UPPER]
        out[11], out[12], out[13], out[14] = r[SEPARATORS] / w, r[BREAKS], r[IMAGES], r[CJK] / c
        out[15], out[16], out[17], out[18] = r[KIND], r[HEADING], r[LIST_DEPTH], r[ITEM] > 0
        out[19], out[20], out[21] = r[QUOTES], (r[TABLE] > 0) + (r[CELL] > 0), r[PRE]
        out[22], out[23], out[24], out[25] = evidence[b] / np.sqrt(w), known[b] / w, worst[b], titled[b] / w
        out[26], out[27], out[28], out[29] = own[e], path[e], least[e], most[e]
        out[30], out[31], out[32] = chars[up], links[up] / max(1.0, chars[up]), prose[up] / all_prose
        out[33], out[34], out[35] = chars[upper], links[upper] / max(1.0, chars[upper]), prose[upper] / all_prose
        steps, at = 0, e
        while at > 0 and prose[at] < 0.5 * all_prose:
            at = parents[at]
            steps += 1
        out[36] = steps
        while at > 0 and prose[at] < 0.9 * all_prose:
            at = parents[at]
            steps += 1
        out[37] = steps
        out[38], out[39], out[40] = b / n, before_chars / all_chars, before_prose / all_prose
        out[41], out[42], out[43] = all_prose, n, links[0] / all_chars
        out[44] = since_prose
        out[46] = lengths[b] / longest
        out[47] = (links[up] - r[LINK_CHARS]) / max(1.0, chars[up] - r[CHARS])
        out[48], out[49] = since_heading, times[b]
        before_chars += r[CHARS]
        since_prose += 1
        since_heading += 1
        if r[HEADING] > 0:
            since_heading = 0
        if is_prose[b]:
            before_prose += lengths[b]
            since_prose = 0
        for bit in range(_MASKS):
            out[_OWN + bit] = (r[MASK] >> bit) & 1
    until = 99.0
    for b in range(n - 1, -1, -1):
        rows[b, 45] = until
        until = 0 if is_prose[b] else until + 1
    for b in range(n):
        column = _OWN + _MASKS
        for d in range(4):
            other = b + (d - 2 if d < 2 else d - 1)
            for k in range(6):
                if 0 <= other < n:
                    rows[b, column] = is_prose[other] if k == 2 else rows[other, _NEAR[k]]
                else:
                    rows[b, column] = -1
                column += 1
    return rows
