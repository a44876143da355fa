"""Real near duplicates: each page of PowerShell's documentation in up to five versions of the product."""

import io
import json
from typing import Any

import pytest
import zstandard

from curation.recipe import Duplicates
from tests.dedup.corpus import Doc, removed
from tests.shared_data import shared_path

pytestmark = pytest.mark.shared


def _rows(name: str) -> list[dict[str, Any]]:
    with shared_path(f"data/near_dup/{name}.jsonl.zst").open("rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        return [json.loads(line) for line in lines]


def test_versions_of_a_page_go_and_pages_of_another_path_do_not() -> None:
    pages = {row["id"]: row for row in _rows("powershell_docs_versions")}
    gone = removed([Doc(page["id"], page["text"]) for page in pages.values()], Duplicates())
    near = [(row["a"], row["b"]) for row in _rows("powershell_docs_pairs") if row["jaccard5"] >= 0.8]
    recall = sum(a in gone or b in gone for a, b in near) / len(near)
    precision = sum(pages[id_]["cluster"] == pages[row[0]]["cluster"] for id_, row in gone.items()) / len(
        gone
    )
    assert len(near) > 2000
    assert recall >= 0.95
    assert precision >= 0.99
