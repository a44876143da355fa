"""Judgments: what a rubric says of each document of a sample. Published once; a row whatever came of it."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from curation import manifest, stage, storage
from curation.claude.request import Request
from curation.fingerprint import fingerprint
from curation.judge import answers, canaries, lake_key, prompt, relabel, rubric
from curation.judge.answers import Reply
from curation.judge.prompt import Prompt, Requests
from curation.judge.suspicion import LEXICAL, suspicions
from curation.layout import Layout
from curation.manifest import Input, Manifest
from curation.recipe import Judge
from curation.stage import Published

if TYPE_CHECKING:
    from curation.claude.ledger import Ledger

VERSION = 3

JUDGMENTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("digest", pa.string(), nullable=False),  # of the whole text
        pa.field("source", pa.string(), nullable=False),
        pa.field("rubric", pa.string(), nullable=False),
        pa.field("rubric_digest", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),  # as asked
        pa.field("answered_by", pa.string()),  # as the response named itself
        pa.field("key", pa.string(), nullable=False),  # of the answer in the ledger
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("score", pa.int32()),  # of the rubric's scale; null, with the three below, unless ok
        pa.field("evidence", pa.string()),
        pa.field("addresses_model", pa.bool_()),
        pa.field("answer", pa.string()),  # all of it: JSON, its fields as the schema orders them
        pa.field("stratum", pa.string()),
        pa.field("drawn_for", pa.string()),  # audit, stratified, or uncertain
        pa.field("weight", pa.float64()),  # documents that this one stands for, within what it was drawn for
        pa.field("suspicion", pa.string(), nullable=False),  # lexical, disagrees, both with a comma, or ''
    ]
)


def mark(settings: Judge, is_first: bool = True) -> str:
    """The fingerprint of a round's judgments: what can change which rows there are and what they say, but for
    the answers themselves. That of the first round knows of no others."""
    asked = settings.model_dump(mode="json", include={"model", "sample", "strata", "audit", "seed"})
    if not is_first:
        asked |= {"round": settings.round, "relabel": relabel.VERSION}
    known = [canary.model_dump() for canary in canaries.load(settings.rubric)]
    return fingerprint("judgments", VERSION, {**rubric.of(settings).settings, **asked, "canaries": known})


def find(
    lake: Layout, settings: Judge, decisions: Published, after: Published | None = None
) -> Published | None:
    """The judgments of the first round, or of the one `after` a classifier, of what these decisions keep, if
    they are published: then nothing need be sampled or asked."""
    return stage.current(directory(lake, settings, decisions, after))


def too_dear(lake: Layout, settings: Judge, decisions: Published, after: Published) -> Decimal | None:
    """The cap of a run, in USD, that left no room for the round `after` a classifier; None if none did."""
    uri = _too_dear(lake, settings, decisions, after)
    return Decimal(json.loads(storage.read_bytes(uri))["run_usd"]) if storage.exists(uri) else None


def say_too_dear(
    lake: Layout, settings: Judge, decisions: Published, after: Published, run_usd: Decimal
) -> None:
    """Say that this cap of a run left no room for the round `after` a classifier. It lies where the judgments
    would, so it is of this round alone: of these decisions, this classifier, this model and size."""
    uri = _too_dear(lake, settings, decisions, after)
    storage.write_bytes(uri, json.dumps({"run_usd": str(run_usd)}).encode())


def _too_dear(lake: Layout, settings: Judge, decisions: Published, after: Published) -> str:
    return storage.join(directory(lake, settings, decisions, after), "too-dear.json")


def directory(lake: Layout, settings: Judge, decisions: Published, after: Published | None) -> str:
    """Where the judgments of a round are, or would be."""
    inputs = manifest.inputs_digest(_inputs(decisions, after))
    return lake.judgments(settings.rubric, mark(settings, after is None), inputs)


def _inputs(decisions: Published, after: Published | None) -> tuple[Input, ...]:
    return (decisions.input, after.input) if after else (decisions.input,)


def requests(key: bytes, settings: Judge, sample: pa.Table) -> Collection[Request]:
    """What is asked, enclosed by the lake's `key`: about each document of `sample`, row for row, then about
    each canary of the rubric."""
    documents, known = _requests(key, settings, sample)
    return replace(documents, follow=known)


def _requests(key: bytes, settings: Judge, sample: pa.Table) -> tuple[Requests, Requests]:
    """About the documents of `sample`, and about the canaries: for each sample anew, as who answered them
    before, under the same name, may be another by now."""
    asked, texts = rubric.of(settings), [canary.text for canary in canaries.load(settings.rubric)]
    known = pa.table({"text": pa.array(texts, pa.string())})
    of_sample = canaries.replicate(sample.column("digest").to_pylist())
    return (
        prompt.requests(asked, sample, settings.model, key),
        replace(prompt.requests(asked, known, settings.model, key), replicate=of_sample),
    )


def publish(
    lake: Layout,
    settings: Judge,
    decisions: Published,
    sample: pa.Table,
    ledger: "Ledger",
    after: Published | None = None,
    earlier: Sequence[Published] = (),
) -> Published:
    """Publish a row for each document of `sample`, in its order; skipped if they are published. It was drawn
    from what these decisions keep, by the scores of the classifier that it comes `after` if there is one,
    which has learned from the judgments of the `earlier` rounds.

    Raises ClaudeError where too few were answered, a stratum was refused, or canaries were answered wrongly.
    """
    found = find(lake, settings, decisions, after)
    if found:
        return found
    rubric_, (asked, asked_known) = rubric.of(settings), _requests(lake_key.read(lake), settings, sample)
    replies = _replies(settings, ledger, asked, sample, earlier)
    known = canaries.load(settings.rubric)
    verdict = canaries.verdict(known, answers.known(ledger, asked_known), rubric_)
    canaries.check(verdict, settings.canaries_wrong_max, settings.model)
    said = {"rubric": rubric_.name, "rubric_digest": rubric_.digest, "model": settings.model}
    where = directory(lake, settings, decisions, after)
    table = _table(rubric_, sample, replies, said)
    with stage.part_writer(where, JUDGMENTS) as writer:
        for batch in table.to_batches():
            writer.write(batch)
        file = writer.publish()
    outcomes = dict(sorted(Counter(reply.outcome for reply in replies).items()))
    made = Manifest(
        stage="judgments",
        name=settings.rubric,
        fingerprint=mark(settings, after is None),
        inputs=_inputs(decisions, after),
        parts=(file,) if file else (),
        rows_in=sample.num_rows,
        kept=sample.num_rows,
        details={
            **said,
            "outcomes": outcomes,
            "canaries": verdict,
            "comparable": sum(map(_comparable, table.to_pylist())),  # scores; of few none is said to disagree
        },
    )
    return stage.publish(where, made)


def _replies(
    settings: Judge,
    ledger: "Ledger",
    asked: Collection[Request],
    sample: pa.Table,
    earlier: Sequence[Published],
) -> list[Reply]:
    """The reply about each document of `sample`. ClaudeError where they and those of the earlier rounds are
    too few, or too few of a stratum or a source."""
    names = ["key", "outcome", "detail", "stratum", "source"]
    uris = (uri for published in earlier for uri in published.part_uris())
    rows = [row for uri in uris for row in stage.read_table(uri, names).to_pylist()]
    before = [Reply(row["key"], row["outcome"], row["detail"]) for row in rows]
    made = answers.of_round(ledger, asked, before)
    for column in ("stratum", "source"):
        with_stratum = [*zip(made, sample.column(column).to_pylist(), strict=True)]
        with_stratum_before = [*zip(before, (row[column] for row in rows), strict=True)]
        answers.check_refusals(with_stratum, with_stratum_before, settings.refusals_max)
    return made


def _table(asked: Prompt, sample: pa.Table, replies: Sequence[Reply], said: Mapping[str, str]) -> pa.Table:
    texts, digests = (sample.column(name).to_pylist() for name in ("text", "digest"))
    scores = [reply.body.get(asked.score) for reply in replies]
    believed = [None if r.body.get(rubric.LAST) else s for r, s in zip(replies, scores, strict=True)]
    cheap = sample.column("classifier_score").drop_null().to_pylist()  # of all documents, or of none
    suspected = suspicions([asked.asked(text) for text in texts], digests, believed, cheap)
    known = sample.drop_columns(["license", "text", "classifier_score"]).to_pylist()
    rows = [
        {**document, **said, **_row(reply, score), "suspicion": suspicion}
        for document, reply, score, suspicion in zip(known, replies, scores, suspected, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=JUDGMENTS)


def _comparable(row: Mapping[str, Any]) -> bool:
    """Whether the score of a row of judgments says what others should be."""
    return row["score"] is not None and not row["addresses_model"] and LEXICAL not in row["suspicion"]


def _row(reply: Reply, score: int | None) -> dict[str, Any]:
    row = {name: getattr(reply, name) for name in ("key", "outcome", "detail", "answered_by")}
    answer = json.dumps(reply.body, ensure_ascii=False) if reply.is_ok else None
    said = {name: reply.body.get(name) for name in (rubric.FIRST, rubric.LAST)}
    return {**row, **said, "score": score, "answer": answer}
