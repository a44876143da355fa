"""The columns of the rules: whose tokens they count."""

import pyarrow as pa
import pytest

from curation.annotate.rules import rules
from curation.recipe import Annotate

GERMAN = pa.record_batch([pa.array(["Die S-Bahn fährt am 3. Mai ggf. zum E-Werk."])], names=["text"])


def ratio(language: str) -> float:
    return rules(language).annotate(GERMAN)["alphabetic_ratio"][0].as_py()


def test_a_recipe_may_say_whose_tokens_are_counted():
    assert ratio("de") == 8 / 10  # `3.` and the last full stop have no letter
    assert ratio("en") == 10 / 16  # both hyphens, and three full stops, are tokens too


def test_columns_of_another_convention_are_other_columns_and_of_the_same_the_same():
    assert rules("de").settings != rules().settings
    assert rules("it").settings == rules("en").settings == rules().settings


@pytest.mark.parametrize(("asked", "language"), [(True, "en"), ({}, "en"), ({"language": "de"}, "de")])
def test_true_is_english(asked: object, language: str):
    found = Annotate.model_validate({"rules": asked}).rules
    assert found is not None
    assert found.language == language


def test_false_is_none():
    assert Annotate.model_validate({"rules": False}).rules is None


def test_a_language_that_was_not_held_against_spacy_is_refused_with_those_that_were():
    with pytest.raises(ValueError, match=r"ca, de, en, .* not as in 'xx': leave `language` out"):
        Annotate.model_validate({"rules": {"language": "xx"}})
