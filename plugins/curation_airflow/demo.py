"""The demonstration: five days of a real crawl through a real Airflow, into shards that a training reads.

    PYTHONPATH=plugins python -m curation_airflow.demo

Starts Airflow in the project's `.demo` folder and what stands in for Claude, backfills the sample's days,
waits, and shows what came of it. The user interface stays up until Ctrl-C; with CI=1 it ends by itself.
Whatever happens, nothing is left running. A second time nothing is computed or sent again.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.markup import escape

from curation_airflow.local_airflow import LOGIN, LocalAirflow, LocalAirflowError, wait
from curation_airflow.watch import Watch

PROJECT = Path(__file__).resolve().parents[2]
RECIPE = "sample"
RUN_SECONDS = 1200
STAND_IN_MODEL = "offline-rules-1"

console = Console(highlight=False)


@dataclass(frozen=True)
class Claude:
    """Who answers: Airflow's `anthropic` connection, in its JSON form, and what to say of it."""

    connection: str
    described: str


@dataclass(frozen=True)
class Lake:
    """What lies in a lake, to tell what a run has added."""

    manifests: frozenset[Path]
    message_batches: frozenset[Path]

    @classmethod
    def at(cls, root: Path) -> "Lake":
        """Manifests are what exists; raw answers are kept in a file for each message batch."""
        answers = root / "answers"
        return cls(frozenset(root.rglob("manifest*.json")), frozenset(answers.rglob("*.jsonl")))


@contextmanager
def claude(models: set[str], state: Path) -> Iterator[Claude]:
    """Claude, where there is a key and the recipe names one of its models; else a stand-in served here."""
    key = os.environ.get("ANTHROPIC_API_KEY")
    if key and STAND_IN_MODEL not in models:
        yield Claude(_connection(key, os.environ.get("ANTHROPIC_BASE_URL")), f"Claude ({', '.join(models)})")
        return
    from curation.claude.stand_in import serve

    with serve(state=state, delay_seconds=1.0) as server:
        yield Claude(
            _connection("no-key", server.url),
            f"{STAND_IN_MODEL}: rules over the text's statistics, not a language model; $0",
        )


def _connection(key: str, base_url: str | None) -> str:
    return json.dumps({"conn_type": "anthropic", "password": key, "host": base_url or ""})


def run(folder: Path) -> int:
    """The whole demonstration in `folder`; its exit code."""
    from curation.recipe_file import load

    recipe = load(RECIPE)
    models = {stage.model for stage in (recipe.judge, recipe.synthesize) if stage}
    lake = folder / "lake"
    with claude(models, folder / "stand-in") as answers:
        environment = {"CURATION_LAKE": str(lake), "AIRFLOW_CONN_ANTHROPIC": answers.connection}
        airflow = LocalAirflow(folder / "airflow", PROJECT, environment)
        try:
            _tell("Answers", f"by {answers.described}")
            before, began = Lake.at(lake), time.monotonic()
            _start(airflow)
            backfill(airflow, recipe.interval.days)
            show(airflow, lake, before, time.monotonic() - began)
            keep_up(airflow)
        except LocalAirflowError as error:
            console.print(f"[bold red]error[/] {escape(str(error))}", soft_wrap=True)
            return 1
        finally:
            airflow.stop()
    return 0


def _start(airflow: LocalAirflow) -> None:
    with console.status("Starting Airflow") as status:
        airflow.start()
        airflow.wait_healthy(lambda what: status.update(f"Starting Airflow: waiting for {what}"))
        wait(lambda: airflow.has_dag(f"pretrain_{RECIPE}"), 120, "the DAGs are there", airflow)
    _tell("Airflow", f"{airflow.url}  login {LOGIN[0]}, password {LOGIN[1]}")


