"""Documents that would say something else lie elsewhere."""

from importlib.metadata import PackageNotFoundError

import pytest

from curation import plan
from curation.errors import RecipeError
from curation.plan import place
from curation.recipe import Extract, Source


def made(extract: Extract) -> str:
    return place(Source(name="crawl", format="warc", path="*", extract=extract), "all").fingerprint


@pytest.mark.parametrize(
    "other",
    [
        Extract(extractor="resiliparse"),
        Extract(extractor="trafilatura"),
        Extract(format="markdown"),
        Extract(main_content=False),
        Extract(max_page_bytes=1_000),
    ],
)
def test_other_ways_to_make_text_of_a_page_make_other_documents(other: Extract) -> None:
    assert made(other) != made(Extract())
    assert made(other) == made(other.model_copy())


def test_another_trafilatura_makes_other_documents_only_where_it_makes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    theirs, ours = made(Extract(extractor="trafilatura")), made(Extract())
    monkeypatch.setattr(
        "curation.plan._version", lambda name: f"99 of {name}" if name == "trafilatura" else "1"
    )
    assert made(Extract(extractor="trafilatura")) != theirs
    ours_then = made(Extract())
    monkeypatch.setattr("curation.plan._version", lambda name: "1")
    assert made(Extract()) == ours_then != ours


def test_other_weights_make_other_documents_only_where_they_make_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = made(Extract()), made(Extract(extractor="resiliparse"))
    monkeypatch.setattr(plan, "_weights", lambda: "others")
    assert made(Extract()) != ours
    assert made(Extract(extractor="resiliparse")) == theirs


def test_an_extractor_that_is_not_installed_is_an_error_that_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def version(name: str) -> str:
        if name == "trafilatura":
            raise PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(plan, "_version", version)
    with pytest.raises(RecipeError, match=r"curation\[trafilatura\]"):
        made(Extract(extractor="trafilatura"))
    made(Extract())
