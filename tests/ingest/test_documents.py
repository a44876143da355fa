"""Batches hold what their schemas say, in bounded pieces."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.document import QUARANTINE_SCHEMA, SCHEMA, text_digest
from curation.ingest import documents, read
from curation.ingest.documents import clean
from tests.ingest.archives import ingest, page, source


def test_batches_have_the_schemas_of_the_lake() -> None:
    (batch,) = read(source(), [("file", lambda: io.BytesIO(page(1) + b"rubbish"))])
    assert batch.documents.schema.equals(SCHEMA)
    assert batch.quarantined.schema.equals(QUARANTINE_SCHEMA)
    assert batch.documents["digest"][0].as_py() == text_digest(batch.documents["text"][0].as_py())
    assert batch.quarantined["source"][0].as_py() == "crawl"
    assert batch.quarantined["file"][0].as_py() == "file"


def test_a_batch_ends_at_its_rows_or_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = b"".join(json.dumps({"text": f"{n:08}"}).encode() + b"\n" for n in range(10))
    files = [("file", lambda: io.BytesIO(lines))]
    assert [batch.records for batch in read(source("jsonl"), files, rows=4)] == [4, 4, 2]
    monkeypatch.setattr(documents, "BATCH_BYTES", 24)
    assert [batch.records for batch in read(source("jsonl"), files)] == [3, 3, 3, 1]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet", "warc"])
def test_a_text_too_long_for_the_rules_is_a_row_whatever_it_came_in(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MAX_TEXT_BYTES", 40)
    texts = ["ä" * 20, "ä" * 20 + "x"]
    file = io.BytesIO()
    pq.write_table(pa.table({"text": texts}), file)
    data = {
        "jsonl": "".join(json.dumps({"text": text}) + "\n" for text in texts).encode(),
        "csv": "\n".join(["text", *texts]).encode(),
        "parquet": file.getvalue(),
        "warc": b"".join(page(n, text) for n, text in enumerate(texts)),
    }
    made = ingest(source(kind), data[kind])
    assert made.texts == texts[:1]
    assert [row["reason"] for row in made.quarantined] == ["text_too_long"]


def test_quarantine_rows_fill_a_batch_too() -> None:
    files = [("file", lambda: io.BytesIO(b"{\n" * 10))]
    assert [batch.records for batch in read(source("jsonl"), files, rows=4)] == [4, 4, 2]


def test_no_files_are_no_batches() -> None:
    assert list(read(source(), [])) == []


@given(st.text())
def test_cleaning_keeps_words_apart_and_every_printable_character(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert [c for c in cleaned if c.isprintable() and c != " "] == [
        c for c in text if c.isprintable() and c != " "
    ]
    assert not {c for c in cleaned if ord(c) < 32} - set("\t\n\r")
