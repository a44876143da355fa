"""What `curation gc` says of a lake is so, and what it removes nobody misses."""

import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from curation import gc, layout, needs, pipeline, storage
from curation.claude import stand_in
from curation.errors import LakeError
from curation.explain import explain
from curation.gc import Usage
from curation.needs import SAFE_SECONDS, standing
from curation.pipeline import Job
from curation.storage import Stored
from tests.sample import finish, ingest
from tests.storage.test_lake import write_source

LATER = 2 * SAFE_SECONDS  # from now on: then nothing that a test writes is young
OLD, YOUNG = 1.0, 900_000.0
NOW = YOUNG + 60

PROSE = "The bridge was built by the people of the town, and it is still used by them every day of the year. "


def state(job: Job) -> dict[str, int]:
    """Every file of the lake but the ledger, and when it was written."""
    files = (path for path in Path(job.lake.root).rglob("*") if path.is_file() and "ledger" not in path.name)
    return {str(path): path.stat().st_mtime_ns for path in files}


def survey(*jobs: Job, later: float = LATER) -> dict[str, Usage]:
    rows = gc.survey(jobs[0].lake, [job.recipe for job in jobs], time.time() + later)
    return {row.name: row for row in rows}


def may_go(rows: dict[str, Usage]) -> set[str]:
    """The kinds of folders all files of which may go."""
    return {name.split("/")[0] for name, row in rows.items() if len(row.garbage) == row.files}


def run(job: Job, server: stand_in.StandIn) -> tuple[bool, int]:
    """The whole way; whether a release was written, and how many requests were sent."""
    for day in (*job.recipe.interval.days, None):
        ingest(job, day)
    released, sent = finish(job, server) if job.recipe.judge else (pipeline.release(job), 0)
    return released.new, sent


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory, server: stand_in.StandIn) -> tuple[Job, Job]:
    """A lake in which a recipe was run, then with another threshold and other signatures; both jobs."""
    folder = tmp_path_factory.mktemp("gc")
    file, lake = write_source(folder / "source"), str(folder / "a lake")
    changed = {"select.drop.too_few_words": "word_count < 30", "select.duplicates": {"hashes": 64}}
    before, after = pipeline.open_job(file, lake), pipeline.open_job(file, lake, changed)
    for job in (before, after):
        assert run(job, server)[0]
    return before, after


def test_a_look_changes_nothing_and_names_every_byte(twice: tuple[Job, Job]) -> None:
    before, after = twice
    files = state(after)
    rows = survey(before, after)
    assert state(after) == files
    paths = [path for path in Path(after.lake.root).rglob("*") if path.is_file()]
    assert sum(row.files for row in rows.values()) == len(paths)
    assert sum(row.bytes for row in rows.values()) == sum(path.stat().st_size for path in paths)
    for row in rows.values():
        assert row.always or row.needed_by == {"small"}, row


def test_what_one_of_two_recipes_needs_stays(twice: tuple[Job, Job]) -> None:
    garbage = {file.uri for row in survey(*twice).values() for file in row.garbage}
    assert garbage == set(map(str, Path(twice[0].lake.root).glob("index/*/*/manifest-000001.json")))


def test_what_a_changed_recipe_leaves_behind_is_found_and_nothing_else(twice: tuple[Job, Job]) -> None:
    _, after = twice
    rows = survey(after)
    kinds = {"annotations", "bands", "classifiers", "decisions", "documents", "index", "judgments"}
    assert may_go(rows) <= kinds
    assert {"bands", "index", "decisions", "annotations"} <= may_go(rows)
    (web,) = (row for name, row in rows.items() if name.startswith("documents/web-"))
    assert web.needed_by == {"small"}
    assert not web.garbage
    for name, row in rows.items():
        if name.split("/")[0] in ("releases", "answers", "ledger.sqlite"):
            assert row.always, name
            assert not row.garbage


def test_the_young_stays_even_if_no_recipe_needs_it(twice: tuple[Job, Job]) -> None:
    _, after = twice
    rows = survey(after, later=0)
    assert not any(row.garbage for row in rows.values())
    needless = sum(row.files for name, row in survey(after).items() if len(row.garbage) == row.files)
    assert sum(row.young for row in rows.values()) >= needless > 0


