"""What Claude wrote, as documents of a source of its own: gates passed, parents named."""

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from curation import stage
from curation.document import SCHEMA, document_id, text_digest
from curation.fingerprint import fingerprint
from curation.judge import answers, lake_key
from curation.judge.answers import Reply
from curation.judge.prompt import Prompt, requests
from curation.layout import Layout
from curation.manifest import Part, inputs_digest
from curation.plan import Place
from curation.recipe import Synthesize
from curation.stage import Published
from curation.synthesize import gates, prompt

if TYPE_CHECKING:
    from curation.claude.ledger import Ledger

VERSION = 1


def place(settings: Synthesize, decisions: Published) -> Place:
    """Where the texts lie that are written from what `decisions` keeps; each state of a lake has its own."""
    return Place(settings.source, mark(settings), inputs_digest([decisions.input]))


def mark(settings: Synthesize) -> str:
    """The fingerprint of what is written: all that can change a text. The permission goes into the card."""
    asked = settings.model_dump(include={"model", "sample", "source", "seed"})
    return fingerprint("synthesize", VERSION, {**prompt.load(settings.prompt).settings, **asked})


def write(
    lake: Layout, settings: Synthesize, decisions: Published, sample: pa.Table, ledger: "Ledger"
) -> Part:
    """The part of documents that the ledger's answers about `sample` give, written once for the decisions
    that it was drawn by. What was refused, by Claude or by a gate, is counted by reason.

    Raises ClaudeError where too few were answered: no part is written then.
    """
    directory = place(settings, decisions).documents(lake)
    inputs = (decisions.input,)

    def compute() -> Part:
        asked = prompt.load(settings.prompt)
        replies = answers.replies(ledger, requests(asked, sample, settings.model, lake_key.read(lake)))
        dropped: Counter[str] = Counter()
        rows: dict[str, dict[str, Any]] = {}
        for parent, reply in zip(sample.to_pylist(), replies, strict=True):
            # Two documents may begin alike, and be asked about as one.
            reason = "asked_before" if reply.key in rows else _refusal(asked, parent["text"], reply)
            if reason:
                dropped[reason] += 1
            else:
                rows[reply.key] = _document(settings, asked, parent, reply)
        with stage.part_writer(directory, SCHEMA) as writer:
            for batch in pa.Table.from_pylist(list(rows.values()), schema=SCHEMA).to_batches():
                writer.write(batch)
            file = writer.publish()
        return Part(inputs=inputs, file=file, rows_in=len(replies), dropped=dict(sorted(dropped.items())))

    _, part = stage.piece(directory, inputs, compute)
    return part


def _refusal(asked: Prompt, text: str, reply: Reply) -> str | None:
    """Why there is no document: how the request ended, or what a gate says."""
    if not reply.is_ok:
        return f"answer_{reply.outcome}"
    return gates.refuse(asked.asked(text), reply.body["text"])


def _document(settings: Synthesize, asked: Prompt, parent: dict[str, Any], reply: Reply) -> dict[str, Any]:
    text = reply.body["text"].strip()
    metadata = {
        "kind": asked.name,
        "model": reply.answered_by,
        "prompt": asked.name,
        "prompt_digest": asked.digest,
        "request": reply.key,
    }
    return {
        "id": document_id(settings.source, reply.key),
        "digest": text_digest(text),
        "text": text,
        "source": settings.source,
        "url": None,
        "fetched_at": None,
        "license": parent["license"],
        "parents": [parent["id"]],
        "metadata": json.dumps(metadata, sort_keys=True),
    }
