from curation.recipe import Recipe
from curation.recipe_file import load
from curation_airflow import forms


def small() -> Recipe:
    source = {"name": "web", "format": "jsonl", "path": "{partition}.jsonl"}
    interval = {"start": "2025-11-03", "end": "2025-11-04"}
    return Recipe.model_validate({"name": "small", "interval": interval, "sources": [source]})


def test_a_field_begins_with_what_the_recipe_says():
    recipe = load("sample")
    made = forms.params(recipe, forms.RELEASE + forms.PRETRAIN)
    assert made["near_duplicate_similarity"].value == recipe.select.duplicates.similarity
    assert made["learning_rate"].value == recipe.pretrain.learning_rate


def test_stages_that_are_left_out_have_no_fields():
    made = forms.params(small(), forms.RELEASE + forms.PRETRAIN)
    assert set(made) == {"near_duplicate_similarity", "shard_bytes", "order_seed"}


def test_what_a_form_gives_is_what_the_recipe_takes():
    given = {"near_duplicate_similarity": 0.6, "judge_sample": 50, "order_seed": 7, "unknown": 1}
    recipe = load("sample", forms.overrides(forms.RELEASE, given))
    assert recipe.select.duplicates.similarity == 0.6
    assert recipe.judge.sample == 50
    assert recipe.release.seed == 7


def test_an_untouched_form_changes_nothing():
    recipe = load("sample")
    for fields in (forms.RELEASE, forms.PRETRAIN):
        given = {name: param.value for name, param in forms.params(recipe, fields).items()}
        assert load("sample", forms.overrides(fields, given)) == recipe