def backfill(airflow: LocalAirflow, days: tuple[str, ...]) -> None:
    """Ask for the days to be (re)processed, and wait until the release and the training have followed."""
    for name in ("pretrain", "release", "ingest"):  # who listens first
        airflow.send("PATCH", f"dags/{name}_{RECIPE}", {"is_paused": False})
    finish_old(airflow)
    watch = Watch(airflow, RECIPE)
    command = f"airflow backfill create --dag-id ingest_{RECIPE} --reprocess-behavior completed"
    _tell("As by", f"{command} --from-date {days[0]} --to-date {days[-1]}")
    asked: dict[str, Any] = {
        "dag_id": f"ingest_{RECIPE}",
        "from_date": f"{days[0]}T00:00:00Z",
        "to_date": f"{days[-1]}T00:00:00Z",
        "reprocess_behavior": "completed",
        "max_active_runs": len(days),
    }
    airflow.send("POST", "backfills", asked)
    watch.until_settled(len(days), RUN_SECONDS, console)
    if training(airflow) is None:  # the release was there, its training had failed or was cut short
        again = {"logical_date": None, "partition_key": RECIPE}
        airflow.send("POST", f"dags/pretrain_{RECIPE}/dagRuns", again)
        watch.until_settled(len(days), RUN_SECONDS, console)


def finish_old(airflow: LocalAirflow) -> None:
    """Let runs end that an earlier demonstration left: a day in the middle of a run is not backfilled."""
    for old in airflow.get("backfills", dag_id=f"ingest_{RECIPE}", limit=100)["backfills"]:
        if old["completed_at"] is None:
            with suppress(LocalAirflowError):  # the scheduler may have marked it as completed meanwhile
                airflow.send("PUT", f"backfills/{old['id']}/cancel", None)

    def unfinished() -> int:
        states = ["queued", "running"]
        return int(airflow.get("dags/~/dagRuns", state=states, limit=1)["total_entries"])

    if unfinished():
        with console.status("Finishing the runs of an earlier demonstration"):
            wait(lambda: not unfinished(), RUN_SECONDS, "earlier runs have ended", airflow)


def show(airflow: LocalAirflow, lake: Path, before: Lake, seconds: float) -> None:
    """The funnel, where things lie, and what was new."""
    from curation import pipeline, screens

    job = pipeline.open_job(RECIPE, str(lake))
    released = pipeline.already_released(job)
    if released is None:
        raise LocalAirflowError(f"every run has ended, but {lake} has no release; look at {airflow.url}")
    screens.funnel(console, job)
    shards = Path(released.uri) / "data"
    now = Lake.at(lake)
    computed = len(now.manifests - before.manifests)
    sent = len(now.message_batches - before.message_batches)
    _tell("Shards", f"{shards}  ({len(list(shards.rglob('*.parquet')))} Parquet files)")
    _tell("Loss curve", str((training(airflow) or Path("none")) / "loss.png"))
    _tell("Airflow", f"{airflow.url}  login {LOGIN[0]}, password {LOGIN[1]}")
    if computed or sent:
        _tell("New", f"{computed} manifests, {sent} message batches sent, in {seconds:.0f} s")
    else:
        _tell(
            "New", f"nothing computed again (0 manifests), nothing sent (0 message batches), {seconds:.0f} s"
        )


def training(airflow: LocalAirflow) -> Path | None:
    """The folder of the newest training that is finished."""
    dag_id = f"pretrain_{RECIPE}"
    runs = airflow.get(f"dags/{dag_id}/dagRuns", state="success", order_by="-id", limit=1)["dag_runs"]
    for run in runs:
        path = f"dags/{dag_id}/dagRuns/{run['dag_run_id']}/taskInstances/pretrain"
        return Path(airflow.get(f"{path}/xcomEntries/return_value")["value"])
    return None


def _tell(what: str, text: str) -> None:
    console.print(f"[bold]{what:<11}[/] {escape(text)}", soft_wrap=True)


def keep_up(airflow: LocalAirflow) -> None:
    """Leave the user interface up until Ctrl-C; with CI set, do not wait."""
    if os.environ.get("CI"):
        return
    console.print("The user interface stays up until Ctrl-C.")
    while True:
        airflow.check()
        time.sleep(1)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    """Run the demonstration; being told to end is an end like another."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    folder = Path(os.environ.get("CURATION_DEMO", PROJECT / ".demo"))
    try:
        return run(folder)
    except KeyboardInterrupt:
        console.print("Ended; nothing is left running.")
        return 0


if __name__ == "__main__":
    sys.exit(main())
