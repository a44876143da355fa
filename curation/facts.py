"""The facts of a partition: its documents, and the columns computed beside them. Once each.

`ingest` turns a plan into a part of documents, `annotate` computes the columns of that part, `publish` writes
the manifests: annotations first, documents last, so that documents that can be seen have their columns.
"""

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO

from curation import annotate as annotators
from curation import decontaminate, dedup, layout, manifest, stage, storage
from curation import ingest as archives
from curation.annotator import Annotator
from curation.document import QUARANTINE_SCHEMA, SCHEMA
from curation.errors import LakeError, RecipeError
from curation.fingerprint import fingerprint
from curation.layout import Layout
from curation.manifest import Input, Part
from curation.plan import Place, Plan, place, read_plan, source_files
from curation.recipe import Recipe, Source
from curation.stage import Published

DOCUMENT_GROUP_ROWS = 250
"""Small: to compare two texts reads half a megabyte, not ten; a scan takes almost twice as long."""


@dataclass(frozen=True)
class Column:
    """An annotator and the fingerprint of what it writes."""

    annotator: Annotator
    fingerprint: str

    @property
    def name(self) -> str:
        return self.annotator.name


@dataclass(frozen=True)
class Partition:
    """The published facts of one partition: `annotations` by name, part for part beside `documents`."""

    source: str
    partition: str
    documents: Published
    annotations: dict[str, Published]

    def parts(self) -> Iterator[tuple[str, dict[str, str]]]:
        """(URI of a part of documents, URIs of its annotations by name), in order."""
        beside = {name: published.part_uris() for name, published in self.annotations.items()}
        for n, uri in enumerate(self.documents.part_uris()):
            yield uri, {name: uris[n] for name, uris in beside.items()}


def columns(recipe: Recipe) -> tuple[Column, ...]:
    """The annotators of a recipe with their fingerprints; signatures where it removes duplicates."""
    asked_for = annotators.annotators(recipe.annotate)
    if recipe.annotate.decontaminate:
        asked_for = (*asked_for, decontaminate.annotator(recipe.annotate.decontaminate))
    if recipe.select.duplicates:
        asked_for = (*asked_for, dedup.annotator(recipe.select.duplicates))
    made = [Column(a, fingerprint(a.name, a.version, a.settings)) for a in asked_for]
    _refuse_twice(made, (recipe.judge.column, recipe.judge.good_column) if recipe.judge else ())
    return tuple(made)


def check(recipe: Recipe) -> None:
    """RecipeError if an annotator cannot be made as asked, or would fail at the first document. Takes
    seconds: it imports datatrove and reads the evaluation sets."""
    annotators.check(recipe.annotate)
    if recipe.annotate.decontaminate:
        decontaminate.check(recipe.annotate.decontaminate)


def ingest(recipe: Recipe, lake: Layout, plan_uri: str) -> str:
    """Turn the files of a plan into a part of documents; the URI of its record."""
    todo = read_plan(plan_uri)
    source = recipe.source(todo.source)
    directory = place(source, todo.partition).documents(lake)
    uri, _ = stage.piece(directory, todo.inputs, lambda: _ingest(source, todo, directory))
    return uri


def annotate(recipe: Recipe, lake: Layout, plan_uri: str) -> None:
    """Compute every column of the part that `ingest` made of a plan; those already there are not touched."""
    todo = read_plan(plan_uri)
    where = place(recipe.source(todo.source), todo.partition)
    annotate_part(lake, columns(recipe), where, _read_part(lake, where, todo))


def compute(recipe: Recipe, lake: Layout, plan_uri: str) -> None:
    """Both, for a process of its own."""
    ingest(recipe, lake, plan_uri)
    annotate(recipe, lake, plan_uri)


def annotate_part(lake: Layout, asked: Iterable[Column], where: Place, part: Part) -> None:
    """Compute the columns `asked` for one part of documents, one piece of work a column."""
    if part.file is None:
        return
    uri = storage.join(where.documents(lake), part.file.name)
    inputs = _annotation_inputs(part)
    for column in asked:
        directory = _annotations(lake, where, column)
        compute = functools.partial(_annotate, column.annotator, uri, inputs, directory)
        stage.piece(directory, inputs, compute)


def publish(recipe: Recipe, lake: Layout, plan_uris: Sequence[str]) -> list[str]:
    """Write the manifests of the partitions that these plans are the whole of; the documents' URIs."""
    asked = columns(recipe)
    published = []
    for where, plans in _by_place(recipe, plan_uris).items():
        parts = [_read_part(lake, where, todo) for todo in plans]
        published.append(publish_partition(lake, asked, where, parts).uri)
    return published


def is_published(recipe: Recipe, lake: Layout, plan_uris: Sequence[str]) -> bool:
    """Whether all that these plans would compute is published already."""
    asked = columns(recipe)
    for where, plans in _by_place(recipe, plan_uris).items():
        found = find(lake, asked, where)
        inputs = tuple(i for todo in plans for i in todo.inputs)
        if found is None or found.documents.manifest.inputs != inputs:
            return False
    return True


