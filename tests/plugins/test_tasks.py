import pytest

from curation import plan
from curation.errors import RecipeError
from curation.layout import Layout
from curation.recipe import Source
from curation_airflow.tasks import asked_day, lake, piece_name


def test_a_mapped_task_is_named_by_source_and_day(tmp_path):
    """Reads where `plan.plan` really puts a plan: a change of layout must not garble the UI."""
    (tmp_path / "2025-11-03.jsonl").write_text('{"text": "one"}\n')
    source = Source(name="open-web", format="jsonl", path=str(tmp_path / "{partition}.jsonl"))
    [uri] = plan.plan(Layout(str(tmp_path / "lake")), source, "2025-11-03")
    assert piece_name(uri).startswith("open-web 2025-11-03 ")
    assert len(piece_name(uri)) == len("open-web 2025-11-03 abcdef")


def test_the_day_is_the_partition_key_or_what_the_form_says():
    assert asked_day("2025-11-03", None) == "2025-11-03"
    assert asked_day(None, "2025-11-03") == "2025-11-03"
    assert asked_day("2025-11-03", "2025-11-03") == "2025-11-03"


def test_two_days_or_none_are_refused_with_the_remedy():
    with pytest.raises(RecipeError, match="not both"):
        asked_day("2025-11-03", "2025-11-04")
    with pytest.raises(RecipeError, match="fill in `day`"):
        asked_day(None, None)


def test_without_a_lake_the_error_says_how_to_name_one(monkeypatch):
    monkeypatch.delenv("CURATION_LAKE", raising=False)
    with pytest.raises(RecipeError, match="CURATION_LAKE is not set"):
        lake()
