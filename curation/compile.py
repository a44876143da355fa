"""Compile the kernels that nearly every recipe uses now, rather than in each of many processes at once.

    python -m curation.compile

They are kept in the user's cache folder until a file of `text/` changes; where they are there already, this
takes a second or two.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import pyarrow as pa


def pages() -> None:
    """Compile what extraction takes."""
    from curation.ingest.extract import page
    from curation.recipe import Extract

    page("<p>Ready.", Extract())


def annotators() -> None:
    """Compile what the rules and the signatures take."""
    from curation import annotate, dedup
    from curation.document import SCHEMA
    from curation.recipe import Annotate, Duplicates

    empty = {name: "" for name in SCHEMA.names if SCHEMA.field(name).type == pa.string()}
    batch = pa.RecordBatch.from_pylist([{**empty, "text": "Ready.", "parents": []}], SCHEMA)
    for annotator in (*annotate.annotators(Annotate(language=False)), dedup.annotator(Duplicates())):
        annotator.annotate(batch)


def pairs() -> None:
    """Compile what comparing documents takes."""
    from curation.text.shingles import shingle_hashes

    shingle_hashes("Ready.", 5)


def scores() -> None:
    """Compile what scoring by a classifier takes."""
    import numpy as np

    from curation.annotator import utf8
    from curation.text import bag

    bag.log_odds(*utf8(pa.array(["Ready."])), 10, bag.bag(["ready"], np.zeros(2)))


STEPS: tuple[Callable[[], None], ...] = (pages, annotators, pairs, scores)


def main() -> None:
    with ProcessPoolExecutor(2) as pool:
        for compiled in [pool.submit(step) for step in STEPS]:
            compiled.result()


if __name__ == "__main__":
    main()
