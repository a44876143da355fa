"""A recipe that is wrong is refused with file, line, value and remedy."""

from pathlib import Path

import pytest

from curation import plan, recipe_file
from curation.errors import RecipeError
from curation.recipe import Judge

GOOD = """\
name: small
interval: {start: 2025-11-03, end: 2025-11-05}
sources:
  - name: web
    format: warc
    path: crawl/{partition}/*.warc.gz
  - name: posts
    format: jsonl
    path: s3://bucket/posts.jsonl
select:
  duplicates:
    similarity: 0.8
"""


def refused(tmp_path: Path, text: str) -> str:
    file = tmp_path / "recipe.yaml"
    file.write_text(text)
    with pytest.raises(RecipeError) as caught:
        recipe_file.load(file)
    return str(caught.value).removeprefix(str(tmp_path))


def test_relative_paths_are_relative_to_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(GOOD)
    recipe = recipe_file.load(tmp_path / "recipe.yaml")
    assert recipe.sources[0].path == f"{tmp_path}/crawl/{{partition}}/*.warc.gz"
    assert recipe.sources[1].path == "s3://bucket/posts.jsonl"
    assert recipe.partitions(recipe.sources[0]) == ("2025-11-03", "2025-11-04")
    assert recipe.partitions(recipe.sources[1]) == ("all",)


def test_the_folder_of_evaluation_sets_is_relative_to_the_recipe(tmp_path: Path) -> None:
    sets = "annotate: {decontaminate: {path: ../sets}}\n"
    folder = tmp_path / "[recipes]"
    folder.mkdir()
    (folder / "recipe.yaml").write_text(GOOD + sets)
    asked = recipe_file.load(folder / "recipe.yaml").annotate.decontaminate
    assert asked is not None
    assert asked.path == f"{tmp_path}/sets"
    assert asked.ngram_words == 13


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("similarity: 0.8", "similarity: 1.8"), "/recipe.yaml:12: `select.duplicates.similarity` is 1.8"),
        (
            ("similarity: 0.8", "similarty: 0.8"),
            "12: `select.duplicates.similarty` is no setting; the nearest is `similarity`",
        ),
        (("    format: jsonl\n", ""), "7: `sources.1.format` is missing"),
        (("format: warc", "format: wrc"), "5: `sources.0.format` is 'wrc'"),
        (("name: posts", "name: web"), "two sources are called 'web'"),
        (("end: 2025-11-05", "end: 2025-11-03"), "2: `interval`"),
        (("name: small", "name: small\nname: large"), "2: `name` is set twice, first on line 1"),
        (("name: small", "name: [small"), "not YAML"),
        (("name: small", "name: Not A Name"), "1: `name` is 'Not A Name'"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_remedy(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    assert message in refused(tmp_path, GOOD.replace(*change))


def test_the_classifiers_column_is_named_by_the_rubric_and_a_mistake_beside_it_is_told_alone(
    tmp_path: Path,
) -> None:
    """A column called educational beside a rubric of several properties would say what it is not."""
    assert (Judge().column, Judge(rubric="properties").column) == ("educational_score", "properties_score")
    assert Judge(rubric="properties", column="worth").column == "worth"
    told = refused(tmp_path, GOOD + "judge: {rubric: properties, sample: 1}\n")
    assert "`judge.sample` is 1" in told
    assert len(told.splitlines()) == 1


def test_something_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    assert "a recipe is a mapping" in refused(tmp_path, "- 1\n")
    assert "a recipe is a mapping" in refused(tmp_path, "")


def test_an_override_takes_the_place_of_what_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(GOOD)
    overrides = {"select.duplicates.similarity": 0.7, "release.seed": 3}
    recipe = recipe_file.load(tmp_path / "recipe.yaml", overrides)
    assert recipe.select.duplicates is not None
    assert recipe.select.duplicates.similarity == 0.7
    assert recipe.release.seed == 3


def test_a_name_that_is_neither_file_nor_shipped_lists_what_ships() -> None:
    with pytest.raises(RecipeError, match="sample"):
        recipe_file.load("no-such-recipe")


def test_a_folder_whose_name_looks_like_a_pattern_is_a_folder(tmp_path: Path) -> None:
    for folder in ("a [x-y]*", "b"):
        (tmp_path / folder / "recipes").mkdir(parents=True)
        (tmp_path / folder / "posts.jsonl").touch()
        file = tmp_path / folder / "recipes" / "recipe.yaml"
        file.write_text(GOOD.replace("s3://bucket/posts.jsonl", "../*.jsonl"))
        prefix, found = plan.source_files(recipe_file.load(file).sources[1], "all")
        assert [uri.removeprefix(prefix) for uri, _ in found] == ["posts.jsonl"]


def test_a_file_uri_is_the_path_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(GOOD.replace("s3://bucket/", f"file://{tmp_path}/data/"))
    assert recipe_file.load(tmp_path / "recipe.yaml").sources[1].path == f"{tmp_path}/data/posts.jsonl"


@pytest.mark.parametrize("data", [GOOD.encode() + b"description: caf\xe9\n", b"name: a\x01b\n"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "recipe.yaml").write_bytes(data)
    with pytest.raises(RecipeError, match="cannot be read as YAML"):
        recipe_file.load(tmp_path / "recipe.yaml")


def test_a_mistake_of_the_whole_recipe_does_not_repeat_the_recipe(tmp_path: Path) -> None:
    assert "crawl/" not in refused(tmp_path, GOOD.replace("name: posts", "name: web"))
