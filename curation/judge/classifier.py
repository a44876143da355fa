"""A classifier learns from judgments and scores every document: an artifact with a digest and a report.

A document is *good* where its score reaches the threshold: FineWeb-Edu's 3 if enough documents of the
training part lie on both sides of it, else the score that divides them most evenly; manifest and report say
which. The column holds the probability of being good as the model says it, not calibrated.

One document in five, by a hash of its digest, is held out: the model is measured on it, not trained on it.
"""

import functools
import json
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation import manifest, stage, storage
from curation.annotator import Annotator
from curation.document import content_hash
from curation.errors import LakeError
from curation.facts import Column
from curation.fingerprint import fingerprint
from curation.judge import learner
from curation.judge.examples import examples_of, threshold
from curation.judge.report import report
from curation.layout import Layout
from curation.manifest import Manifest
from curation.recipe import Judge
from curation.stage import Published

VERSION = 1


def publish(lake: Layout, settings: Judge, judgments: Published, sample: pa.Table) -> Published:
    """Train on `judgments` and the texts of `sample`, measure, publish model and report; skipped if that is
    published. Raises RecipeError where the sample cannot teach a difference."""
    found = find(lake, settings, judgments)
    if found:
        return found
    directory = _directory(lake, settings, judgments)
    examples, dropped = examples_of(judgments, sample)
    training = [e for e in examples if not e.is_held_out]
    held_out = [e for e in examples if e.is_held_out]
    at = threshold([e.score for e in training])
    with storage.scratch(directory) as folder:
        path = learner.train([e.text for e in training], [e.score >= at for e in training], folder)
        measured = report(learner.open_model(path), training, held_out, at)
        digest = storage.digest(str(path))
        storage.publish(path, storage.join(directory, f"model-{digest}.bin"))
    said = {"column": settings.column, "judgments": judgments.manifest.details, "threshold": at}
    data = json.dumps({**said, **measured}, indent=1).encode()
    named = {"model": f"model-{digest}.bin", "model_digest": digest}
    named["report"] = f"report-{content_hash('report', data)}.json"
    storage.write_bytes(storage.join(directory, named["report"]), data)
    made = Manifest(
        stage="classifiers",
        name=settings.column,
        fingerprint=mark(settings),
        inputs=(judgments.input,),
        rows_in=judgments.manifest.kept,
        kept=len(examples),
        dropped=dropped,
        details={**said, **named},
    )
    return stage.publish(directory, made)


def find(lake: Layout, settings: Judge, judgments: Published) -> Published | None:
    """The classifier trained on `judgments`, if it is published."""
    return stage.current(_directory(lake, settings, judgments))


def mark(settings: Judge) -> str:
    """The fingerprint of a classifier; what it learns from are its inputs."""
    library = version("fasttext-community")
    asked = {"column": settings.column, "learner": learner.SETTINGS, "fasttext": library}
    return fingerprint("classifier", VERSION, asked)


def _directory(lake: Layout, settings: Judge, judgments: Published) -> str:
    return lake.classifier(settings.column, mark(settings), manifest.inputs_digest([judgments.input]))


def read_report(classifier: Published) -> dict[str, Any]:
    """The report beside the model."""
    uri = storage.join(classifier.directory, classifier.manifest.details["report"])
    found: dict[str, Any] = json.loads(storage.read_bytes(uri))
    return found


def column(classifier: Published) -> Column:
    """The column that a published classifier writes, float64 in [0, 1], named as the recipe says."""
    details = classifier.manifest.details
    uri = storage.join(classifier.directory, details["model"])
    made = annotator(uri, details["model_digest"], details["column"])
    return Column(made, fingerprint(made.name, made.version, {"model": details["model_digest"]}))


def annotator(model_uri: str, model_digest: str, name: str) -> Annotator:
    """The annotator that writes the model's score into the column `name`; it can be sent to other processes,
    and each loads the model once. LakeError if the file is not the one with that digest."""
    columns = pa.schema([pa.field(name, pa.float64(), nullable=False)])
    return Annotator(name, VERSION, columns, functools.partial(_annotate, model_uri, model_digest, columns))


def _annotate(uri: str, digest: str, columns: pa.Schema, batch: pa.RecordBatch) -> pa.RecordBatch:
    found = learner.scores(_model(uri, digest), batch.column("text").to_pylist())
    return pa.record_batch([pa.array(found, pa.float64())], schema=columns)


@functools.lru_cache(maxsize=2)
def _model(uri: str, digest: str) -> Any:
    with tempfile.TemporaryDirectory(prefix="curation-") as folder:
        path = storage.fetch(uri, Path(folder))
        found = storage.digest(str(path))
        if found != digest:
            raise LakeError(
                f"{uri} has the digest {found}, not {digest}: it was changed since it was published"
            )
        return learner.open_model(path)
