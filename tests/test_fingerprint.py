"""What changes bytes changes the fingerprint; what does not, does not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.fingerprint import LEFT_OUT, canonical, fingerprint
from curation.recipe import Recipe

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(
    lambda name: name not in LEFT_OUT
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
settings = st.dictionaries(names, values, max_size=4)

RECIPE: dict[str, Any] = {
    "name": "web",
    "interval": {"start": "2025-11-03", "end": "2025-11-08"},
    "sources": [{"name": "web", "format": "warc", "path": "a/{partition}/*.warc.gz"}],
}


def of(change: dict[str, Any]) -> str:
    return fingerprint("release", 1, Recipe.model_validate({**RECIPE, **change}).model_dump(mode="json"))


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(list(value))}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


@given(settings)
def test_the_order_of_keys_does_not_count(asked: dict[str, Any]) -> None:
    assert fingerprint("s", 1, asked) == fingerprint("s", 1, reversed_keys(asked))


@given(settings, settings)
def test_different_settings_have_different_fingerprints(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (fingerprint("s", 1, one) == fingerprint("s", 1, other)) == (canonical(one) == canonical(other))


@given(settings, st.sampled_from(sorted(LEFT_OUT)), values)
def test_what_is_left_out_does_not_count_at_any_depth(asked: dict[str, Any], key: str, value: Any) -> None:
    nested = {**asked, "inner": [asked]}
    assert fingerprint("s", 1, {**asked, key: value, "inner": [{**asked, key: value}]}) == fingerprint(
        "s", 1, nested
    )


def test_stage_and_version_count() -> None:
    assert len({fingerprint("a", 1, {}), fingerprint("a", 2, {}), fingerprint("b", 1, {})}) == 3


def test_a_fingerprint_is_the_same_in_every_process_and_release() -> None:
    """If this fails, every lake is computed anew: raise SCHEME on purpose, never by accident."""
    assert fingerprint("documents", 1, {"b": [1, 2.5, None], "a": "é"}) == "3315f53e0b262c72"


def test_a_value_without_a_single_spelling_is_refused() -> None:
    with pytest.raises(ValueError):
        fingerprint("s", 1, {"x": float("nan")})


@pytest.mark.parametrize(
    "change",
    [
        {"schedule": "0 6 * * *"},
        {"sources": [{"name": "web", "format": "warc", "path": "/elsewhere/{partition}/*.warc.gz"}]},
    ],
)
def test_moving_or_rescheduling_a_recipe_recomputes_nothing(change: dict[str, Any]) -> None:
    assert of(change) == of({})


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"description": "which the card of the release repeats"},
        {"interval": {"start": "2025-11-03", "end": "2025-11-09"}},
        {"select": {"drop": {"too_short": "text_chars < 10"}}},
        {"select": {"duplicates": {"similarity": 0.7}}},
        {"select": {"duplicates": None}},
        {"release": {"seed": 1}},
        {"release": {"weights": {"web": 2}}},
        {"sources": [{"name": "web", "format": "warc", "path": "a/{partition}/*.warc.gz", "license": "MIT"}]},
        {"annotate": {"datatrove": [{"filter": "C4QualityFilter", "column": "c4"}]}},
    ],
)
def test_a_change_of_what_is_computed_changes_the_fingerprint(change: dict[str, Any]) -> None:
    assert of(change) != of({})
