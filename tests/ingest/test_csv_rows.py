"""Every row of a CSV file is a document, a quarantine row or a blank line."""

import csv
import gzip
import io
import json
import tracemalloc
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from curation.errors import InputError
from curation.ingest import csv_rows
from curation.recipe import Columns
from tests.ingest.archives import ingest, source

CSV = source("csv")
field = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress, b"\xef\xbb\xbf".__add__])
def test_fields_are_mapped_whatever_packs_the_file(pack: Any) -> None:
    data = b'key,text,grade\nk1,"Hi, ""you"".\nBye.",4\n'
    columns = Columns(id="key", metadata=("grade",))
    (one,) = ingest(source("csv", columns=columns), pack(data)).documents
    assert one["text"] == 'Hi, "you".\nBye.'
    assert json.loads(one["metadata"])["columns"] == {"grade": "4"}


@given(st.lists(st.tuples(field, field), min_size=1, max_size=5))
def test_what_a_writer_of_csv_has_written_is_read_as_it_was(rows: list[tuple[str, str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([("text", "other"), *rows])
    read = ingest(CSV, out.getvalue().encode())
    assert read.texts == [text for text, _ in rows if text.strip()]
    assert read.faults == []


def test_a_bad_row_is_quarantined_by_its_line_and_the_others_are_read() -> None:
    data = b'text,n\nfirst,1\nonly one\n\n\xff\xfe,2\n"a "quoted" one",3\nlast,4\n'
    read = ingest(CSV, data)
    assert read.texts == ["first", "last"]
    assert read.faults == [(3, "field_count"), (5, "not_utf8"), (6, "broken_csv")]
    assert read.skipped == {"blank_line": 1}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_file"),
        (b'text\n"never ends\n', "broken_csv"),
        (b'"never\n', "broken_csv"),
    ],
)
def test_what_cannot_be_read_is_a_row(data: bytes, reason: str) -> None:
    assert [why for _, why in ingest(CSV, data).faults] == [reason]


def test_a_file_that_ends_early_gives_what_precedes_and_a_row() -> None:
    whole = gzip.compress(b"text\n" + b"".join(b"line %d of it\n" % n for n in range(5000)))
    read = ingest(CSV, whole[: len(whole) // 2])
    assert 0 < len(read.texts) < 5000
    assert read.texts == [f"line {n} of it" for n in range(len(read.texts))]
    assert read.faults[-1][1].startswith("truncated")


def test_a_column_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(InputError, match="no column 'text'; nearest: texts"):
        ingest(CSV, b"texts,n\na,1\n")


@pytest.mark.parametrize("long", [b"x" * 200, b'"' + b'x""\n' * 99 + b'x"', b"," * 200])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_row_of_more_than_the_limit_costs_itself_alone(
    monkeypatch: pytest.MonkeyPatch, long: bytes, end: bytes
) -> None:
    monkeypatch.setattr(csv_rows, "MAX_RECORD_CHARS", 100)
    read = ingest(CSV, end.join([b"text", b"one", long, b"y" * 98, b"bad,row"]))
    assert read.texts == ["one", "y" * 98]
    assert read.faults == [(3, "line_too_long"), (5 + long.count(b"\n"), "field_count")]


def test_a_small_file_that_inflates_to_one_endless_line_is_not_held() -> None:
    bomb = io.BytesIO(gzip.compress(b"text\n" + b"a" * 300_000_000, 1))
    tracemalloc.start()
    (row,) = csv_rows.outcomes(CSV, "bomb", bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert getattr(row, "reason", "") == "line_too_long"
    assert peak < 4 * csv_rows.MAX_RECORD_CHARS
