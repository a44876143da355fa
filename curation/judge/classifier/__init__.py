"""A classifier learns from judgments and scores every document: an artifact with digest, report and card.

A document is *good* where its judgment reaches a score: FineWeb-Edu's 3 if enough documents of the training
part lie on both sides of it, else the score that divides them most evenly; manifest and report say which.
The first round chooses it, by a sample of all; later rounds keep it, so that their figures answer one
question. Two columns come of it: the probability of being good as the model says it, and whether that
reaches the threshold.

One document in five, by a hash, near copies together, is held out: the model is measured on it, not trained
on it.
"""

import functools
import itertools
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation import manifest, stage, storage
from curation.annotator import Annotator
from curation.document import content_hash
from curation.errors import LakeError
from curation.facts import Column
from curation.fingerprint import fingerprint
from curation.judge.classifier import gate, threshold, training
from curation.judge.classifier.card import card
from curation.judge.classifier.examples import GOOD_FROM, Example, examples_of, good_from
from curation.judge.classifier.fasttext_head import READ_BYTES
from curation.judge.classifier.heads import Head, Scorer, heads, scores
from curation.judge.classifier.measures import Cut
from curation.judge.classifier.report import Guess, Part, auc_within, baselines_of, compare, measure
from curation.judge.classifier.training import Trained
from curation.judge.frame import Frame
from curation.judge.relabel import Why
from curation.layout import Layout
from curation.manifest import Manifest
from curation.recipe import Judge
from curation.stage import Published

VERSION = 4


def publish(
    lake: Layout,
    settings: Judge,
    judged: Sequence[Published],
    texts: Mapping[str, str],
    frame: Frame,
    earlier: Sequence[Published] = (),
) -> Published:
    """Train on the judgments of all rounds, which were drawn from `frame`, and their `texts` by id; measure,
    beside the classifiers of the `earlier` rounds; publish model, report and card. Skipped if that
    is published. Raises RecipeError where the judgments cannot teach a difference, or no threshold is as
    asked."""
    found = find(lake, settings, judged)
    if found:
        return found
    directory = _directory(lake, settings, judged)
    examples, dropped = examples_of(judged, texts)
    known, held_out = _parts(examples, earlier[0].manifest.details["good_from"] if earlier else None)
    with storage.scratch(directory) as folder:
        made = [training.train(h, known, settings.threshold, frame, folder) for h in heads(settings)]
        report = _report(settings, made, known, held_out)
        if earlier:
            guesses = [*(_guess(settings, one, held_out) for one in earlier), made[0].guess(held_out)]
            report |= compare(_counts(judged), guesses, held_out, report["gate"]["passed"])
        digest = storage.digest(str(made[0].path))
        model = f"model-{digest}.{made[0].head.ending}"
        storage.publish(made[0].path, storage.join(directory, model))
    details = {
        "column": settings.column,
        "judgments": judged[0].manifest.details,
        "comparable": [published.manifest.details["comparable"] for published in judged],
        "good_from": known.good_from,
        "head": made[0].head.name,
        "threshold": made[0].at,
        "gate_passed": report["gate"]["passed"],
        "model": model,
        "model_digest": digest,
    }
    details |= {name: report[name] for name in ("rounds", "stop") if name in report}
    details["report"] = _write(directory, "report", "json", json.dumps(report, indent=1))
    details["card"] = _write(directory, "card", "md", card(details, report, dropped))
    said = Manifest(
        stage="classifiers",
        name=settings.column,
        fingerprint=mark(settings),
        inputs=tuple(published.input for published in judged),
        rows_in=_counts(judged)[-1],
        kept=len(examples),
        dropped=dropped,
        details=details,
    )
    return stage.publish(directory, said)


def _counts(judged: Sequence[Published]) -> list[int]:
    """How many documents were judged when each round was done."""
    return [*itertools.accumulate(published.manifest.kept for published in judged)]


def _parts(examples: Sequence[Example], at: int | None) -> tuple[Part, Part]:
    """What is learned from, and what is measured on; good from `at`, chosen here if it is None."""
    known = [e for e in examples if not e.is_held_out]
    at = good_from([e.score for e in known]) if at is None else at
    return Part(known, at), Part([e for e in examples if e.is_held_out], at)


