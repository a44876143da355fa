"""What changes bytes changes the fingerprint; what does not, does not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.fingerprint import LEFT_OUT, canonical, fingerprint

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(
    lambda name: name not in LEFT_OUT
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
settings = st.dictionaries(names, values, max_size=4)


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
def test_what_is_left_out_does_not_count(asked: dict[str, Any], key: str, value: Any) -> None:
    assert fingerprint("s", 1, {**asked, key: value}) == fingerprint("s", 1, asked)


def test_a_setting_of_a_filter_that_is_called_path_counts() -> None:
    one, other = ({"filter": {"settings": {"path": path}}} for path in ("a", "b"))
    assert fingerprint("s", 1, one) != fingerprint("s", 1, other)


def test_stage_and_version_count() -> None:
    assert len({fingerprint("a", 1, {}), fingerprint("a", 2, {}), fingerprint("b", 1, {})}) == 3


def test_a_fingerprint_is_the_same_in_every_process_and_release() -> None:
    """If this fails, every lake is computed anew: raise SCHEME on purpose, never by accident."""
    assert fingerprint("documents", 1, {"b": [1, 2.5, None], "a": "é"}) == "3315f53e0b262c72"


def test_a_value_without_a_single_spelling_is_refused() -> None:
    with pytest.raises(ValueError):
        fingerprint("s", 1, {"x": float("nan")})
