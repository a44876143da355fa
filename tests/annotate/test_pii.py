import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from curation.annotate import annotators
from curation.annotate.pii import PII
from curation.recipe import Annotate, Release
from curation.release import edits
from tests.annotate.batches import batch


def test_spans_and_their_number_stand_beside_each_document_in_order():
    made = PII.annotate(batch("nothing", "é a@example.com, 212-555-0142", ""))
    assert made.schema == PII.columns
    assert made.to_pylist() == [
        {"pii_spans": [], "pii_count": 0},
        {
            "pii_spans": [
                {"start": 3, "end": 16, "kind": "email"},
                {"start": 18, "end": 30, "kind": "phone"},
            ],
            "pii_count": 2,
        },
        {"pii_spans": [], "pii_count": 0},
    ]


def test_no_row_gives_no_row():
    assert PII.annotate(batch()).num_rows == 0


def test_parquet_and_duckdb_read_the_spans(tmp_path):
    made = PII.annotate(batch("a@example.com", "-"))
    path = tmp_path / "pii.parquet"
    pq.write_table(pa.Table.from_batches([made]), path)
    assert pq.read_table(path).to_pylist() == made.to_pylist()
    rows = duckdb.sql(f"SELECT pii_spans[1].kind FROM read_parquet('{path}')").fetchall()
    assert rows == [("email",), (None,)]


def test_it_runs_only_where_a_recipe_asks_and_release_knows_its_name():
    assert PII not in annotators(Annotate())
    assert PII in annotators(Annotate(pii=True))
    (name, column), *_ = edits.columns(Release(redact=("email",))).items()
    assert PII.name == name
    assert column in PII.columns.names
