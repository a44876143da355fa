"""The columns of a recipe: one writer each, and fingerprints that change with what they hold."""

import pytest

from curation import facts
from curation.annotate.url import LISTS
from curation.annotator import UNICODE
from curation.errors import RecipeError
from curation.plan import place
from curation.recipe import Recipe

BASE = {
    "name": "small",
    "interval": {"start": "2025-11-03", "end": "2025-11-04"},
    "sources": [{"name": "web", "format": "warc", "path": "/x/{partition}/*.warc.gz"}],
}


def recipe(**said: object) -> Recipe:
    return Recipe.model_validate({**BASE, **said})


@pytest.mark.parametrize(
    "name", ["language", "url", "signature", "educational_score", "educational_score_good"]
)
def test_two_writers_of_one_column_are_refused_by_name(name: str) -> None:
    clash = {"datatrove": [{"filter": "C4ParagraphFilter", "column": name}]}
    with pytest.raises(RecipeError, match=f"column '{name}' is written by"):
        facts.columns(recipe(annotate=clash, judge={}))


def test_a_changed_setting_changes_the_fingerprint_of_its_own_column_alone() -> None:
    def marks(similarity: float, words: int, minimum: int) -> dict[str, str]:
        paragraphs = {"filter": "C4ParagraphFilter", "column": "p", "settings": {"min_paragraphs": minimum}}
        made = recipe(
            annotate={"datatrove": [paragraphs]},
            select={"duplicates": {"similarity": similarity, "shingle_words": words}},
        )
        return {column.name: column.fingerprint for column in facts.columns(made)}

    base = marks(0.8, 5, 3)
    assert marks(0.7, 5, 3) == base
    assert {name for name, mark in marks(0.8, 7, 3).items() if mark != base[name]} == {"signatures"}
    assert {name for name, mark in marks(0.8, 5, 4).items() if mark != base[name]} == {"datatrove-p"}


@pytest.mark.parametrize(
    ("versions", "library", "changed"),
    [
        (UNICODE, "unicode", {"language", "rules", "signatures"}),
        (UNICODE, "regex", {"language", "rules", "signatures"}),
        (LISTS, "datatrove", {"url"}),
        (LISTS, "tldextract", {"url"}),
    ],
)
def test_an_upgrade_that_may_change_values_changes_the_columns_that_hold_them(
    versions: dict[str, str], library: str, changed: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def marks() -> set[tuple[str, str]]:
        made = recipe(annotate={"rules": True, "url": True, "pii": True}, select={"duplicates": {}})
        return {(column.name, column.fingerprint) for column in facts.columns(made)}

    before = marks()
    monkeypatch.setitem(versions, library, "99")
    assert {name for name, _ in marks() - before} == changed


def test_where_archives_lie_does_not_change_a_place_but_how_they_are_read_does() -> None:
    here = recipe().sources[0]
    there = here.model_copy(update={"path": "s3://other/{partition}/*.warc.gz"})
    narrow = here.model_copy(update={"extract": here.extract.model_copy(update={"main_content": False})})
    assert place(here, "2025-11-03") == place(there, "2025-11-03")
    assert place(here, "2025-11-03") != place(narrow, "2025-11-03")


def test_a_changed_licence_is_another_place() -> None:
    here = recipe().sources[0]
    assert place(here, "all") != place(here.model_copy(update={"license": "MIT"}), "all")
