from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation import stage, takedown
from curation.document import document_id
from curation.errors import InputError
from curation.layout import Layout
from tests.judge.lakes import document, partition

PAGES = [
    "https://example.org/a",
    "https://www.example.org/b",
    "https://example.org.evil.net/c",
    "https://notexample.org/d",
    "http://[broken/e",
    None,
]


def _pages(lake: Layout) -> list[dict[str, object]]:
    return [document(f"text {n}", url=url, id=document_id("web", str(n))) for n, url in enumerate(PAGES)]


@pytest.mark.parametrize(
    ("kind", "value", "rows"),
    [
        ("url", "https://example.org/a", [0]),
        ("url", "https://example.org/A", []),
        ("domain", "example.org", [0, 1]),
        ("domain", "Example.ORG.", [0, 1]),
        ("domain", "www.example.org", [1]),
        ("domain", "evil.net", [2]),
        ("id", document_id("web", "5"), [5]),
    ],
)
def test_a_tombstone_names_its_documents_and_no_others(
    tmp_path: Path, kind: takedown.Kind, value: str, rows: list[int]
) -> None:
    lake = Layout(str(tmp_path))
    pages = _pages(lake)
    held = partition(lake, "all", [pages[:2], pages[2:]])
    takedown.add(lake, kind, value, "asked for")
    stones = takedown.tombstones(lake)
    assert takedown.rows(lake, held, stones).tolist() == rows
    assert takedown.rows(lake, held, stones).tolist() == rows  # what was remembered
    assert takedown.ids(lake, stones[0]) == {pages[row]["id"] for row in rows}


@pytest.mark.parametrize(
    ("value", "said", "message"),
    [
        ("example.org/page", "url", "is no URL"),
        ("https://example.org", "domain", "is no domain"),
        ("0123", None, "is no id"),
        ("example.org", "host", "url, domain or id"),
    ],
)
def test_what_cannot_be_taken_down_is_said(
    tmp_path: Path, value: str, said: str | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        takedown.add(Layout(str(tmp_path)), takedown.kind(value, said), value, "asked for")
    assert takedown.tombstones(Layout(str(tmp_path))) == ()


def test_the_first_reason_given_stays(tmp_path: Path) -> None:
    lake = Layout(str(tmp_path))
    takedown.add(lake, "domain", "example.org", "the owner asked")
    assert takedown.add(lake, "domain", "example.org", "again").why == "the owner asked"
    assert len(takedown.tombstones(lake)) == 1


def test_releases_that_hold_a_document_are_counted_by_rows(tmp_path: Path) -> None:
    lake = Layout(str(tmp_path))
    pages = {"a": "https://example.org/a", "b": "https://www.example.net/b", "c": None}
    for release, ids in (("one", ["a", "b", "a"]), ("two", ["c"]), ("rewritten", ["c", "d"])):
        data = Path(lake.release("sample", release)) / "data"
        data.mkdir(parents=True)
        urls = pa.array([pages.get(id_) for id_ in ids], pa.string())
        parents = pa.array([["a"] if id_ == "d" else [] for id_ in ids], pa.list_(pa.string()))
        pq.write_table(pa.table({"id": ids, "url": urls, "parents": parents}), data / "train-00000.parquet")
    domain = takedown.Tombstone("domain", "example.net", "asked for")
    # Of "a" no release but one holds the text, another holds what was written from it.
    assert takedown.releases(lake, domain, {"a"}) == {"sample/one": 3, "sample/rewritten": 1}
    # The documents may be gone from the lake: a release is searched by what the tombstone names.
    assert takedown.releases(lake, domain, set()) == {"sample/one": 1}


def test_a_lake_without_tombstones_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Layout(str(tmp_path))
    held = partition(lake, "all", [_pages(lake)])
    monkeypatch.setattr(stage, "read_batches", None)
    assert takedown.rows(lake, held, takedown.tombstones(lake)).tolist() == []
