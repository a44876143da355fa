"""Overlap with evaluation sets: which items stand in a document, and how much of each.

An n-gram is a run of `ngram_words` words of an item's text; `text.plain` says what a word is. 13 of them are
as in Brown et al., "Language Models are Few-Shot Learners", 2020, appendix C. The columns say how many
different n-grams of an item occur in a document, and what share of the item's they are. An item of fewer
words is not looked for. An n-gram of more than BOILERPLATE_ITEMS items of one set is boilerplate and does not
count.
`docs/decontamination.md` has the figures.
"""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.annotator import UNICODE, Annotator, utf8
from curation.decontaminate import evaluation_sets
from curation.errors import InputError
from curation.recipe import Decontaminate

if TYPE_CHECKING:
    from curation.text.overlap import Index, Overlaps

BOILERPLATE_ITEMS = 12  # a passage of a reading test has up to 11 questions; instructions stand in more items

OVERLAP = pa.struct(
    [
        pa.field("set", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("ngrams", pa.int64(), nullable=False),
        pa.field("ratio", pa.float64(), nullable=False),
    ]
)
COLUMNS = pa.schema(
    [
        pa.field(
            "evaluation_set", pa.string()
        ),  # of the item with the most n-grams; null where there is none
        pa.field("evaluation_item", pa.string()),
        pa.field("evaluation_ngrams", pa.int64(), nullable=False),  # how many different ones of that item
        pa.field("evaluation_ratio", pa.float64(), nullable=False),  # the largest share of any one item
        pa.field(  # every item: most n-grams first, then the larger share, then the sets' order
            "evaluation_overlaps",
            pa.list_(pa.field("element", OVERLAP, nullable=False)),
            nullable=False,
        ),
    ]
)


@dataclass(frozen=True)
class _Sets:
    index: "Index"
    sets: pa.Array  # shape (items,): the name of each item's set
    items: pa.Array  # shape (items,): what each item is called


def annotator(settings: Decontaminate) -> Annotator:
    """The annotator for the sets that are in the folder now; RecipeError if there is none. The index is made
    when the first document comes, once a process."""
    sets = evaluation_sets.digests(settings.path)
    asked = {"ngram_words": settings.ngram_words, "sets": list(sets.items()), **UNICODE}
    annotate = partial(_annotate, settings.path, tuple(sets.items()), settings.ngram_words)
    return Annotator("decontaminate", 1, COLUMNS, annotate, asked)


def check(settings: Decontaminate) -> None:
    """RecipeError if a set cannot be read. It reads all of them."""
    evaluation_sets.read(settings.path)


def _annotate(
    folder: str, digests: tuple[tuple[str, str], ...], width: int, batch: pa.RecordBatch
) -> pa.RecordBatch:
    from curation.text import overlap  # here: to import numba takes most of a second

    known = _made(folder, digests, width)
    found = overlap.find(known.index, *utf8(batch["text"]))
    return _columns(known, found, batch.num_rows)


@lru_cache(maxsize=1)
def _made(folder: str, digests: tuple[tuple[str, str], ...], width: int) -> _Sets:
    from curation.text import overlap

    sets = evaluation_sets.read(folder)
    if tuple(evaluation_sets.digests(folder).items()) != digests:
        raise InputError(f"the evaluation sets in {folder} were changed while they were read: run it again")
    names = [made.name for made in sets for _ in made.items]
    items = [item for made in sets for item in made.items]
    index = overlap.index([made.texts for made in sets], width, BOILERPLATE_ITEMS)
    return _Sets(index, pa.array(names, pa.string()), pa.array(items, pa.string()))


def _columns(known: _Sets, found: "Overlaps", rows: int) -> pa.RecordBatch:
    ratios = found.ngrams / known.index.totals[found.items]
    order = np.lexsort((found.items, -ratios, -found.ngrams, found.documents))
    documents, items, ngrams = found.documents[order], pa.array(found.items[order]), found.ngrams[order]
    edges = np.searchsorted(documents, np.arange(rows + 1))
    overlaps = pa.StructArray.from_arrays(
        [known.sets.take(items), known.items.take(items), pa.array(ngrams), pa.array(ratios[order])],
        fields=list(OVERLAP),
    )
    lists = pa.ListArray.from_arrays(pa.array(edges, pa.int32()), overlaps, type=COLUMNS[-1].type)
    first = pa.array(edges[:-1], mask=edges[1:] == edges[:-1])
    most, share = (_largest(values, documents, rows) for values in (ngrams, ratios[order]))
    names = [overlaps.field(n).take(first) for n in range(2)]
    return pa.record_batch([*names, pa.array(most), pa.array(share), lists], schema=COLUMNS)


def _largest(values: NDArray[Any], documents: NDArray[np.int64], rows: int) -> NDArray[Any]:
    """The largest value of each document; 0 of one without any."""
    largest = np.zeros(rows, dtype=values.dtype)
    np.maximum.at(largest, documents, values)
    return largest