def _report(settings: Judge, made: list[Trained], known: Part, held_out: Part) -> dict[str, Any]:
    """The figures on the held-out part: of the classifier, of the other head, and of what it has to beat."""
    silly = baselines_of(known, held_out)
    guesses = {"classifier": made[0].guess(held_out)}
    guesses |= {other.head.name: other.guess(held_out) for other in made[1:]}
    within = {name: auc_within(guess, held_out) for name, guess in silly.items()}
    asked = settings.threshold
    return {
        "good_from": known.good_from,
        "good_from_moved": known.good_from != GOOD_FROM,
        "heads": {trained.head.name: {"threshold": trained.at} for trained in made},
        "threshold_asked": asked.model_dump(exclude_none=True) if asked else None,
        "threshold_chosen_on": threshold.chosen_on(asked) if asked else None,
        "read_bytes": READ_BYTES,
        "training": known.counts,
        "held_out": held_out.counts,
        "figures": {name: measure(guess, held_out) for name, guess in {**guesses, **silly}.items()},
        "gate": gate.ask(auc_within(guesses["classifier"], held_out), within).as_json(),
    }


def _guess(settings: Judge, published: Published, part: Part) -> Guess:
    """What a published classifier says of the documents of `part`."""
    details = published.manifest.details
    scorer = _model(_head(settings, details), _uri(published), details["model_digest"])
    return Guess(scores(scorer, pa.array(part.texts, pa.string())), Cut(details["threshold"]))


def why_over(classifier: Published) -> Why | None:
    """Why no round should follow that of this classifier; None if nothing says so."""
    details = classifier.manifest.details
    stop: Why | None = details.get("stop")  # not said of the first round
    return stop or ("gate" if details["gate_passed"] else None)


def _write(directory: str, name: str, ending: str, text: str) -> str:
    """Publishes `text` under a name by its digest; the name."""
    data = text.encode()
    file = f"{name}-{content_hash(name, data)}.{ending}"
    storage.write_bytes(storage.join(directory, file), data)
    return file


def find(lake: Layout, settings: Judge, judged: Sequence[Published]) -> Published | None:
    """The classifier trained on the judgments of these rounds, if it is published."""
    return stage.current(_directory(lake, settings, judged))


def mark(settings: Judge) -> str:
    """The fingerprint of a classifier; what it learns from are its inputs. Whether the gate is required is no
    part of it: that is a matter of its use."""
    asked: dict[str, Any] = settings.model_dump(include={"column", "head", "threshold"})
    asked["heads"] = {head.name: dict(head.settings) for head in heads(settings)}
    return fingerprint("classifier", VERSION, asked)


def _directory(lake: Layout, settings: Judge, judged: Sequence[Published]) -> str:
    inputs = manifest.inputs_digest(published.input for published in judged)
    return lake.classifier(settings.column, mark(settings), inputs)


def read_report(classifier: Published) -> dict[str, Any]:
    """The report beside the model."""
    uri = storage.join(classifier.directory, classifier.manifest.details["report"])
    found: dict[str, Any] = json.loads(storage.read_bytes(uri))
    return found


def schema(settings: Judge) -> pa.Schema:
    """The columns that a classifier writes: the score, in [0, 1], and whether it reaches the threshold."""
    return pa.schema(
        [
            pa.field(settings.column, pa.float64(), nullable=False),
            pa.field(settings.good_column, pa.bool_(), nullable=False),
        ]
    )


def column(settings: Judge, classifier: Published) -> Column:
    """The columns of a published classifier; `settings` say where its embeddings lie."""
    details = classifier.manifest.details
    made = annotator(_head(settings, details), _uri(classifier), details, schema(settings))
    asked = {"model": details["model_digest"], "threshold": details["threshold"]}
    return Column(made, fingerprint(made.name, made.version, asked))


def _head(settings: Judge, details: Mapping[str, Any]) -> Head:
    [head] = [head for head in heads(settings) if head.name == details["head"]]
    return head


def _uri(classifier: Published) -> str:
    return storage.join(classifier.directory, str(classifier.manifest.details["model"]))


def annotator(head: Head, model_uri: str, details: Mapping[str, Any], columns: pa.Schema) -> Annotator:
    """The annotator that writes the model's score and whether it is good; it can be sent to other processes,
    and each loads the model once. LakeError if the file does not have the digest that `details` name."""
    model, at = (model_uri, details["model_digest"]), details["threshold"]
    return Annotator(
        details["column"], VERSION, columns, functools.partial(_annotate, head, model, at, columns)
    )


def _annotate(
    head: Head, model: tuple[str, str], at: float, columns: pa.Schema, batch: pa.RecordBatch
) -> pa.RecordBatch:
    found = scores(_model(head, *model), batch.column("text"))
    return pa.record_batch([pa.array(found), pa.array(found >= at)], schema=columns)


@functools.lru_cache(maxsize=2)
def _model(head: Head, uri: str, digest: str) -> Scorer:
    with tempfile.TemporaryDirectory(prefix="curation-") as folder:
        path = storage.fetch(uri, Path(folder))
        found = storage.digest(str(path))
        if found != digest:
            raise LakeError(
                f"{uri} has the digest {found}, not {digest}: it was changed since it was published"
            )
        return head.open(path)
