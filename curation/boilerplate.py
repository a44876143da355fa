"""Boilerplate: words that so many kept documents share that sharing them says nothing any more.

A bucket (the documents of one band key) in which `max_bucket` documents are kept proposes nothing to later
ones. Which buckets these are is read from the index: from beginning to end, a range of keys at a time.
In memory are the rows of a range, two bytes for each document of the set and the largest buckets; what is
found depends on the set alone, not on how its days lie in the index.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation import bands, duplicates, index, pipeline, stage
from curation.dedup import bands as keying
from curation.facts import Partition
from curation.pipeline import Job
from curation.recipe import Duplicates
from curation.release import edits
from curation.select import REASONS
from curation.stage import Published
from curation.text.pii import KINDS
from curation.text.words import fold, words_of

LARGEST = 5  # buckets that are shown
EXAMPLES = 3  # documents of each
MOST_WORDS = 30  # of those they share

_DROPPED, _DUPLICATE, _KEPT = range(3)  # by a rule; for another document's sake; not at all

Places = NDArray[np.int64]
"""Documents, counted over all partitions of the set."""


@dataclass(frozen=True)
class Bucket:
    """A full bucket: how many kept documents it has, ids of the first, and the words that these share."""

    kept: int
    ids: tuple[str, ...]
    words: str


@dataclass(frozen=True)
class Boilerplate:
    """How many buckets are full, and how many kept documents are in one or more of them."""

    max_bucket: int
    buckets: int = 0
    documents: int = 0
    largest: tuple[Bucket, ...] = ()


@dataclass(frozen=True)
class Full:
    """Full buckets: the kept documents of `keys[n]` are `kept[starts[n]:starts[n + 1]]`, ascending."""

    keys: keying.Keys
    starts: NDArray[np.int64]
    kept: Places

    def chosen(self, which: NDArray[np.bool_]) -> "Full":
        sizes = np.diff(self.starts)
        starts = np.append(0, np.cumsum(sizes[which]))
        return Full(self.keys[which], starts, self.kept[np.repeat(which, sizes)])


def full(keys: keying.Keys, documents: Places, kept: NDArray[np.bool_], max_bucket: int) -> Full:
    """The keys that two documents or more have, `max_bucket` of them kept; row for row, a key, the document
    that has it, and whether it is kept. In any order, all rows of a key among them."""
    order = np.lexsort((documents, keys))
    keys, documents, kept = keys[order], documents[order], kept[order]
    starts = np.flatnonzero(np.diff(keys, prepend=~keys[:1]))
    sizes = np.diff(np.append(starts, len(keys)))
    counts = np.diff(np.append(0, np.cumsum(kept))[np.append(starts, len(keys))])
    which = (counts >= max_bucket) & (sizes > 1)
    ends = np.append(0, np.cumsum(counts[which]))
    return Full(keys[starts][which], ends, documents[np.repeat(which, sizes) & kept])


def find(job: Job) -> Boilerplate:
    """The boilerplate among the documents that are kept now; none where no duplicates are looked for."""
    settings = job.recipe.select.duplicates
    if settings is None:
        return Boilerplate(0)
    partitions, decisions = pipeline.everything(job), pipeline.decided(job)
    if decisions.manifest.kept < settings.max_bucket:
        return Boilerplate(settings.max_bucket)
    held = [bands.publish(job.lake, settings, partition) for partition in partitions]
    segments = index.cover(job.lake, settings, held)
    return among(decisions, partitions, held, segments, settings)


def among(
    decisions: Published,
    partitions: Sequence[Partition],
    held: Sequence[Published],
    segments: Sequence[index.Segment],
    settings: Duplicates,
) -> Boilerplate:
    """The boilerplate that `decisions` about `partitions` leave; `held` are the band rows of these, which the
    `segments` of the index cover."""
    states, firsts = _states(decisions), np.cumsum([0, *(p.manifest.rows_in for p in held)])
    numbers = {published.input.digest: n for n, published in enumerate(held)}
    touched = np.zeros(len(states), dtype=np.bool_)
    buckets, largest = 0, list[_Shown]()
    for keys, of, rows in index.ranges(segments, numbers):
        documents = firsts[of] + rows
        passed = states[documents] != _DROPPED
        kept = states[documents[passed]] == _KEPT
        found = full(keys[passed], documents[passed], kept, settings.max_bucket)
        found = found.chosen(_are_bands(held, firsts, found))
        buckets += len(found.keys)
        touched[found.kept] = True
        largest = _largest([*largest, *_shown(found)])
    shown = tuple(_bucket(partitions, firsts, bucket, settings.shingle_words) for bucket in largest)
    return Boilerplate(settings.max_bucket, buckets, int(touched.sum()), shown)


def shared_words(texts: Sequence[str], width: int) -> str:
    """The longest run of words that all `texts` have, as the first one writes it, cut to MOST_WORDS; '' if
    they have no `width` words in a row in common."""
    written = words_of(texts[0])
    runs = [_runs(text, width) for text in texts]
    common = set(runs[0]).intersection(*runs[1:])
    hits = [run in common for run in runs[0]]
    stretches = [list(numbers) for hit, numbers in groupby(range(len(hits)), hits.__getitem__) if hit]
    longest = max(stretches, key=len, default=[])
    return " ".join(written[longest[0] : longest[-1] + width][:MOST_WORDS]) if longest else ""


def _runs(text: str, width: int) -> list[tuple[str, ...]]:
    words = [fold(word) for word in words_of(text)]
    return [tuple(words[n : n + width]) for n in range(len(words) - width + 1)]


def _states(decisions: Published) -> NDArray[np.uint8]:
    """What became of each document of the set."""
    found = [np.zeros(0, dtype=np.uint8)]
    for uri in decisions.part_uris():
        table = stage.read_table(uri, ["kept", "reason"])
        duplicate = pc.is_in(table["reason"], pa.array(list(REASONS.values())))
        state = pc.if_else(table["kept"], _KEPT, pc.if_else(duplicate, _DUPLICATE, _DROPPED))
        found.append(state.to_numpy().astype(np.uint8))
    return np.concatenate(found)


def _are_bands(held: Sequence[Published], firsts: Places, found: Full) -> NDArray[np.bool_]:
    """Which of the keys are those of bands, not of an id or a digest: asked of one document of each."""
    which = np.zeros(len(found.keys), dtype=np.bool_)
    one = found.kept[found.starts[:-1]]
    of = np.searchsorted(firsts, one, "right") - 1
    for n in np.unique(of).tolist():
        here = of == n
        rows, place = np.unique(one[here] - firsts[n], return_inverse=True)
        members = stage.take_rows(bands.members(held[n]), rows, ["id", "digest"])
        which[here] = keying.are_bands(found.keys[here], members.take(pa.array(place)))
    return which


_Shown = tuple[int, int, tuple[int, ...]]
"""How many documents a bucket keeps, its key, and the first of these documents."""


def _shown(found: Full) -> Iterator[_Shown]:
    starts = found.starts.tolist()
    for key, (start, end) in zip(found.keys.tolist(), pairwise(starts), strict=True):
        yield end - start, key, tuple(found.kept[start : min(end, start + EXAMPLES)].tolist())


def _largest(buckets: Sequence[_Shown]) -> list[_Shown]:
    """The largest of `buckets`; of those that begin with the same documents, one."""
    found: dict[tuple[int, ...], _Shown] = {}
    for bucket in sorted(buckets, key=lambda bucket: (-bucket[0], bucket[1])):
        found.setdefault(bucket[2], bucket)
    return list(found.values())[:LARGEST]


def _bucket(partitions: Sequence[Partition], firsts: Places, shown: _Shown, width: int) -> Bucket:
    kept, _, places = shown
    of = np.searchsorted(firsts, places, "right") - 1
    read = [_read(partitions[n], place - firsts[n]) for n, place in zip(of.tolist(), places, strict=True)]
    return Bucket(kept, tuple(id_ for id_, _ in read), shared_words([text for _, text in read], width))


def _read(partition: Partition, row: int) -> tuple[str, str]:
    """The id and the text of a document; redacted where it is known what is personal in it."""
    at = np.array([row])
    document = duplicates.read_rows(partition.documents, at, ["id", "text"]).to_pylist()[0]
    found = partition.annotations.get("pii")
    if found is None:
        return document["id"], document["text"]
    spans = duplicates.read_rows(found, at, [edits.PERSONAL])[edits.PERSONAL][0].as_py()
    return document["id"], edits.edit(document["text"], spans, (), KINDS)[0]
