"""HTML into text: by the block model (which ships), by Resiliparse, or by trafilatura through datatrove."""

import re
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLParserException, HTMLTree

from curation.ingest.block_model import shipped
from curation.ingest.outcome import UnreadableError
from curation.ingest.render import Format, render
from curation.recipe import Extract
from curation.text.block_scores import BlockModel, kept, likelihoods
from curation.text.blocks import ELEMENT, Blocks, blocks
from curation.text.markup import HIDDEN_BIT, MASK, hash_of

WORD = re.compile(r"\w+")

MAIN: dict[str, Any] = {"main_content": True, "comments": False, "post_meta": False, "alt_texts": False}
"""Without the last three, mean token F1 over the crawl's 826 pages of known text goes from .866 to .884."""
MAIN_LOOSELY: dict[str, Any] = {"main_content": True}


class Page(NamedTuple):
    """What a page says."""

    text: str
    title: str
    whole: bool  # navigation and all


def page(html: str, settings: Extract) -> Page:
    """The text and the title of `html`.

    Where no main content is found, the text is that of the whole page, rather than none. Raises
    UnreadableError `bad_html`. A page that nobody knows goes through `limits.check` first.
    """
    tree = _tree(html)
    title = " ".join((tree.title or "").split())
    match settings.extractor:
        case "blocks":
            text, whole = _by_blocks(tree, title, settings)
        case "resiliparse":
            text, whole = _by_resiliparse(tree, settings)
        case "trafilatura":
            text, whole = _trafilatura(settings.format).extract(html) or "", False
    return Page(text or extract_plain_text(tree, preserve_formatting=True), title, whole or not text)


def _tree(html: str) -> Any:
    try:
        return HTMLTree.parse(html)
    except HTMLParserException as error:
        raise UnreadableError("bad_html", str(error)) from error


def _by_blocks(tree: Any, title: str, settings: Extract) -> tuple[str, bool]:
    made = tree_blocks(tree)
    if settings.main_content:
        return main_text(made, title, shipped(), settings.format), False
    hidden = made.page.elements[made.rows[:, ELEMENT], MASK] >> HIDDEN_BIT & 1
    return render(made, np.flatnonzero(hidden == 0).tolist(), settings.format), True


def main_text(made: Blocks, title: str, model: BlockModel, form: Format) -> str:
    """What of a page `model` takes for its main text."""
    found = likelihoods(model, made, title_hashes(title))
    return render(made, np.flatnonzero(kept(found, made, model.keep)).tolist(), form)


def parsed(html: str) -> tuple[Blocks, str]:
    """The blocks and the title of `html`; UnreadableError as `page` has it."""
    tree = _tree(html)
    return tree_blocks(tree), tree.title or ""


def tree_blocks(tree: Any) -> Blocks:
    """The blocks of a page. A page of frames has no body; what it has is in the document."""
    return blocks((tree.body or tree.document).html.encode("utf-8", "replace"))


def title_hashes(title: str) -> Any:
    """int64[words]: the hashes of a title's words, sorted."""
    return np.array(sorted({hash_of(word) for word in WORD.findall(title.lower())}), np.int64)


def _by_resiliparse(tree: Any, settings: Extract) -> tuple[str, bool]:
    for options in (MAIN, MAIN_LOOSELY) if settings.main_content else ():
        text = extract_plain_text(tree, preserve_formatting=True, **options)
        if text.strip():
            return text, False
    return extract_plain_text(tree, preserve_formatting=True), True


@cache
def _trafilatura(form: Format) -> Any:
    """datatrove's extractor; deduplicate=False, as its cache of what earlier pages said would make a page's
    text depend on them."""
    from datatrove.pipeline.extractors.trafilatura import Trafilatura

    return Trafilatura(deduplicate=False, **{"output_format": "markdown"} if form == "markdown" else {})
