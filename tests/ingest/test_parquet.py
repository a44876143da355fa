"""Every row of a Parquet file is accounted for; a wrong column name is the user's to mend."""

import io
import json
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.document import document_id
from curation.errors import InputError
from curation.ingest import read
from curation.recipe import Columns
from tests.ingest.archives import ingest, source

PARQUET = source("parquet")


def table(columns: dict[str, Any], **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, **options)
    return file.getvalue()


def test_mapped_columns_become_the_fields_of_the_document() -> None:
    columns = Columns(
        text="body", id="key", url="link", fetched_at="when", license="rights", metadata=("tags",)
    )
    data = table(
        {
            "body": ["Hi."],
            "key": [7],
            "link": ["http://a/"],
            "when": [datetime(2025, 11, 3, tzinfo=UTC)],
            "rights": ["CC0"],
            "tags": [["x", "y"]],
        }
    )
    (one,) = ingest(source("parquet", columns=columns), data).documents
    assert (one["id"], one["text"], one["url"]) == (document_id("crawl", "7"), "Hi.", "http://a/")
    assert (one["fetched_at"], one["license"]) == (datetime(2025, 11, 3, tzinfo=UTC), "CC0")
    assert json.loads(one["metadata"]) == {"file": "0", "record": 0, "columns": {"tags": ["x", "y"]}}


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_strings_of_any_arrow_type_are_text(kind: pa.DataType) -> None:
    assert ingest(PARQUET, table({"text": pa.array(["one", "two"], kind)})).texts == ["one", "two"]


def test_offsets_are_rows_of_the_file_across_row_groups() -> None:
    data = table({"text": ["a", None, "b", "", "c", None]}, row_group_size=2)
    made = ingest(PARQUET, data)
    assert made.faults == [(1, "text_missing"), (5, "text_missing")]
    assert made.skipped == {"no_text": 1}
    assert [json.loads(row["metadata"])["record"] for row in made.documents] == [0, 2, 4]


def test_a_string_that_is_not_utf8_costs_its_own_row_only() -> None:
    bad = pa.array([b"good", b"\xff\xfe", b"fine"], pa.binary()).view(pa.string())
    made = ingest(PARQUET, table({"text": bad}))
    assert made.faults == [(1, "text_not_a_string")]
    assert made.texts == ["good", "fine"]


def test_a_missing_column_is_an_error_that_names_the_nearest() -> None:
    data = table({"contents": ["a"], "url": ["b"]})
    with pytest.raises(InputError, match="no column 'content'; nearest: contents"):
        ingest(source("parquet", columns=Columns(text="content")), data)


def test_what_is_no_parquet_is_a_row_and_the_next_file_is_read() -> None:
    good = table({"text": ["Hi."]})
    for bad in (b"", b"PAR1 rubbish", good[: len(good) // 2]):
        made = ingest(PARQUET, bad, good)
        assert made.faults == [(0, "not_parquet")]
        assert made.texts == ["Hi."]


def test_a_file_without_rows_is_a_row() -> None:
    assert ingest(PARQUET, table({"text": pa.array([], pa.string())})).faults == [(0, "empty_file")]


def test_a_damaged_row_group_is_a_row_and_the_others_are_read() -> None:
    texts = [f"{n} " * 2_000 for n in range(3)]
    data = bytearray(table({"text": texts}, row_group_size=1, compression="zstd", use_dictionary=False))
    start = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(1).column(0).data_page_offset
    data[start + 10 : start + 40] = b"\xff" * 30
    made = ingest(PARQUET, bytes(data))
    assert made.faults == [(1, "damaged_row_group")]
    assert made.quarantined[0]["detail"].startswith("rows 1 to 1 are lost")
    assert made.texts == [texts[0], texts[2]]


def test_an_error_of_the_file_system_is_raised_and_not_taken_for_damage() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        list(read(PARQUET, [("file", lambda: Failing(table({"text": ["a"]})))]))


def test_a_day_is_a_date_of_capture() -> None:
    data = table({"text": ["A day."], "when": [date(2025, 11, 3)]})
    (one,) = ingest(source("parquet", columns=Columns(fetched_at="when")), data).documents
    assert one["fetched_at"] == datetime(2025, 11, 3, tzinfo=UTC)