def copy(job: Job, to: Path) -> Job:
    shutil.copytree(job.lake.root, to, copy_function=shutil.copy2)
    made = layout.Layout(str(to))
    return Job(job.recipe, made, made.ledger)


def test_after_the_removal_a_run_has_nothing_to_do_and_every_question_is_answered(
    twice: tuple[Job, Job], server: stand_in.StandIn, tmp_path: Path
) -> None:
    before, after = (copy(job, tmp_path / f"lake {n}") for n, job in enumerate(twice))
    rows = survey(after)
    listed = {file.uri for row in rows.values() for file in row.garbage}
    removed = gc.remove(after.lake, list(rows.values()))
    assert {file.uri for file in removed} == listed
    left = state(after)
    assert not listed & left.keys()
    assert not any(row.garbage or row.young for row in survey(after).values())
    for name, row in rows.items():
        assert (Path(after.lake.root) / name).exists() == (len(row.garbage) < row.files), name
    assert run(after, server) == (False, 0)
    written = {path for path, at in state(after).items() if left.get(path) != at}
    assert {Path(path).parent.name for path in written} <= {"plans"}  # a run says what it is about to do
    looking = Job(after.recipe, after.lake, after.ledger_at, look_only=True)
    decided = pl.concat([pl.read_parquet(uri) for uri in pipeline.decided(looking).part_uris()])
    released = pipeline.already_released(looking)
    assert released is not None
    for id_ in (decided.filter("kept")["id"][0], decided.filter(source="synthetic")["id"][0]):
        assert explain(looking, id_).document["id"] == id_
    assert explain(looking, decided.filter("kept")["id"][0]).shards
    # The recipe as it was gives what it gave, from the answers that were paid for.
    released, sent = finish_again(before, after, server)
    assert sent == 0
    assert not released.new
    assert released.manifest == pipeline.release(before).manifest


def finish_again(before: Job, after: Job, server: stand_in.StandIn) -> tuple[Any, int]:
    job = Job(before.recipe, after.lake, after.ledger_at)
    for day in (*job.recipe.interval.days, None):
        ingest(job, day)
    return finish(job, server)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.8])
def test_killed_midway_the_removal_leaves_a_lake_that_a_run_can_use(
    twice: tuple[Job, Job],
    server: stand_in.StandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    share: float,
) -> None:
    before, after = (copy(job, tmp_path / f"lake {n}") for n, job in enumerate(twice))
    rows = survey(after)
    remove, left = storage.remove, int(share * sum(len(row.garbage) for row in rows.values()))

    def killed(files: Iterable[Stored]) -> list[Stored]:
        nonlocal left
        gone = remove(list(files)[:left])
        left -= len(gone)
        if not left:
            raise KeyboardInterrupt
        return gone

    monkeypatch.setattr(storage, "remove", killed)
    with pytest.raises(KeyboardInterrupt):
        gc.remove(after.lake, list(rows.values()))
    monkeypatch.setattr(storage, "remove", remove)
    assert run(after, server) == (False, 0)
    released, sent = finish_again(before, after, server)
    assert sent == 0
    assert not released.new


@pytest.fixture
def crawl(tmp_path: Path) -> Callable[..., Job]:
    """A job on a source of its own with the files that are asked for."""

    def job(files: dict[str, int], **recipe: Any) -> Job:
        folder = tmp_path / "crawl"
        shutil.rmtree(folder, ignore_errors=True)
        for name, first in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            lines = [f'{{"text": "{n}. {PROSE * (1 + n % 3)}"}}' for n in range(first, first + 10)]
            (folder / name).write_text("\n".join(lines))
        said = {
            "name": "web",
            "interval": {"start": "2025-11-03", "end": "2025-11-05"},
            "sources": [{"name": "web", "format": "jsonl", "path": str(folder / "{partition}" / "*.jsonl")}],
            "annotate": {"language": False},
            **recipe,
        }
        (tmp_path / "web.yaml").write_text(yaml.safe_dump(said))
        return pipeline.open_job(tmp_path / "web.yaml", str(tmp_path / "lake"))

    return job


DAYS = {"2025-11-03/a.jsonl": 0, "2025-11-04/a.jsonl": 100}


