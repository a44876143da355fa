"""A recipe that judges in rounds: asked is what is new, a loop goes on where it was, and it ends in time."""

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from curation import asking, gc, pipeline, run, stage
from curation.claude import direct, stand_in
from curation.claude.client import Connection
from curation.claude.drive import Asked, reservation
from curation.claude.run import run as ask
from curation.errors import NotPublished
from curation.explain import explain
from curation.forecast import forecast
from curation.judge import classifier, judgments, relabel, rounds
from curation.layout import Layout
from curation.needs import SAFE_SECONDS
from curation.pipeline import Job
from curation.recipe import Budget
from tests import sample
from tests.storage.test_lake import write_source

PRICED = "offline-rules-1-priced"
ASKED = {"judge.sample": 30, "judge.round": 10, "judge.rounds": 5, "synthesize": None}


def silent(step: str, done: int, total: int) -> None:
    pass


def open_(folder: Path, lake: str = "lake", **overrides: object) -> Job:
    said = {**ASKED, **{name.replace("_", "."): value for name, value in overrides.items()}}
    return pipeline.open_job(folder / "small.yaml", str(folder / lake), said)


@pytest.fixture(scope="module", autouse=True)
def few_can_tell():
    """So that small rounds end: six documents are held out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relabel, "HELD_OUT_MIN", 1)
        yield


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with archives and a recipe, and a lake with its facts alone."""
    folder = tmp_path_factory.mktemp("rounds")
    write_source(folder)
    job = open_(folder)
    for day in job.recipe.interval.days:
        sample.ingest(job, day)
    return folder


@pytest.fixture(scope="module")
def finished(source: Path) -> Job:
    """The job of a lake in which the recipe was run, by the command."""
    shutil.copytree(source / "lake", source / "finished")
    job = open_(source, "finished")
    told = run.run(job, silent, 1)
    assert told.sent == 30 + 10 + 10 + 3 * canaries(job)
    return job


@pytest.fixture
def fresh(source: Path, tmp_path: Path) -> Callable[..., Job]:
    """fresh(setting=value): the job, in a copy of the lake with the facts alone."""
    shutil.copytree(source / "lake", tmp_path / "lake", dirs_exist_ok=True)

    def make(**overrides: object) -> Job:
        job = open_(source, **overrides)
        lake = Layout(str(tmp_path / "lake"))
        return Job(job.recipe, lake, lake.ledger)

    return make


def canaries(job: Job) -> int:
    from curation.judge import canaries

    return len(canaries.load(job.judge.rubric))


def judge(job: Job, number: int, server: stand_in.StandIn) -> int:
    """Ask what a round asks; how many requests were sent."""
    client = Connection("no-key", server.url).client()
    return ask(client, job.ledger, pipeline.judge_requests(job, number), job.lake.answers).sent


def files(root: str, *kinds: str) -> dict[str, bytes]:
    folder = Path(root)
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for kind in kinds
        for path in folder.glob(f"{kind}/**/*")
        if path.is_file()
    }


def digests(job: Job) -> list[list[str]]:
    return [rounds.column_of([taught.judgments], "digest") for taught in pipeline.taught(job)]


def test_each_round_judges_what_is_new_and_the_loop_ends_where_nothing_is_gained(finished: Job) -> None:
    done = pipeline.taught(finished)
    every = [digest for judged in digests(finished) for digest in judged]
    assert [len(judged) for judged in digests(finished)] == [30, 10, 10]
    assert len(set(every)) == 50
    details = done[-1].classifier.manifest.details
    assert details["stop"] == "no_gain"  # the texts are told apart by any classifier
    assert [row["judged"] for row in details["rounds"]] == [30, 40, 50]
    report = classifier.read_report(done[-1].classifier)
    last, overall = report["rounds"][-1], report["figures"]["classifier"]["overall"]
    assert {name: last[name] for name in overall} == overall
    assert "rounds" not in done[0].classifier.manifest.details
    card = Path(done[-1].classifier.directory, details["card"]).read_text()
    assert "## Rounds" in card
    assert "It stopped here: the last two rounds gained nothing" in card
    assert pipeline.learned(finished).uri == done[-1].classifier.uri
    drawn_for = rounds.column_of([done[1].judgments], "drawn_for")
    assert (drawn_for.count("audit"), drawn_for.count("uncertain")) == (1, 9)


def test_run_again_nothing_is_asked_or_computed(finished: Job) -> None:
    before = files(finished.lake.root, "judgments", "classifiers", "annotations", "releases")
    told = run.run(finished, silent, 1)
    assert (told.sent, told.released.new) == (0, False)
    assert files(finished.lake.root, "judgments", "classifiers", "annotations", "releases") == before
    assert not any(outlook.runs for outlook in forecast(finished))
    assert all(pipeline.judge_requests(finished, number) == [] for number in range(1, 6))


def test_one_round_is_what_it_was_and_more_rounds_only_add_to_it(
    fresh: Callable[..., Job], server: stand_in.StandIn, finished: Job
) -> None:
    one = fresh(judge_rounds=1)
    judge(one, 1, server)
    pipeline.score(one)
    kinds = ("judgments", "classifiers", "annotations")
    first, all_ = files(one.lake.root, *kinds), files(finished.lake.root, *kinds)
    assert first.items() <= all_.items()
    assert len(first) < len(all_)
    assert judgments.mark(one.judge) == judgments.mark(fresh(judge_round=11).judge)
    assert asking.step(one.recipe, "judge_2") is None
    more = fresh()
    assert judge(more, 1, server) == 0
    pipeline.score(more)
    assert judge(more, 2, server) == 10 + canaries(more)


