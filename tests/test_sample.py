"""The sample that ships: whole, all of it licensed, and read by a recipe that loads."""

import io
import json
from pathlib import Path

import pytest
import yaml
import zstandard
from fastwarc.warc import ArchiveIterator, WarcRecordType

import curation
from curation.recipe import Recipe, Source

PACKAGE = Path(curation.__file__).parent
SAMPLE = PACKAGE / "sample"
NOTICE = PACKAGE.parent / "NOTICE"


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return Recipe.model_validate(yaml.safe_load((PACKAGE / "recipes" / "sample.yaml").read_text()))


def archives(source: Source, partition: str) -> list[Path]:
    folder, pattern = (PACKAGE / "recipes" / source.path.format(partition=partition)).parent, source.path
    return sorted(folder.glob(pattern.rsplit("/", 1)[-1]))


def urls(archive: Path) -> list[str]:
    with archive.open("rb") as file:
        return [
            record.headers["WARC-Target-URI"]
            for record in ArchiveIterator(file, record_types=WarcRecordType.response)
        ]


def posts() -> list[dict[str, str | None]]:
    with (SAMPLE / "18f-blog.jsonl.zst").open("rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        return [json.loads(line) for line in lines]


def test_every_day_of_the_recipe_has_an_archive_and_the_five_hold_224_pages(recipe: Recipe) -> None:
    web = next(s for s in recipe.sources if s.timed)
    found = {day: archives(web, day) for day in recipe.partitions(web)}
    assert len(found) == 5
    assert all(found.values()), found
    assert sum(len(urls(a)) for day in found.values() for a in day) == 224


def test_no_archive_of_the_sample_lies_outside_the_recipes_interval(recipe: Recipe) -> None:
    web = next(s for s in recipe.sources if s.timed)
    asked = {a.resolve() for day in recipe.partitions(web) for a in archives(web, day)}
    assert asked == {a.resolve() for a in SAMPLE.rglob("*.warc*")}


def test_every_page_has_a_licence_and_no_licence_is_for_nothing(recipe: Recipe) -> None:
    web = next(s for s in recipe.sources if s.timed)
    assert isinstance(web.license, dict)
    pages = [u for day in recipe.partitions(web) for a in archives(web, day) for u in urls(a)]
    used = {prefix: sum(u.startswith(prefix) for u in pages) for prefix in web.license}
    assert sum(used.values()) == len(pages), [u for u in pages if not u.startswith(tuple(web.license))]
    assert all(used.values()), used
    assert sorted(used.values()) == [42, 182]


def test_the_posts_have_the_fields_that_the_recipe_maps(recipe: Recipe) -> None:
    blog = next(s for s in recipe.sources if s.format == "jsonl")
    rows = posts()
    assert len(rows) == 381
    wanted = [blog.columns.text, blog.columns.id, blog.columns.license, *blog.columns.metadata]
    assert all(row[str(name)] for row in rows for name in wanted)
    assert len({row[str(blog.columns.id)] for row in rows}) == len(rows)
    assert {row[str(blog.columns.license)] for row in rows} == {"US Government work / CC0"}


def test_notice_names_every_licence_and_folder_of_what_ships(recipe: Recipe) -> None:
    notice = NOTICE.read_text()
    web = next(s for s in recipe.sources if s.timed)
    assert isinstance(web.license, dict)
    for prefix in web.license:
        assert prefix in notice
    for name in (
        "CC-BY-SA-3.0 or GPL-2.0-or-later",
        "PSF-2.0",
        "CC0-1.0",
        "LICENSE-PSF-2.0.txt",
        "lid.176.ftz",
    ):
        assert name in notice, name
    assert "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2" in (SAMPLE / "LICENSE-PSF-2.0.txt").read_text()


def test_a_shard_of_the_release_is_small_enough_that_the_sample_gives_several(recipe: Recipe) -> None:
    text_bytes = sum(len(str(p["text"]).encode()) for p in posts())
    assert text_bytes > 2 * recipe.release.shard_bytes
