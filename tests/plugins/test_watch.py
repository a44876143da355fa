"""When a demonstration has ended: too early would show half a release, too late would never end."""

from datetime import UTC, datetime, timedelta
from io import StringIO

from rich.console import Console

from curation_airflow.watch import Run, Task, drawing, failures, settled

BEGAN = datetime(2026, 11, 22, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def run(name, queued, *tasks, state="success", partition="sample"):
    made = tuple(Task(task, piece, how, at(end), 1, -1) for task, piece, how, end in tasks)
    return Run(f"{name}_sample", f"{name}{queued}", partition, state, at(queued), made)


def ingest(n: int, end: float, how: str = "success"):
    return run("ingest", n, ("facts.publish", "", how, end), partition=f"2025-11-0{n}")


def test_days_alone_are_not_the_end_a_release_follows():
    days = [ingest(1, 10), ingest(2, 20)]
    assert not settled(days, "sample", 2)


def test_a_release_that_began_before_the_last_day_is_not_the_last():
    days = [ingest(1, 10), ingest(2, 20)]
    early = run("release", 15, ("complete", "", "success", 16))
    assert not settled([*days, early], "sample", 2)
    late = run("release", 21, ("complete", "", "success", 22), ("release", "", "skipped", 22))
    assert settled([*days, early, late], "sample", 2)


def test_a_written_release_is_followed_by_a_training():
    seen = [ingest(1, 10), run("release", 11, ("release", "", "success", 30))]
    assert not settled(seen, "sample", 1)
    assert not settled([*seen, run("pretrain", 31, state="running")], "sample", 1)
    assert settled([*seen, run("pretrain", 31, ("pretrain", "", "success", 60))], "sample", 1)


def test_days_with_nothing_new_are_followed_by_nothing():
    assert settled([ingest(1, 10, "skipped"), ingest(2, 20, "skipped")], "sample", 2)


def test_a_day_that_has_no_run_yet_is_waited_for():
    assert not settled([ingest(1, 10, "skipped")], "sample", 2)


def test_the_task_that_failed_is_told_not_those_after_it():
    seen = [run("ingest", 1, ("facts.plan", "", "failed", 2), ("facts.publish", "", "upstream_failed", 3))]
    assert [task.name for _, task in failures(seen)] == ["facts.plan"]


def test_the_drawing_says_how_far_it_is_and_what_is_at_work():
    seen = [
        run("ingest", 1, ("facts.plan", "", "success", 2), ("facts.part.ingest", "web a", "running", 3)),
        run("release", 2, ("judge", "", "deferred", 3)),
    ]
    out = StringIO()
    Console(file=out, width=140).print(drawing(seen, ["ingest_sample", "release_sample", "pretrain_sample"]))
    lines = out.getvalue().splitlines()
    assert "1/2 tasks" in lines[0]
    assert "ingest web a" in lines[0]
    assert "judge (waits for its message batch)" in lines[1]
    assert "waits" in lines[2]
