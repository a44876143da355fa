"""Which documents of a recipe are near copies of a given text: by the same keys and the same comparison as
duplicates are found, in a few reads of the index."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation import bands, dedup, duplicates, facts, index, pipeline
from curation.dedup import bands as keying
from curation.dedup.pairs import jaccard
from curation.document import text_digest
from curation.errors import InputError, NotPublished, RecipeError
from curation.facts import Partition
from curation.pipeline import Job
from curation.recipe import Duplicates

MOST = 1000  # documents of a partition that are compared, the first


@dataclass(frozen=True)
class NearCopy:
    """A document and the Jaccard similarity of its shingles to those of the text."""

    id: str
    source: str
    partition: str
    url: str | None
    similarity: float


def read(path: Path) -> str:
    """The text in the file `path`. Raises InputError."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: byte {error.start} cannot be read") from error


def find(job: Job, text: str) -> list[NearCopy]:
    """The documents that share a band with `text`, the nearest first; those of days not yet in the lake are
    not among them. Raises LakeError."""
    settings = job.recipe.select.duplicates
    if settings is None:
        raise RecipeError(f"recipe {job.recipe.name} looks for no duplicates: select.duplicates is null")
    held = _held(job)
    published = [bands.publish(job.lake, settings, partition) for partition in held]
    segments = index.cover(job.lake, settings, published)
    numbers = {p.input.digest: n for n, p in enumerate(published)}
    _, partitions, rows = index.sharing(segments, _keys(text, settings), numbers)
    found = []
    for n in np.unique(partitions).tolist():
        chosen = np.unique(rows[partitions == n])[:MOST]
        documents = duplicates.read_rows(held[n].documents, chosen, ["id", "source", "url", "text"])
        for row in documents.to_pylist():
            similarity = _similarity(text, row["text"], settings)
            found.append(NearCopy(row["id"], row["source"], held[n].partition, row["url"], similarity))
    return sorted(found, key=lambda copy: (-copy.similarity, copy.id))


def _held(job: Job) -> list[Partition]:
    """What the lake holds of a recipe: all of it, or, while that is not complete, what there is."""
    try:
        return pipeline.everything(job)
    except NotPublished:
        wanted = pipeline.places(job.recipe)
        held = [p for where in wanted if (p := facts.find(job.lake, job.columns, where))]
        if not held:
            raise
        return held


def _keys(text: str, settings: Duplicates) -> keying.Keys:
    """The sorted keys of a text; it has no id, and no document has the one that stands for it."""
    columns = dedup.annotator(settings).annotate(pa.record_batch([[text]], names=["text"]))
    row = {"id": ["0" * 32], "digest": [text_digest(text)]}
    table = pa.table({**row, **{name: columns[name] for name in columns.schema.names}})
    keys, _ = keying.keys(table, settings)
    return keys


def _similarity(text: str, other: str, settings: Duplicates) -> float:
    from curation.text.shingles import shingle_hashes  # here: to import numba takes most of a second

    if text_digest(text) == text_digest(other):
        return 1.0
    a, b = (shingle_hashes(t, settings.shingle_words) for t in (text, other))
    return jaccard(a, b) if len(a) and len(b) else 0.0