def places(recipe: Recipe, plan_uris: Sequence[str]) -> list[Place]:
    """The partitions that these plans are of, each once."""
    return list(_by_place(recipe, plan_uris))


def publish_partition(
    lake: Layout, asked: Iterable[Column], where: Place, parts: Sequence[Part]
) -> Published:
    """Write the manifests of one partition: its annotations', then its documents'."""
    publish_annotations(lake, asked, where, [p for p in parts if p.file])
    return stage.publish(where.documents(lake), _manifest("documents", where.source, where, parts))


def publish_annotations(lake: Layout, asked: Iterable[Column], where: Place, parts: Sequence[Part]) -> None:
    """Write the manifests of the columns `asked` of some parts of documents; their pieces are all done."""
    for column in asked:
        directory = _annotations(lake, where, column)
        done = [stage.read_record(layout.record(directory, stage.key(_annotation_inputs(p)))) for p in parts]
        beside = Place(where.source, column.fingerprint, where.partition)
        stage.publish(directory, _manifest("annotations", column.name, beside, done))


def find(lake: Layout, asked: Iterable[Column], where: Place) -> Partition | None:
    """The published facts of a partition; None if its documents, or a column beside them, are not there."""
    documents = stage.current(where.documents(lake))
    if documents is None:
        return None
    parts = tuple(file.digest for file in documents.manifest.parts)
    annotations = {}
    for column in asked:
        # A late archive's annotations are published before its documents: take those of these documents.
        published = stage.generations(_annotations(lake, where, column))
        found = next((p for p in published if tuple(i.digest for i in p.manifest.inputs) == parts), None)
        if found is None:
            return None
        annotations[column.name] = found
    return Partition(where.source, where.partition, documents, annotations)


def _ingest(source: Source, todo: Plan, directory: str) -> Part:
    prefix, _ = source_files(source, todo.partition)
    files: list[tuple[str, Callable[[], BinaryIO]]] = [
        (i.name, functools.partial(storage.open_input, prefix + i.name)) for i in todo.inputs
    ]
    dropped: Counter[str] = Counter()
    records = 0
    with ExitStack() as stack:
        documents = stack.enter_context(stage.part_writer(directory, SCHEMA, "part", DOCUMENT_GROUP_ROWS))
        quarantine = stack.enter_context(stage.part_writer(directory, QUARANTINE_SCHEMA, "quarantine"))
        for batch in archives.read(source, files):
            documents.write(batch.documents)
            quarantine.write(batch.quarantined)
            dropped.update(batch.skipped)
            dropped.update(batch.quarantined.column("reason").to_pylist())
            records += batch.records
        return Part(
            inputs=todo.inputs,
            file=documents.publish(),
            quarantine=quarantine.publish(),
            rows_in=records,
            dropped=dict(sorted(dropped.items())),
        )


def _annotate(annotator: Annotator, uri: str, inputs: tuple[Input, ...], directory: str) -> Part:
    rows = 0
    with stage.part_writer(directory, annotator.columns) as writer:
        for batch in stage.read_batches(uri):
            made = annotator.annotate(batch)
            if made.num_rows != batch.num_rows:
                raise LakeError(f"annotator {annotator.name}: {batch.num_rows} rows in, {made.num_rows} out")
            writer.write(made)
            rows += made.num_rows
        return Part(inputs=inputs, file=writer.publish(), rows_in=rows)


def _read_part(lake: Layout, where: Place, todo: Plan) -> Part:
    """The record of the part that was made of a plan."""
    return stage.read_record(layout.record(where.documents(lake), stage.key(todo.inputs)))


def _annotations(lake: Layout, where: Place, column: Column) -> str:
    return lake.annotations(column.name, column.fingerprint, where.source, where.partition)


def _by_place(recipe: Recipe, plan_uris: Sequence[str]) -> dict[Place, list[Plan]]:
    plans: dict[Place, list[Plan]] = {}
    for todo in map(read_plan, plan_uris):
        plans.setdefault(place(recipe.source(todo.source), todo.partition), []).append(todo)
    return plans


def _manifest(stage_name: str, name: str, where: Place, parts: Sequence[Part]) -> manifest.Manifest:
    return manifest.of_parts(
        parts,
        stage=stage_name,
        name=name,
        fingerprint=where.fingerprint,
        source=where.source,
        partition=where.partition,
    )


def _annotation_inputs(part: Part) -> tuple[Input, ...]:
    if part.file is None:
        raise LakeError("a part without documents has no annotations")
    return (Input(name="part", digest=part.file.digest),)


def _refuse_twice(made: list[Column], judged: Sequence[str]) -> None:
    if taken := sorted(set(judged) & set(SCHEMA.names)):
        raise RecipeError(
            f"judge.column writes {taken[0]!r}, which documents have already: name it otherwise"
        )
    writer: dict[str, str] = {**dict.fromkeys(SCHEMA.names, "documents"), **dict.fromkeys(judged, "judge")}
    for column in made:
        for name in column.annotator.columns.names:
            if name in writer:
                raise RecipeError(
                    f"column {name!r} is written by {writer[name]} and by {column.annotator.name}: rename one"
                )
            writer[name] = column.annotator.name