def decide(job: Job) -> None:
    for day in job.recipe.interval.days:
        ingest(job, day)
    pipeline.release(job)


def test_of_superseded_generations_what_nothing_reads_goes_and_decisions_stay(
    crawl: Callable[..., Job],
) -> None:
    decide(crawl(DAYS))
    late = crawl({**DAYS, "2025-11-03/b.jsonl": 50})
    decide(late)
    (documents,) = Path(late.lake.root).glob("documents/*/2025-11-03")
    assert not any(row.garbage for row in survey(late, later=SAFE_SECONDS - 600).values())
    rows = survey(late)
    gone = {file.uri.removeprefix(f"{documents}/") for row in rows.values() for file in row.garbage}
    assert "manifest-000001.json" in gone
    assert "manifest-000002.json" not in gone
    assert not rows[next(name for name in rows if name.startswith("decisions"))].garbage
    assert not rows[next(name for name in rows if name.startswith("bands"))].garbage  # the next set may ask
    gc.remove(late.lake, list(rows.values()))
    assert len(list(documents.glob("part-*"))) == 1
    assert len(list((documents / "records").iterdir())) == 1
    left = state(late)
    decide(late)
    assert {Path(path).parent.name for path, at in state(late).items() if left.get(path) != at} == {"plans"}
    # The archive goes again, and with it what is known of the day with it: the set as it was, once more.
    decide(crawl(DAYS))
    assert pipeline.already_released(crawl(DAYS)) is not None


def test_decisions_that_a_release_is_made_of_stay_as_long_as_their_recipe(
    crawl: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needs, "NEAREST_OF", 1)
    decide(crawl(DAYS))
    job = crawl({**DAYS, "2025-11-03/b.jsonl": 50})
    decide(job)

    def gone(kind: str) -> set[str]:
        row = next(row for name, row in survey(job).items() if name.startswith(f"{kind}/"))
        return {Path(file.uri).name.split("-")[0] for file in row.garbage}

    assert gone("bands") == {"manifest", "keys", "members"}  # no set goes from the first decisions any more
    assert gone("decisions") == set()
    first = min(Path(job.lake.releases).glob("web/*/manifest.json"), key=lambda path: path.stat().st_mtime)
    first.unlink()
    assert gone("decisions") == {"manifest", "part"}


def test_a_day_that_the_recipe_no_longer_asks_for_goes(crawl: Callable[..., Job]) -> None:
    decide(crawl(DAYS))
    shorter = crawl(DAYS, interval={"start": "2025-11-04", "end": "2025-11-05"})
    decide(shorter)
    gc.remove(shorter.lake, list(survey(shorter).values()))
    left = {path.name for path in Path(shorter.lake.root).glob("documents/*/*")}
    assert left == {"2025-11-04", "source.txt"}
    # The keys of the day that went say what it was kept for, should the next set be decided from that one.
    assert len(list(Path(shorter.lake.root).glob("bands/*/*/*"))) == 2
    assert pipeline.already_released(shorter) is not None


def test_what_a_killed_process_leaves_goes_once_it_is_old(crawl: Callable[..., Job]) -> None:
    job = crawl(DAYS)
    decide(job)
    (day,) = Path(job.lake.root).glob("documents/*/2025-11-03")
    left = [
        day / ".scratch-abc" / "part.parquet",
        day / "records" / ".scratch-def" / "file",
        day / f"part-{'0' * 32}.parquet",
        day / f".manifest-000002.json-{'0' * 32}",
        Path(job.lake.releases) / "web" / "0" / "data" / ".scratch-ghi" / "0.arrow",
    ]
    kept = [day / "notes.txt", Path(job.lake.releases) / "web" / "0" / "data" / "train-00000.parquet"]
    for path in (*left, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"unfinished")
    assert not any(row.garbage for row in survey(job, later=0).values())
    rows = survey(job)
    assert {file.uri for row in rows.values() for file in row.garbage} == set(map(str, left))
    gc.remove(job.lake, list(rows.values()))
    assert not any(path.exists() or ("scratch" in str(path) and path.parent.exists()) for path in left)
    assert all(path.exists() for path in kept)


