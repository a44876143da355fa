"""Edits: what the released text leaves out of the text in the lake, which stays as it came.

Personal data of the kinds that a recipe redacts is replaced by its kind, as in `<email>`; with `remove: [c4]`
the lines and marks that C4 takes out go. Both are spans of bytes that annotators have found. An edited row
also gets the digest of its edited text: the digest of the text in the lake would let anybody who holds the
release find a missing phone number by trying them all.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from curation.document import text_digest
from curation.recipe import Release
from curation.text.pii import spans

PERSONAL = "pii_spans"  # of the annotator `pii`: start, end, kind
C4 = "c4_removed"  # of the annotator `rules`: start, end

_Span = tuple[int, int, str]  # first byte, the one after the last, kind
_NOTHING = ""  # of what goes with the piece before it


def columns(settings: Release) -> dict[str, str]:
    """The columns of spans that a release reads, by their annotators."""
    asked = {"pii": PERSONAL} if settings.redact else {}
    return {**asked, **({"rules": C4} if "c4" in settings.remove else {})}


def edit(
    text: str,
    personal: Iterable[Mapping[str, Any]],
    removed: Iterable[Mapping[str, Any]],
    kinds: Collection[str],
) -> tuple[str, Counter[str]]:
    """`text` without the spans `removed`, and with each span of `personal` of these kinds replaced; how many
    of each there were, by kind, those removed as `c4`.

    Each list of spans is in order and without overlap: {"start", "end"}, bytes into the UTF-8 of `text`, and
    "kind". Of a personal span that is removed in part the rest is replaced, of one that is removed whole
    nothing. What a removal joins is looked at again: `212-555[1]-0142` is a telephone number without it.
    """
    cuts = [(span["start"], span["end"], "c4") for span in removed]
    replaced = [(span["start"], span["end"], span["kind"]) for span in personal]
    edited, counts = _cut(text, replaced, cuts, kinds)
    if cuts and kinds:
        edited, more = _cut(edited, spans(edited), [], kinds)
        counts += more
    return edited, counts


def _cut(
    text: str, personal: Iterable[_Span], cuts: Sequence[_Span], kinds: Collection[str]
) -> tuple[str, Counter[str]]:
    data = text.encode()
    replaced = [span for span in personal if span[2] in kinds]
    pieces: list[bytes] = []
    counts: Counter[str] = Counter()
    last = 0
    for start, end, kind in sorted([*_outside(replaced, cuts), *cuts]):
        pieces += [data[last:start], f"<{kind}>".encode() if kind in kinds else b""]
        last = end
        counts[kind] += 1
    del counts[_NOTHING]
    return b"".join([*pieces, data[last:]]).decode(), counts


def edit_rows(
    rows: pa.RecordBatch, beside: pa.Table, kinds: Collection[str]
) -> tuple[pa.RecordBatch, Counter[str]]:
    """Documents edited by the spans beside them, row for row, in `text` and `digest`; how many, by kind."""
    total: Counter[str] = Counter()
    texts, digests = rows.column("text").to_pylist(), rows.column("digest").to_pylist()
    none: list[list[Any]] = [[]] * rows.num_rows
    lists = [beside[name].to_pylist() if name in beside.column_names else none for name in (PERSONAL, C4)]
    for n, (personal, removed) in enumerate(zip(*lists, strict=True)):
        if personal or removed:
            text, counts = edit(texts[n], personal, removed, kinds)
            if counts:
                texts[n], digests[n] = text, text_digest(text)
                total += counts
    for name, values in (("text", texts), ("digest", digests)):
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, rows.schema.field(at), pa.array(values, pa.string()))
    return rows, total


def _outside(replaced: Iterable[_Span], cuts: Sequence[_Span]) -> Iterator[_Span]:
    """What of each span lies outside all cuts, which are in order; only its first piece keeps its kind."""
    ends = [end for _, end, _ in cuts]
    for start, end, kind in replaced:
        at, of = start, kind
        for cut_start, cut_end, _ in cuts[bisect_right(ends, start) :]:
            if cut_start >= end:
                break
            if at < cut_start:
                yield at, cut_start, of
                of = _NOTHING
            at = max(at, cut_end)
        if at < end:
            yield at, end, of
