"""Overlaps that are really there: evaluation sets in books, handbooks and speeches as they are."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard

from curation import decontaminate
from curation.recipe import Decontaminate
from tests.shared_data import shared_path

pytestmark = pytest.mark.shared


def _lines(path: Path) -> list[dict[str, Any]]:
    with zstandard.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_every_labelled_overlap_is_found_with_its_set_and_item() -> None:
    sets = shared_path("data/eval_sets")
    labels = [
        r for r in _lines(sets / "natural_contamination.jsonl.zst") if not r["doc"].startswith("crawl/")
    ]
    wanted = {(row["doc"], row["eval"], str(row["row"] + 1)) for row in labels}
    found = set()
    for source in sorted({doc.split("/")[0] for doc, _, _ in wanted}):
        documents = _lines(shared_path(f"data/text_bulk/{source}.jsonl.zst"))
        ids = [
            doc if (doc := str(d["id"])).startswith(f"{source}/") else f"{source}/{doc}" for d in documents
        ]
        batch = pa.record_batch([pa.array([d["text"] for d in documents])], names=["text"])
        made = decontaminate.annotator(Decontaminate(path=str(sets))).annotate(batch)
        rows = made["evaluation_overlaps"].to_pylist()
        found |= {(doc, o["set"], o["item"]) for doc, row in zip(ids, rows, strict=True) for o in row}
    assert len(wanted) == 17
    assert wanted <= found
    assert (
        len({doc for doc, _, _ in found}) < 25
    )  # of 4,000 documents: speeches, a law, a novel, rows of numbers
