"""A release opens unchanged in what people use, and says what is in it."""

from itertools import pairwise
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
import yaml

from curation import pipeline
from curation.document import SCHEMA
from curation.manifest import Manifest
from curation.pipeline import Job
from curation.release import Released
from curation.storage import digest


@pytest.fixture(scope="module")
def released(in_order: Job) -> Released:
    return pipeline.release(in_order)


def shards(released: Released) -> list[Path]:
    return sorted(Path(released.uri).glob("data/*.parquet"))


def test_the_shards_are_what_the_manifest_says(released: Released) -> None:
    made = Manifest.model_validate_json((Path(released.uri) / "manifest.json").read_bytes())
    assert len(made.parts) > 1
    for file in made.parts:
        path = Path(released.uri) / file.name
        assert digest(str(path)) == file.digest
        assert pq.read_metadata(path).num_rows == file.rows
        assert path.stat().st_size == file.bytes


def test_datasets_opens_the_folder(released: Released, tmp_path: Path) -> None:
    import datasets

    found = datasets.load_dataset(released.uri, cache_dir=str(tmp_path))
    assert set(found) == {"train"}
    assert found["train"].num_rows == released.manifest.details["rows"]
    assert found["train"].column_names == SCHEMA.names
    streamed = datasets.load_dataset(released.uri, split="train", streaming=True)
    assert next(iter(streamed))["id"] == found["train"][0]["id"]


def test_duckdb_polars_and_pandas_read_the_same_rows(released: Released) -> None:
    pattern = f"{released.uri}/data/*.parquet"
    rows = released.manifest.details["rows"]
    by_duckdb = duckdb.sql(f"SELECT id, text FROM read_parquet('{pattern}')").fetchall()
    by_polars = pl.read_parquet(pattern)
    by_pandas = pd.concat([pd.read_parquet(path) for path in shards(released)])
    assert len(by_duckdb) == by_polars.height == len(by_pandas) == rows
    assert [row[0] for row in by_duckdb] == by_polars["id"].to_list() == by_pandas["id"].to_list()
    assert [row[1] for row in by_duckdb] == by_polars["text"].to_list()


def test_exactly_the_kept_documents_are_in_it_as_often_as_their_weight_says(
    in_order: Job, released: Released
) -> None:
    decided = [pl.read_parquet(uri) for uri in pipeline.decided(in_order).part_uris()]
    kept = pl.concat(decided).filter("kept")
    rows = pl.read_parquet(f"{released.uri}/data/*.parquet")
    assert set(rows["id"]) == set(kept["id"])
    copies = rows.group_by("source", "id").len()
    assert set(copies.filter(pl.col("source") == "open-web")["len"]) == {2}
    assert set(copies.filter(pl.col("source") != "open-web")["len"]) == {1}


def test_rows_are_shuffled_over_shards_and_sources(released: Released) -> None:
    for path in shards(released):
        sources = pl.read_parquet(path)["source"].to_list()
        changes = sum(a != b for a, b in pairwise(sources))
        assert changes > len(set(sources))


def test_synthetic_rows_name_kept_parents_and_never_claude(released: Released) -> None:
    rows = pl.read_parquet(f"{released.uri}/data/*.parquet")
    written = rows.filter(pl.col("source") == "synthetic")
    assert written.height > 0
    originals = set(rows.filter(pl.col("source") != "synthetic")["id"])
    for parents, metadata in written.select("parents", "metadata").iter_rows():
        assert set(parents) <= originals
        assert '"model": "offline-rules-1"' in metadata
        assert "claude" not in metadata


def test_the_card_has_front_matter_funnel_licences_and_permission(released: Released) -> None:
    card = (Path(released.uri) / "README.md").read_text()
    _, front, body = card.split("---\n", 2)
    said = yaml.safe_load(front)
    assert said["configs"][0]["data_files"][0]["path"] == "data/train-*.parquet"
    assert said["size_categories"] == ["n<1K"]
    for expected in ("near_duplicate", "CC-BY-SA-3.0", "PSF-2.0", "offline-rules-1", "funnel.png"):
        assert expected in body
    assert (Path(released.uri) / "funnel.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_in_it_names_where_or_when_it_was_made(in_order: Job, released: Released) -> None:
    for path in Path(released.uri).rglob("*"):
        if path.is_file():
            assert in_order.lake.root.encode() not in path.read_bytes()
