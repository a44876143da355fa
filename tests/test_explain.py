"""`explain` tells of a kept, a duplicate, a filtered and a synthetic document why it is where it is."""

from typing import Any

import polars as pl
import pytest

from curation import pipeline
from curation.errors import LakeError
from curation.explain import Explanation, explain
from curation.pipeline import Job


@pytest.fixture(scope="module")
def decisions(in_order: Job) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(uri) for uri in pipeline.decided(in_order).part_uris()])


def first(in_order: Job, decisions: pl.DataFrame, condition: Any) -> Explanation:
    return explain(in_order, decisions.filter(condition)["id"][0])


def test_a_kept_document_is_followed_from_its_record_to_its_shards(
    in_order: Job, decisions: pl.DataFrame
) -> None:
    found = first(in_order, decisions, pl.col("kept") & (pl.col("source") == "open-web"))
    assert found.decision["kept"]
    assert not any(rule.holds for rule in found.verdicts)
    assert found.document["metadata"]["file"].endswith(".warc.gz")
    assert found.document["metadata"]["record"] > 0
    assert len(found.shards) == 2  # the source weighs 2
    for shard, row in found.shards:
        released = pl.read_parquet(f"{pipeline.release(in_order).uri}/{shard}")
        assert released["id"][row] == found.document["id"]


def test_a_duplicate_names_the_document_that_stays_and_the_similarity(
    in_order: Job, decisions: pl.DataFrame
) -> None:
    found = first(in_order, decisions, pl.col("reason") == "near_duplicate")
    assert found.kept_instead is not None
    assert found.kept_instead["id"] == found.decision["duplicate_of"]
    assert found.decision["similarity"] >= 0.8
    stays = decisions.filter(pl.col("id") == found.kept_instead["id"])
    assert stays["kept"].to_list() == [True]
    assert found.shards == ()


def test_a_filtered_document_shows_the_value_that_broke_the_rule(
    in_order: Job, decisions: pl.DataFrame
) -> None:
    found = first(in_order, decisions, pl.col("reason") == "too_few_words")
    broken = next(rule for rule in found.verdicts if rule.holds)
    assert broken.reason == "too_few_words"
    assert broken.values["word_count"] < 50
    assert found.annotations["word_count"] == broken.values["word_count"]


def test_a_synthetic_document_names_its_parent_and_the_parent_names_it(
    in_order: Job, decisions: pl.DataFrame
) -> None:
    found = first(in_order, decisions, pl.col("kept") & (pl.col("source") == "synthetic"))
    (parent,) = found.document["parents"]
    assert found.document["metadata"]["model"] == "offline-rules-1"
    assert found.document["id"] in explain(in_order, parent).children


def test_a_judged_document_shows_its_judgment(in_order: Job) -> None:
    (uri,) = pipeline.taught(in_order)[0].judgments.part_uris()
    judged = pl.read_parquet(uri).filter(pl.col("outcome") == "ok").row(0, named=True)
    found = explain(in_order, judged["id"])
    assert found.judgment is not None
    assert found.judgment["score"] == judged["score"]


def test_the_beginning_of_an_id_is_enough_if_it_is_the_only_one(
    in_order: Job, decisions: pl.DataFrame
) -> None:
    id_ = decisions["id"][0]
    assert explain(in_order, id_[:12]).document["id"] == id_
    with pytest.raises(LakeError, match="write more"):
        explain(in_order, "")
    with pytest.raises(LakeError, match="no document"):
        explain(in_order, "not-an-id")
