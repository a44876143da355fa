"""A release: Parquet shards in the Hugging Face folder layout, a manifest, and a card.

A pure function of (recipe, set of partitions, the ledger's answers): its folder is named by them, and the
manifest is written last. A killed release is written again over itself, with the same bytes.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import manifest, select, storage
from curation.facts import Partition
from curation.fingerprint import fingerprint
from curation.funnel import funnel
from curation.layout import Layout
from curation.manifest import Manifest
from curation.recipe import Recipe
from curation.release import card, edits, mixture, order, shards
from curation.stage import Published

VERSION = 1


@dataclass(frozen=True)
class Released:
    """A release: its folder and its manifest; `new` if this call wrote it."""

    uri: str
    manifest: Manifest
    new: bool


def identity(recipe: Recipe, decisions: Published) -> str:
    """16 hex digits of what a release is made of: its settings and the decisions, which name all else."""
    return manifest.inputs_digest([decisions.input.model_copy(update={"name": mark(recipe)})])


def find(lake: Layout, recipe: Recipe, decisions: Published) -> Released | None:
    """The release of these decisions, if it is published."""
    uri = lake.release(recipe.name, identity(recipe, decisions))
    return open_release(uri) if storage.exists(storage.join(uri, "manifest.json")) else None


def open_release(uri: str) -> Released:
    """The release in the folder `uri`; InputError if there is none."""
    where = storage.join(uri, "manifest.json")
    return Released(uri, manifest.parse(storage.read_bytes(where), where), new=False)


def published(lake: Layout, recipe: str) -> Iterator[Released]:
    """All releases of a recipe that are in the lake, by identity."""
    for name in storage.names(storage.join(lake.releases, recipe)):
        uri = lake.release(recipe, name)
        if storage.exists(storage.join(uri, "manifest.json")):
            yield open_release(uri)


def fetch(uri: str, folder: Path) -> Path:
    """The folder of a release on this disk: a copy, in `folder`, of the one at `uri`; the manifest last."""
    released = open_release(uri)
    for name in (*(file.name for file in released.manifest.parts), "manifest.json"):
        target = folder / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with storage.scratch(str(target.parent)) as scratch:
                storage.publish(storage.fetch(storage.join(uri, name), scratch), str(target))
    return folder


def write(lake: Layout, recipe: Recipe, partitions: Sequence[Partition], decisions: Published) -> Released:
    """Write the release of the documents that `decisions` keeps; skipped if it is published."""
    found = find(lake, recipe, decisions)
    if found:
        return found
    uri = lake.release(recipe.name, identity(recipe, decisions))
    totals = _measure(_kept(recipe, decisions, partitions))
    count = order.shard_count(totals.text_bytes, recipe.release.shard_bytes)
    chosen = _chosen(_kept(recipe, decisions, partitions), recipe.release.seed)
    files, tally = shards.write(uri, chosen, count, recipe.release)
    synthetic = recipe.synthesize.source if recipe.synthesize else None
    steps = funnel(partitions, decisions.manifest, synthetic=synthetic, mixed_out=totals.mixed_out)
    made = Manifest(
        stage="release",
        name=recipe.name,
        fingerprint=mark(recipe),
        inputs=(decisions.input, *(p.documents.input for p in partitions)),
        parts=files,
        rows_in=decisions.manifest.rows_in,
        kept=totals.documents,
        dropped={**decisions.manifest.dropped, **steps.steps[-1].dropped},
        details={
            "rows": sum(file.rows for file in files),
            "rows_by_source": dict(sorted(totals.copies_by_source.items())),
            "rows_by_license": dict(sorted(tally.licences.items())),
            "text_bytes": totals.text_bytes - tally.bytes_saved,
            "funnel": steps.as_json(),
            **_edited(recipe, tally),
        },
    )
    card.write(uri, recipe, made, steps)
    created = storage.create(storage.join(uri, "manifest.json"), made.to_json())
    return Released(uri, made, new=created)


@dataclass(frozen=True)
class _Kept:
    """The kept documents of one part: what was decided, their rows in it, how often each is released."""

    uri: str
    spans: dict[str, str]  # columns of spans to edit by, and the URI of each
    decided: pa.Table  # id, source, text_bytes
    rows: NDArray[np.int64]
    times: NDArray[np.int64]


@dataclass
class _Totals:
    """What is released, summed over all parts."""

    text_bytes: int = 0  # copies counted
    documents: int = 0
    mixed_out: int = 0
    copies_by_source: Counter[str] = field(default_factory=Counter)


def _kept(recipe: Recipe, decisions: Published, partitions: Sequence[Partition]) -> Iterator[_Kept]:
    """The kept rows of each part of documents, and how often each is released."""
    settings = recipe.release
    beside = {uri: found for partition in partitions for uri, found in partition.parts()}
    for uri, decided in select.kept_rows(decisions, partitions):
        rows = np.flatnonzero(decided.column("kept").to_numpy(zero_copy_only=False))
        taken = decided.select(["id", "source", "text_bytes"]).take(rows)
        ids = taken.column("id").to_pylist()
        weights = [settings.weights.get(name, 1.0) for name in taken.column("source").to_pylist()]
        times = [mixture.copies(id_, weight, settings.seed) for id_, weight in zip(ids, weights, strict=True)]
        spans = {column: beside[uri][name] for name, column in edits.columns(settings).items()}
        yield _Kept(uri, spans, taken, rows, np.array(times, np.int64))


def _measure(kept: Iterator[_Kept]) -> _Totals:
    totals = _Totals()
    for part in kept:
        totals.text_bytes += int((part.decided.column("text_bytes").to_numpy() * part.times).sum())
        totals.documents += int((part.times > 0).sum())
        totals.mixed_out += int((part.times == 0).sum())
        for source, times in zip(part.decided.column("source").to_pylist(), part.times, strict=True):
            totals.copies_by_source[source] += int(times)
    return totals


def _chosen(kept: Iterator[_Kept], seed: int) -> Iterator[shards.Chosen]:
    for part in kept:
        ids = part.decided.column("id").to_pylist()
        keys = [
            order.key(id_, copy, seed)
            for id_, times in zip(ids, part.times, strict=True)
            for copy in range(times)
        ]
        yield shards.Chosen(part.uri, np.repeat(part.rows, part.times), np.array(keys, np.uint64), part.spans)


def _edited(recipe: Recipe, tally: shards.Tally) -> dict[str, dict[str, int]]:
    """The spans that were replaced, and removed, by each kind asked for; nothing where none is."""
    settings = recipe.release
    asked: dict[str, Sequence[str]] = {"redacted": settings.redact, "removed": settings.remove}
    return {
        name: {kind: tally.edited[kind] for kind in sorted(set(kinds))}
        for name, kinds in asked.items()
        if kinds
    }


def mark(recipe: Recipe) -> str:
    """The fingerprint of a release: its settings, without the decisions that it follows."""
    permission = recipe.synthesize.permission if recipe.synthesize else None
    settings = {
        **recipe.release.model_dump(mode="json", exclude={"redact", "remove"}),
        # Left out where they are empty: releases made before there were such settings stay the same.
        **({"redact": sorted(set(recipe.release.redact))} if recipe.release.redact else {}),
        **({"remove": sorted(set(recipe.release.remove))} if recipe.release.remove else {}),
        "recipe": recipe.name,
        "about": recipe.description,
        "permission": permission,
    }
    return fingerprint("release", VERSION, settings)
