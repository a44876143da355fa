"""What a recipe may ask, and what it is told when it asks for what cannot be done."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from curation.recipe import Interval, Recipe, Threshold

WEB = {"name": "web", "format": "warc", "path": "crawl/{partition}/*.warc.gz"}
BLOG = {"name": "blog", "format": "jsonl", "path": "blog.jsonl.zst"}
RECIPE: dict[str, Any] = {
    "name": "sample",
    "interval": {"start": "2025-11-03", "end": "2025-11-08"},
    "sources": [WEB, BLOG],
}


def recipe(**change: Any) -> Recipe:
    return Recipe.model_validate({**RECIPE, **change})


@given(st.dates(), st.integers(1, 800))
def test_an_interval_has_every_day_once_and_not_its_end(start: Any, count: int) -> None:
    from datetime import timedelta

    try:
        end = start + timedelta(days=count)
    except OverflowError:
        return
    days = Interval(start=start, end=end).days
    assert len(days) == len(set(days)) == count
    assert (days[0], end.isoformat() in days) == (start.isoformat(), False)
    assert list(days) == sorted(days)


@pytest.mark.parametrize("end", ["2025-11-03", "2025-11-02"])
def test_an_interval_without_days_is_refused_with_the_remedy(end: str) -> None:
    with pytest.raises(ValidationError, match="first day left out"):
        Interval(start="2025-11-03", end=end)


def test_a_source_with_partition_in_its_path_has_days_and_another_has_all() -> None:
    asked = recipe()
    assert asked.partitions(asked.source("web")) == (
        "2025-11-03",
        "2025-11-04",
        "2025-11-05",
        "2025-11-06",
        "2025-11-07",
    )
    assert asked.partitions(asked.source("blog")) == ("all",)
    with pytest.raises(KeyError):
        asked.source("nothing")


def test_a_recipe_of_three_lines_has_defaults_for_the_rest() -> None:
    asked = recipe()
    assert asked.select.duplicates is not None
    assert (asked.judge, asked.synthesize, asked.pretrain) == (None, None, None)
    assert asked.schedule == "0 0 * * *"


def test_nothing_of_a_recipe_can_be_changed_after_it_was_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        recipe().name = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        recipe().release.seed = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sources": [WEB, {**BLOG, "name": "web"}]}, "two sources are called 'web'"),
        ({"synthesize": {"permission": "mine", "source": "blog"}}, "two sources are called 'blog'"),
        ({"release": {"weights": {"blgo": 2}}}, "'blgo', no source of this recipe"),
        ({"sources": []}, "at least 1"),
        ({"synthesize": {}}, "permission"),
        ({"releese": {}}, "releese"),
        ({"sources": [{**WEB, "fromat": "warc"}]}, "fromat"),
        ({"sources": [{**WEB, "format": "xml"}]}, "'warc', 'jsonl', 'csv' or 'parquet'"),
        ({"name": "../escape"}, "pattern"),
        ({"name": "Name"}, "pattern"),
        ({"select": {"drop": {"it's": "true"}}}, "pattern"),
        ({"select": {"duplicates": {"similarity": 1.1}}}, "less than or equal to 1"),
        ({"select": {"duplicates": {"similarity": float("nan")}}}, "less than or equal to 1"),
        ({"select": {"drop": {"near_duplicate": "true"}}}, "given without a rule"),
        ({"release": {"weights": {"web": -1}}}, "greater than or equal to 0"),
        ({"release": {"weights": {"web": float("inf")}}}, "less than or equal to 100"),
        ({"judge": {"sample": 9}}, "greater than or equal to 10"),
        ({"pretrain": {"steps": 0}}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        recipe(**change)


def test_weights_may_name_the_synthetic_source() -> None:
    asked = recipe(synthesize={"permission": "mine"}, release={"weights": {"synthetic": 0.5}})
    assert asked.release.weights == {"synthetic": 0.5}


def test_the_order_of_rules_is_kept_for_the_first_that_holds_names_the_reason() -> None:
    drop = {"zebra": "true", "apple": "true", "mango": "true"}
    assert list(recipe(select={"drop": drop}).select.drop) == list(drop)


@pytest.mark.parametrize("threshold", [{"precision": 0.9}, {"percentile": 90}, {"tokens": 1000}])
def test_a_threshold_can_be_read_from_what_it_was_written_as(threshold):
    """`curation plan` reads the recipes that a lake keeps."""
    asked = Threshold(**threshold)
    assert Threshold.model_validate(asked.model_dump(mode="json")) == asked
