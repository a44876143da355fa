"""HTML into text, by Resiliparse."""

import re
from typing import NamedTuple

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from curation.ingest.outcome import UnreadableError
from curation.recipe import Extract

MAX_DEPTH = 1_000
"""Open tags at a time. Resiliparse takes time that grows with the square of the depth: 20 ms at 1,000 nested
`<div>`, 1.8 s at 10,000, minutes at 100,000; nested `<font>` and `<p>` take memory that grows so."""

TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)[^>]*>")
EMPTY = "area base br col embed hr img input link meta param source track wbr"
CLOSED_BY_THE_NEXT = "p li dt dd option optgroup tr td th thead tbody tfoot colgroup"
NOT_NESTED = frozenset(f"{EMPTY} {CLOSED_BY_THE_NEXT}".split())


class Page(NamedTuple):
    """What a page says."""

    text: str
    title: str


def page(html: str, settings: Extract) -> Page:
    """The text and the title of `html`; UnreadableError `nested_too_deep` beyond MAX_DEPTH."""
    if html.count("<") > MAX_DEPTH and (deepest := depth(html)) > MAX_DEPTH:
        raise UnreadableError("nested_too_deep", f"{deepest} tags in each other; the limit is {MAX_DEPTH}")
    tree = HTMLTree.parse(html)
    title = " ".join((tree.title or "").split())
    return Page(extract_plain_text(tree, preserve_formatting=True, main_content=settings.main_content), title)


def depth(html: str) -> int:
    """The most tags that are open at a time, as their names alone tell."""
    deepest = now = 0
    for tag in TAG.finditer(html):
        if tag[2].lower() in NOT_NESTED:
            continue
        now = max(0, now - 1) if tag[1] else now + 1
        deepest = max(deepest, now)
    return deepest