def test_a_loop_that_was_killed_goes_on_where_it_was(
    fresh: Callable[..., Job], server: stand_in.StandIn, finished: Job
) -> None:
    """After a round's answers, after its classifier without its scores, and before the next is asked."""
    assert judge(fresh(), 1, server) == 30 + canaries(finished)
    assert pipeline.learned(fresh(judge_rounds=1)).new
    pipeline.score(fresh(), 1)
    assert judge(fresh(), 2, server) == 10 + canaries(finished)
    assert judge(fresh(), 2, server) == 0
    assert len(pipeline.taught(fresh(), 2)) == 2
    assert judge(fresh(), 3, server) == 10 + canaries(finished)  # adds the scores by which it chooses
    assert run.run(fresh(), silent, 1).sent == 0
    kinds = ("judgments", "classifiers", "annotations")
    assert files(fresh().lake.root, *kinds) == files(finished.lake.root, *kinds)


def test_the_order_in_which_days_came_does_not_matter(source: Path, tmp_path: Path, finished: Job) -> None:
    job = open_(source, judge_rounds=5)
    other = Job(job.recipe, Layout(str(tmp_path / "lake")), str(tmp_path / "ledger.sqlite"))
    for day in reversed(job.recipe.interval.days):
        sample.ingest(other, day)
    run.run(other, silent, 1)
    assert files(other.lake.root, "classifiers") == files(finished.lake.root, "classifiers")
    assert files(other.lake.root, "judgments") == files(finished.lake.root, "judgments")


def test_a_round_waits_for_the_one_before_and_a_look_asks_nothing(
    fresh: Callable[..., Job], server: stand_in.StandIn
) -> None:
    job = fresh()
    pipeline.screen(job)
    look = replace(job, look_only=True)
    first, second = (asking.step(job.recipe, name) for name in ("judge", "judge_2"))
    assert first
    assert second
    assert len(asking.requests(job, first) or []) == 30 + canaries(job)
    assert asking.requests(job, second) is None
    judge(job, 1, server)
    pipeline.score(job)
    with pytest.raises(NotPublished, match="no classifier of round 2 yet"):
        pipeline.learned(look)
    waiting = {outlook.stage: outlook for outlook in forecast(job)}
    assert [name for name, outlook in waiting.items() if outlook.runs][:2] == ["judge_2", "score_2"]
    assert waiting["judge_2"].what == f"{10 + canaries(job)} requests to send, 0 answered before"


def test_what_earlier_rounds_scored_may_go_and_nothing_else(finished: Job, tmp_path: Path) -> None:
    shutil.copytree(finished.lake.root, tmp_path / "lake")
    lake = Layout(str(tmp_path / "lake"))
    job = Job(finished.recipe, lake, lake.ledger)
    rows = gc.survey(lake, [job.recipe], time.time() + 2 * SAFE_SECONDS)
    gone = {Path(file.uri).relative_to(lake.root).parts[:2] for row in rows for file in row.garbage}
    scores = [classifier_scores(job, taught.classifier) for taught in pipeline.taught(job)]
    assert gone - {part for part in gone if part[0] == "index"} == {("annotations", s) for s in scores[:-1]}
    gc.remove(lake, rows)
    told = run.run(job, silent, 1)
    assert (told.sent, told.released.new) == (0, False)
    assert not (tmp_path / "lake" / "annotations" / scores[0]).exists()


def test_a_budget_that_is_met_in_a_later_round_ends_the_loop_and_the_run_goes_on(
    fresh: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the result of a recipe that has so many rounds, however often it is run; more money goes on."""

    def priced(run_usd: Decimal | None = None, rounds: int = 5) -> Job:
        job = fresh(judge_direct=True, judge_rounds=rounds)
        judge, budget = job.judge.model_copy(update={"model": PRICED}), Budget(run_usd=run_usd)
        return replace(job, recipe=job.recipe.model_copy(update={"judge": judge, "budget": budget}))

    with stand_in.serve(model=PRICED) as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        job = priced()
        first = Asked(job.ledger, pipeline.judge_requests(job, 1), job.lake.answers)
        direct.ask(Connection("k", server.url), first)
        asked = pipeline.judge_requests(job, 2)
        cap = max(reservation(request, cached=False, batch=False) for request in asked)
        capped = priced(cap)
        told = run.run(capped, silent, 1)
        assert 0 < told.sent < 10
        assert 0 < told.usd <= cap
        assert "1 of at most 5 rounds: budget.run_usd leaves no room" in pipeline.how_far(capped)
        gc.remove(capped.lake, gc.survey(capped.lake, [capped.recipe], time.time() + 2 * SAFE_SECONDS))
        assert pipeline.judge_requests(capped, 2) == pipeline.judge_requests(capped, 3) == []
        one = run.run(priced(rounds=1), silent, 1).released
        assert (one.uri, one.new) == (told.released.uri, False)
        more = pipeline.judge_requests(priced(cap + 1), 2)
        assert len(job.ledger.missing(request.key for request in more)) == 10 + canaries(job) - told.sent


def classifier_scores(job: Job, made: stage.Published) -> str:
    column = classifier.column(job.judge, made)
    return f"{column.name}-{column.fingerprint}"


def test_what_a_later_round_said_of_a_document_is_explained(finished: Job) -> None:
    last = pipeline.taught(finished)[-1].judgments
    [id_, *_] = rounds.column_of([last], "id")
    judged = explain(replace(finished, look_only=True), id_).judgment
    assert judged is not None
    assert judged["outcome"] == "ok"
