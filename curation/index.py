"""The index of the lake's band rows: those of many partitions merged and sorted, so that the documents that
share a key with a new day's are found in one sequential read, whatever the number of days.

It is a cache: what is found in it is filtered by the set of partitions at hand, so it may hold more than a
recipe asks for, and a partition it lacks is added. Segments of like size are merged (O'Neil et al. 1996, "The
log-structured merge-tree"), so a day is rewritten a few times, not once a day. Two runs that race may lose
one's segment, which is then made again.

It is cut by ranges of keys, which are hashes, into indices that know nothing of each other: each may be made
by a task of its own, on a machine of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curation import bands, stage, storage
from curation.layout import Layout
from curation.manifest import File, Manifest
from curation.recipe import Duplicates
from curation.stage import Published

SCHEMA = pa.schema([*bands.KEYS, pa.field("partition", pa.uint32(), nullable=False)])
STEP_ROWS = 4_000_000  # rows that are merged at once, 64 MB
FAN_IN = 100  # files that are open at once
MERGE_RATIO = 4  # a segment is merged with the next smaller one if that has more than a quarter of its rows

Keys = NDArray[np.uint64]
Bounds = tuple[int, int]
"""The least key, and the one after the greatest."""


@dataclass(frozen=True)
class Segment:
    """One sorted file. A row's `partition` counts into `partitions`, digests of published band rows."""

    uri: str
    file: File
    partitions: tuple[str, ...]


def cover(lake: Layout, settings: Duplicates, wanted: Sequence[Published]) -> list[Segment]:
    """The segments that hold all of `wanted`, published band rows, in all ranges; what they lack is added."""
    ranges = range(settings.key_ranges)
    return [segment for number in ranges for segment in cover_range(lake, settings, wanted, number)]


def cover_range(
    lake: Layout, settings: Duplicates, wanted: Sequence[Published], number: int
) -> list[Segment]:
    """`cover` for the keys of one of `key_ranges` ranges."""
    directory = storage.join(lake.index(bands.name(settings)), f"{number:04}-of-{settings.key_ranges:04}")
    segments = _segments(stage.current(directory))
    held = {digest for segment in segments for digest in segment.partitions}
    missing = [p for p in wanted if p.manifest.rows_in and p.input.digest not in held]
    if not missing:
        return segments
    bounds = number * 2**64 // settings.key_ranges, (number + 1) * 2**64 // settings.key_ranges
    for first in range(0, len(missing), FAN_IN):
        chunk = missing[first : first + FAN_IN]
        sources = [(bands.keys(p), (p.input.digest,)) for p in chunk]
        rows = sum(p.manifest.parts[-1].rows for p in chunk) // settings.key_ranges
        segments.append(_merge(directory, sources, bounds, rows))
    segments = _compact(directory, segments, bounds)
    _publish(directory, bands.name(settings), segments)
    return segments


def sharing(
    segments: Sequence[Segment], wanted: Keys, numbers: Mapping[str, int]
) -> tuple[Keys, NDArray[np.int32], NDArray[np.int64]]:
    """What has one of the sorted keys `wanted`: (key, number of its partition, row), in the partitions that
    `numbers` counts by digest; each of shape (found,). One sequential read of each segment."""
    found: list[tuple[Keys, NDArray[np.int32], NDArray[np.int64]]] = []
    for segment in segments:
        of_segment = np.array([numbers.get(digest, -1) for digest in segment.partitions], dtype=np.int32)
        if (of_segment >= 0).any():
            found += [_numbered(hit, of_segment) for hit in _hits(segment.uri, wanted)]
    empty = np.zeros(0, np.uint64), np.zeros(0, np.int32), np.zeros(0, np.int64)
    keys, partitions, rows = zip(*found, empty, strict=True)
    return np.concatenate(keys), np.concatenate(partitions), np.concatenate(rows)


def ranges(
    segments: Sequence[Segment], numbers: Mapping[str, int]
) -> Iterator[tuple[Keys, NDArray[np.int32], NDArray[np.int64]]]:
    """All that `sharing` finds if every key is wanted, a range of keys at a time, in no order within it: all
    rows of a key come together, whichever segments hold them. Each segment is read from its beginning to its
    end; a row group that lies in two ranges is read for both."""
    if not segments:
        return
    held = [digest for segment in segments for digest in segment.partitions]
    of_segments = np.array([numbers.get(digest, -1) for digest in held], dtype=np.int32)
    firsts = np.cumsum([0, *(len(segment.partitions) for segment in segments)])
    with ExitStack() as stack:
        files = [
            stack.enter_context(pq.ParquetFile(stack.enter_context(storage.open_input(segment.uri))))
            for segment in segments
        ]
        for least, after in _steps(sum(segment.file.rows for segment in segments), (0, 2**64)):
            slices = [
                _slice(file, least, after, int(first)) for file, first in zip(files, firsts, strict=False)
            ]
            yield _numbered(pa.concat_tables(slices), of_segments)


def keys_of(published: Published, rows: NDArray[np.int64]) -> Keys:
    """The keys of some rows of a partition."""
    chosen = np.zeros(published.manifest.rows_in, dtype=np.bool_)
    chosen[rows] = True
    table = stage.read_table(bands.keys(published))
    found: Keys = table["key"].to_numpy()[chosen[table["row"].to_numpy()]]
    return found