def test_a_file_written_anew_since_it_was_listed_stays(crawl: Callable[..., Job]) -> None:
    job = crawl(DAYS)
    decide(job)
    (day,) = Path(job.lake.root).glob("documents/*/2025-11-03")
    loose = day / f"part-{'0' * 32}.parquet"
    loose.write_bytes(b"by a run that was killed")
    rows = survey(job)
    os.utime(loose, (time.time() + 60,) * 2)
    assert gc.remove(job.lake, list(rows.values())) == []
    assert loose.exists()


def test_a_recipe_that_was_never_run_here_is_refused(crawl: Callable[..., Job]) -> None:
    job = crawl(DAYS)
    decide(job)
    other = crawl(DAYS, sources=[{"name": "other", "format": "jsonl", "path": "nowhere/*.jsonl"}])
    with pytest.raises(LakeError, match="holds nothing that recipe web makes"):
        survey(job, other)
    with pytest.raises(LakeError, match="holds no files"):
        gc.survey(layout.Layout(job.lake.root + " else"), [job.recipe], NOW)


def test_a_recipe_with_releases_that_is_not_named_is_said(crawl: Callable[..., Job]) -> None:
    job = crawl(DAYS)
    decide(job)
    assert gc.not_named(job.lake, [job.recipe]) == []
    assert gc.not_named(job.lake, []) == ["web"]


# What decides, by itself


@pytest.mark.parametrize(
    ("times", "count", "stays"),
    [
        ([OLD, OLD, OLD], 1, {3}),
        ([OLD, OLD, YOUNG], 1, {2, 3}),  # the second was read until the third came
        ([OLD, YOUNG, YOUNG], 1, {1, 2, 3}),
        ([YOUNG, YOUNG, YOUNG], 1, {1, 2, 3}),
        ([OLD, OLD, OLD], 2, {2, 3}),
        ([OLD, OLD, OLD, YOUNG], 2, {2, 3, 4}),
    ],
)
def test_a_generation_stays_until_the_next_is_old(times: list[float], count: int, stays: set[int]) -> None:
    at = {f"lake/index/x/manifest-{n:06}.json": time for n, time in enumerate(times, start=1)}
    kept = standing(list(at), at, NOW, count)
    assert {int(uri[-11:-5]) for uri in kept} == stays


FOLDER = "lake/documents/web-x/2025-11-03"
FIRST, SECOND = (f"{FOLDER}/manifest-00000{n}.json" for n in (1, 2))
PARTS = {name: f"{FOLDER}/part-{name * 32}.parquet" for name in "abc"}
RECORD, PLAN = f"{FOLDER}/records/k.json", f"{FOLDER}/plans/k.json"


def swept(files: dict[str, float], named: dict[str, str], read: frozenset[str] = frozenset()) -> set[str]:
    listed = [Stored(uri, 1, at) for uri, at in files.items()]
    says = {uri: frozenset(PARTS[name] for name in named.get(uri, "")) for uri in files}
    return {file.uri for file in gc.sweep(listed, says, read, NOW)}


def test_a_part_that_a_record_alone_names_is_work_under_way() -> None:
    files = dict.fromkeys([FIRST, PARTS["a"], PARTS["b"], PARTS["c"], RECORD], OLD)
    assert swept(files, {FIRST: "a", RECORD: "b"}) == {PARTS["c"]}


def test_the_record_of_a_superseded_part_goes_with_it_and_its_plan() -> None:
    files = dict.fromkeys([FIRST, SECOND, PARTS["a"], PARTS["b"], RECORD, PLAN], OLD)
    named = {FIRST: "a", SECOND: "b", RECORD: "a"}
    assert swept(files, named) == {FIRST, PARTS["a"], RECORD, PLAN}
    assert swept(files, {**named, SECOND: "ab"}) == {FIRST}  # the next generation holds it too
    assert swept(files, named, frozenset({FIRST})) == set()  # something reads the first
    assert swept({**files, SECOND: YOUNG}, named) == set()  # something may


def test_what_a_run_has_just_planned_stays() -> None:
    files = dict.fromkeys([FIRST, SECOND, PARTS["a"], PARTS["b"], RECORD], OLD) | {PLAN: YOUNG}
    assert swept(files, {FIRST: "a", SECOND: "b", RECORD: "a"}) == {FIRST}
