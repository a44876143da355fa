"""Watches a backfill go through the three DAGs of a recipe: asks the REST API, decides, draws.

What has to happen is decided by pure functions over what was seen; the loop only asks and draws.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from curation_airflow.local_airflow import LocalAirflow, LocalAirflowError

_POLL_SECONDS = 2.0
_QUIET_SECONDS = 4.0  # without anything to do, before it is believed that no run follows
_DONE = frozenset(("success", "failed"))
_TASK_DONE = frozenset(("success", "failed", "skipped", "upstream_failed", "removed"))
_LOG_LINES = 25


@dataclass(frozen=True)
class Task:
    """A task instance of a run."""

    name: str
    piece: str  # what a mapped one works on
    state: str | None
    end: datetime | None
    try_number: int
    map_index: int


@dataclass(frozen=True)
class Run:
    """A run that began after the watching did."""

    dag_id: str
    run_id: str
    partition: str
    state: str
    queued: datetime
    tasks: tuple[Task, ...]

    @property
    def done(self) -> bool:
        return self.state in _DONE


def settled(runs: Sequence[Run], recipe: str, days: int) -> bool:
    """Whether every day has been ingested and all that follows from it has ended.

    The last day that is published starts a release run, and the last release that is written a training run;
    a run that began before may have joined an earlier event.
    """
    ingests, releases, trainings = (
        _of(runs, f"{name}_{recipe}") for name in ("ingest", "release", "pretrain")
    )
    if len(ingests) < days or not all(run.done for run in runs):
        return False
    return _follows(ingests, "facts.publish", releases) and _follows(releases, "release", trainings)


def _of(runs: Sequence[Run], dag_id: str) -> list[Run]:
    return [run for run in runs if run.dag_id == dag_id]


def _follows(before: Sequence[Run], task: str, after: Sequence[Run]) -> bool:
    """Whether a run of `after` was queued once the last `task` of `before` had ended; true without any."""
    ends = [t.end for run in before for t in run.tasks if t.name == task and t.state == "success" and t.end]
    return not ends or any(run.queued >= max(ends) for run in after)


def failures(runs: Sequence[Run]) -> list[tuple[Run, Task]]:
    """The tasks that failed by themselves, not by what came before them."""
    return [(run, task) for run in runs for task in run.tasks if task.state == "failed"]


def drawing(runs: Sequence[Run], dag_ids: Sequence[str]) -> Table:
    """A bar for each DAG, and what its tasks are at."""
    table = Table.grid(padding=(0, 2))
    for dag_id in dag_ids:
        tasks = [task for run in _of(runs, dag_id) for task in run.tasks]
        done = sum(task.state in _TASK_DONE for task in tasks)
        bar = ProgressBar(total=max(len(tasks), 1), completed=done, width=28)
        table.add_row(dag_id, bar, f"{done}/{len(tasks)} tasks" if tasks else "waits", _busy(tasks))
    return table


def _busy(tasks: Sequence[Task]) -> str:
    words = {"running": "", "deferred": " (waits for its message batch)", "up_for_retry": " (tries again)"}
    busy = [
        f"{task.name.rsplit('.', 1)[-1]} {task.piece}".strip() + words[task.state]
        for task in tasks
        if task.state in words
    ]
    return ", ".join(busy[:3]) + (f" and {len(busy) - 3} more" if len(busy) > 3 else "")


class Watch:
    """Sees the runs that begin after it was made."""

    def __init__(self, airflow: LocalAirflow, recipe: str) -> None:
        self.airflow = airflow
        self.recipe = recipe
        self.dag_ids = [f"{name}_{recipe}" for name in ("ingest", "release", "pretrain")]
        self._over = {run["dag_run_id"] for dag_id in self.dag_ids for run in self._listed(dag_id)}
        self._ended: dict[str, Run] = {}

    def runs(self) -> list[Run]:
        """The runs as they stand, oldest first."""
        seen = []
        for dag_id in self.dag_ids:
            for raw in self._listed(dag_id):
                if raw["dag_run_id"] not in self._over:
                    seen.append(self._ended.get(raw["dag_run_id"]) or self._run(raw))
        self._ended |= {run.run_id: run for run in seen if run.done}
        return seen

    def until_settled(self, days: int, seconds: float, console: Console) -> list[Run]:
        """Draw until everything has ended; LocalAirflowError with the log's end where a task fails."""
        return self._until(lambda runs: settled(runs, self.recipe, days), seconds, console)

    def _until(self, reached: Callable[[list[Run]], bool], seconds: float, console: Console) -> list[Run]:
        deadline, quiet_since = time.monotonic() + seconds, None
        with Live(console=console, refresh_per_second=4, transient=not console.is_terminal) as live:
            while True:
                self.airflow.check()
                runs = self.runs()
                live.update(drawing(runs, self.dag_ids))
                if failures(runs) and any(run.state == "failed" for run in runs):
                    raise LocalAirflowError(self.told(*failures(runs)[0]))
                if not reached(runs):
                    quiet_since = None
                elif quiet_since is None:
                    quiet_since = time.monotonic()
                elif time.monotonic() - quiet_since > _QUIET_SECONDS:
                    return runs
                if time.monotonic() > deadline:
                    raise LocalAirflowError(f"not done after {seconds:.0f} s; look at {self.airflow.url}")
                time.sleep(_POLL_SECONDS)

    def told(self, run: Run, task: Task) -> str:
        """What a failed task said at the end of its log."""
        path = f"dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task.name}/logs/{task.try_number}"
        content = self.airflow.get(path, map_index=task.map_index)["content"]
        lines = [_line(event) for event in content]
        where = " ".join(filter(None, (run.partition, task.piece)))
        return f"{run.dag_id}.{task.name} ({where}) failed:\n" + "\n".join(lines[-_LOG_LINES:])

    def _listed(self, dag_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.airflow.get(f"dags/{dag_id}/dagRuns", limit=100, order_by="-id")[
            "dag_runs"
        ]
        return found[::-1]

    def _run(self, raw: dict[str, Any]) -> Run:
        path = f"dags/{raw['dag_id']}/dagRuns/{raw['dag_run_id']}/taskInstances"
        tasks = self.airflow.get(path, limit=100)["task_instances"]
        return Run(
            raw["dag_id"],
            raw["dag_run_id"],
            raw["partition_key"] or "",
            raw["state"],
            _time(raw["queued_at"]) or _time(raw["run_after"]) or datetime.min,
            tuple(_task(task) for task in tasks),
        )


def _task(raw: dict[str, Any]) -> Task:
    piece = raw["rendered_map_index"] or ""
    return Task(
        raw["task_id"], piece, raw["state"], _time(raw["end_date"]), raw["try_number"], raw["map_index"]
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _line(event: Any) -> str:
    """One event of a task's log, without its time; an exception by its type and message."""
    if not isinstance(event, dict):
        return f"  {event}"
    errors = event.get("error_detail") or []
    said = "".join(f"\n    {e['exc_type']}: {e['exc_value']}" for e in errors)
    return f"  {event.get('event', '')}{said}"