def _hits(uri: str, wanted: Keys) -> Iterator[pa.Table]:
    """The rows of a segment that have a wanted key, group by group."""
    with storage.open_input(uri) as stream, pq.ParquetFile(stream) as file:
        for group in range(file.num_row_groups):
            least, most = _bounds(file, group)
            asked = wanted[np.searchsorted(wanted, least) : np.searchsorted(wanted, most, "right")]
            if not len(asked):
                continue
            table = file.read_row_group(group)
            keys = table["key"].to_numpy()
            first, after = np.searchsorted(keys, asked), np.searchsorted(keys, asked, "right")
            counts = after - first
            if counts.any():
                ends = np.cumsum(counts)
                hits = np.arange(ends[-1]) + np.repeat(first - (ends - counts), counts)
                yield table.take(pa.array(hits))


def _numbered(
    hits: pa.Table, of_segment: NDArray[np.int32]
) -> tuple[Keys, NDArray[np.int32], NDArray[np.int64]]:
    numbers = of_segment[hits["partition"].to_numpy()]
    here = numbers >= 0
    return hits["key"].to_numpy()[here], numbers[here], hits["row"].to_numpy()[here].astype(np.int64)


def _compact(directory: str, segments: list[Segment], bounds: Bounds) -> list[Segment]:
    """`segments`, those of like size merged: each has more than MERGE_RATIO times the rows of the next."""
    left = sorted(segments, key=_descending)
    while len(left) > 1 and left[-2].file.rows <= MERGE_RATIO * left[-1].file.rows:
        two = [(segment.uri, segment.partitions) for segment in left[-2:]]
        rows = sum(segment.file.rows for segment in left[-2:])
        left = sorted([*left[:-2], _merge(directory, two, bounds, rows)], key=_descending)
    return left


def _descending(segment: Segment) -> int:
    return -segment.file.rows


def _merge(
    directory: str, sources: Sequence[tuple[str, tuple[str, ...]]], bounds: Bounds, rows: int
) -> Segment:
    """One segment of the rows of sorted files, each given with the partitions that it holds, that have keys
    within `bounds`: about as many as `rows`."""
    partitions = tuple(digest for _, held in sources for digest in held)
    firsts = np.cumsum([0, *(len(held) for _, held in sources)])
    with ExitStack() as stack:
        files = [
            stack.enter_context(pq.ParquetFile(stack.enter_context(storage.open_input(uri))))
            for uri, _ in sources
        ]
        writer = stack.enter_context(stage.part_writer(directory, SCHEMA, "segment", bands.KEY_GROUP_ROWS))
        for least, after in _steps(rows, bounds):
            slices = [
                _slice(file, least, after, int(first)) for file, first in zip(files, firsts, strict=False)
            ]
            table = pa.concat_tables(slices).combine_chunks()
            order = np.argsort(table["key"].to_numpy(), kind="stable")
            for batch in table.take(pa.array(order)).to_batches():
                writer.write(batch)
        file = writer.publish_any()  # of a small day a range may have no key
    return Segment(storage.join(directory, file.name), file, partitions)


def _steps(rows: int, bounds: Bounds) -> Iterator[Bounds]:
    """`bounds` in steps of about STEP_ROWS rows, if `rows` lie in all of it: keys are spread evenly."""
    least, after = bounds
    count = -(-max(rows, 1) // STEP_ROWS)
    return pairwise(least + n * (after - least) // count for n in range(count + 1))


def _slice(file: pq.ParquetFile, least: int, after: int, first: int) -> pa.Table:
    """The rows of a sorted file with `least` <= key < `after`; partitions are counted from `first`."""
    chosen = [
        group
        for group in range(file.num_row_groups)
        if _bounds(file, group)[0] < after and _bounds(file, group)[1] >= least
    ]
    table = file.read_row_groups(chosen)
    keys = table["key"].to_numpy()
    start = int(np.searchsorted(keys, np.uint64(least)))
    end = int(np.searchsorted(keys, np.uint64(after - 1), "right"))
    table = table.slice(start, end - start)
    held = table["partition"].to_numpy() if "partition" in table.column_names else np.zeros(len(table))
    numbers = pa.array((held + first).astype(np.uint32))
    return pa.table([table["key"], table["row"], numbers], schema=SCHEMA)


def _bounds(file: pq.ParquetFile, group: int) -> tuple[int, int]:
    statistics = file.metadata.row_group(group).column(0).statistics
    return statistics.min, statistics.max


def _segments(published: Published | None) -> list[Segment]:
    if published is None:
        return []
    uris, files = published.part_uris(), published.manifest.parts
    held = published.manifest.details["partitions"]
    return [Segment(uri, file, tuple(digests)) for uri, file, digests in zip(uris, files, held, strict=True)]


def _publish(directory: str, fingerprint: str, segments: Sequence[Segment]) -> None:
    rows = sum(segment.file.rows for segment in segments)
    made = Manifest(
        stage="index",
        name="bands",
        fingerprint=fingerprint,
        inputs=(),
        parts=tuple(segment.file for segment in segments),
        rows_in=rows,
        kept=rows,
        details={"partitions": [list(segment.partitions) for segment in segments]},
    )
    stage.publish(directory, made)
