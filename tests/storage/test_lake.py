"""The main job with its lake on S3 gives the bytes that it gives on a local disk."""

import time
from pathlib import Path

import pytest

from curation import gc, pipeline, recipe_file, storage
from curation.claude import stand_in
from curation.errors import RecipeError
from curation.layout import Layout
from curation.pipeline import Job
from curation.release import Released
from tests.sample import finish, ingest

SMALL = """\
name: small
interval: {{start: 2025-11-03, end: 2025-11-05}}
sources:
  - name: web
    format: jsonl
    path: {folder}/{{partition}}/*.jsonl
    columns: {{id: id}}
select:
  drop: {{too_few_words: word_count < 20}}
judge: {{sample: 40}}
synthesize: {{sample: 5, permission: "extracts, for a test"}}
release: {{shard_bytes: 20000}}
"""


def write_source(folder: Path) -> Path:
    """Two days of short English texts, some of them too short, one of them on both days."""
    for day, first in (("2025-11-03", 0), ("2025-11-04", 40)):
        (folder / day).mkdir(parents=True)
        lines = [f'{{"id": "{n}", "text": "{text(n)}"}}' for n in range(first, first + 41)]
        (folder / day / "part.jsonl").write_text("\n".join(lines))
    (folder / "small.yaml").write_text(SMALL.format(folder=folder))
    return folder / "small.yaml"


def text(n: int) -> str:
    """Of odd numbers prose, of even ones a list of links; the 40th comes on both days."""
    if n % 10 == 9:
        return "Too short."
    if n % 2:
        return " ".join(
            f"In the year {n}{i} the people of town {n * i} built a bridge over river {i}, and they use it."
            for i in range(1, 9)
        )
    return " | ".join(f"Link{n}x{i} Menu{i} Login{n}" for i in range(1, 15))


def release(lake: str, recipe: Path, ledger: Path, server: stand_in.StandIn) -> Released:
    job = pipeline.open_job(recipe, lake, ledger=str(ledger))
    for day in job.recipe.interval.days:
        ingest(job, day)
    released, _ = finish(job, server)
    assert not pipeline.release(job).new
    return released


def test_a_lake_on_s3_and_one_on_disk_give_the_same_release(
    s3: str, tmp_path: Path, server: stand_in.StandIn
) -> None:
    recipe = write_source(tmp_path / "source")
    here = release(str(tmp_path / "lake"), recipe, tmp_path / "here.sqlite", server)
    there = release(f"{s3}/lake", recipe, tmp_path / "there.sqlite", server)
    assert here.manifest == there.manifest
    assert here.manifest.dropped["too_few_words"] == 8
    assert here.manifest.dropped["duplicate_id"] == 1
    for file in here.manifest.parts:
        assert storage.digest(storage.join(there.uri, file.name)) == file.digest


def _released(job: Job) -> Released:
    for day in job.recipe.interval.days:
        ingest(job, day)
    return pipeline.release(job)


def usage(lake: str, recipe: Path) -> list[gc.Usage]:
    """As of two days from now. Of a lake with changed bands nobody needs the present ones."""
    changed = recipe_file.load(recipe, {"select.duplicates": {"hashes": 64}})
    return gc.survey(Layout(lake), [changed], time.time() + 2 * 24 * 3600)


def test_garbage_of_a_lake_on_s3_is_that_of_one_on_disk_and_goes(s3: str, tmp_path: Path) -> None:
    recipe = write_source(tmp_path / "source")
    file = recipe.read_text().replace("judge:", "# judge:").replace("synthesize:", "# synthesize:")
    recipe.write_text(file)
    found = []
    for lake in (str(tmp_path / "lake"), f"{s3}/lake"):
        job = pipeline.open_job(recipe, lake, ledger=str(tmp_path / "ledger.sqlite"))
        released = _released(job)
        rows = usage(lake, recipe)
        found.append([(row.name, row.files, row.bytes, row.needed_by, len(row.garbage)) for row in rows])
        removed = gc.remove(Layout(lake), rows)
        assert len(removed) == sum(len(row.garbage) for row in rows)
        assert not any(row.garbage for row in usage(lake, recipe))
        assert storage.files(storage.join(lake, "bands")) == []
        again = _released(job)
        assert not again.new
        assert again.manifest == released.manifest
    assert found[0] == found[1]
    assert {name.split("/")[0] for name, files, _, _, garbage in found[0] if garbage == files} == {
        "annotations", "bands", "decisions", "index",
    }  # fmt: skip


def test_a_lake_on_s3_without_a_ledger_is_refused(s3: str, tmp_path: Path) -> None:
    recipe = write_source(tmp_path / "source")
    with pytest.raises(RecipeError, match="ledger"):
        pipeline.open_job(recipe, f"{s3}/lake")
