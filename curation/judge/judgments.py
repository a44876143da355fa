"""Judgments: what a rubric says of each document of a sample. Published once; a row whatever came of it."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from curation import manifest, stage
from curation.fingerprint import fingerprint
from curation.judge import answers, prompt, rubric
from curation.judge.answers import Reply
from curation.layout import Layout
from curation.manifest import Manifest
from curation.recipe import Judge
from curation.stage import Published

if TYPE_CHECKING:
    from curation.claude.ledger import Ledger

VERSION = 1

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
        pa.field("score", pa.int32()),  # of the rubric's scale; null, with the two below, unless ok
        pa.field("evidence", pa.string()),
        pa.field("addresses_model", pa.bool_()),
    ]
)


def mark(settings: Judge) -> str:
    """The fingerprint of judgments: what can change an answer, but for the answer itself."""
    asked = settings.model_dump(include={"model", "sample", "seed"})
    return fingerprint("judgments", VERSION, {**rubric.load(settings.rubric).settings, **asked})


def directory(lake: Layout, settings: Judge, decisions: Published) -> str:
    """Where the judgments lie, of a sample of what these decisions keep."""
    return lake.judgments(settings.rubric, mark(settings), manifest.inputs_digest([decisions.input]))


def find(lake: Layout, settings: Judge, decisions: Published) -> Published | None:
    """The judgments if they are published: then nothing need be sampled or asked."""
    return stage.current(directory(lake, settings, decisions))


def publish(
    lake: Layout, settings: Judge, decisions: Published, sample: pa.Table, ledger: "Ledger"
) -> Published:
    """Publish a row for each document of `sample`, in its order; skipped if they are published.
    Raises ClaudeError where too few were answered."""
    found = find(lake, settings, decisions)
    if found:
        return found
    rubric_ = rubric.load(settings.rubric)
    replies = answers.replies(ledger, prompt.requests(rubric_, sample, settings.model))
    said = {"rubric": rubric_.name, "rubric_digest": rubric_.digest, "model": settings.model}
    documents = sample.select(["id", "digest", "source"]).to_pylist()
    rows = [{**d, **said, **_row(r)} for d, r in zip(documents, replies, strict=True)]
    where = directory(lake, settings, decisions)
    with stage.part_writer(where, JUDGMENTS) as writer:
        for batch in pa.Table.from_pylist(rows, schema=JUDGMENTS).to_batches():
            writer.write(batch)
        file = writer.publish()
    made = Manifest(
        stage="judgments",
        name=settings.rubric,
        fingerprint=mark(settings),
        inputs=(decisions.input,),
        parts=(file,) if file else (),
        rows_in=len(rows),
        kept=len(rows),
        details={**said, "outcomes": dict(sorted(Counter(r.outcome for r in replies).items()))},
    )
    return stage.publish(where, made)


def _row(reply: Reply) -> dict[str, Any]:
    row = {name: getattr(reply, name) for name in ("key", "outcome", "detail", "answered_by")}
    return {**row, **{name: reply.body.get(name) for name in rubric.FIELDS}}
