"""An Airflow whose triggerer is killed, again and again, while a task of it waits for a message batch."""

import json
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from curation.claude import stand_in
from curation.claude.ledger import Ledger
from curation.claude.stand_in.messages import respond
from curation_airflow.local_airflow import _COMPONENTS, LocalAirflow, _airflow, wait

PROJECT = Path(__file__).resolve().parents[2]
REQUESTS = 10
SECONDS = 120


@dataclass
class Asking:
    """Airflow with one DAG that asks, and a stand-in that answers once it is let."""

    airflow: LocalAirflow
    server: stand_in.StandIn
    answering: threading.Event
    folder: Path
    kills: int = 0

    def ask(self, first: int) -> str:
        """Ask about REQUESTS texts from number `first` on; the run's id."""
        conf = {"first": first, "count": REQUESTS}
        run = self.airflow.send("POST", "dags/asking/dagRuns", {"logical_date": None, "conf": conf})
        return str(run["dag_run_id"])

    def polled(self) -> None:
        """Wait until the triggerer that runs now has asked for the status of a message batch."""
        before = self.server.counts["retrieve"]
        wait(lambda: self.server.counts["retrieve"] > before, SECONDS, "the trigger polls", self.airflow)

    def kill(self) -> None:
        """SIGKILL the triggerer and what it has started, and start another."""
        started = self.airflow.processes.started
        for process in _with_children(started.pop("triggerer").pid):
            process.kill()
        self.kills += 1
        self.airflow.processes.start(
            "triggerer", _airflow(_COMPONENTS["triggerer"]), self.airflow.environment
        )

    def ended(self, run: str) -> str:
        """Wait for the end of a run; its task's state."""
        path = f"dags/asking/dagRuns/{run}/taskInstances/ask"
        ends = ("success", "failed", "upstream_failed")
        wait(lambda: self.airflow.get(path)["state"] in ends, SECONDS, f"{run} has ended", self.airflow)
        return str(self.airflow.get(path)["state"])


def _with_children(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


@contextmanager
def asking(folder: Path) -> Iterator[Asking]:
    """Started, healthy, the DAG unpaused; all is ended afterwards."""
    answering = threading.Event()

    def answered(params: object, tier: str) -> dict[str, object]:
        answering.wait()
        return respond(params, tier)

    with stand_in.serve(delay_seconds=0.0, respond=answered) as server:
        airflow = LocalAirflow(folder / "airflow", PROJECT, _environment(folder, server.url))
        try:
            airflow.start()
            airflow.wait_healthy()
            wait(lambda: airflow.has_dag("asking"), SECONDS, "the DAG is there", airflow)
            airflow.send("PATCH", "dags/asking", {"is_paused": False})
            yield Asking(airflow, server, answering, folder)
        finally:
            answering.set()
            airflow.stop()


def _environment(folder: Path, url: str) -> dict[str, str]:
    return {
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "tests" / "e2e" / "asking_dags"),
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
        "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "3",  # seconds until another takes over
        "AIRFLOW_CONN_ANTHROPIC": json.dumps({"conn_type": "anthropic", "password": "no-key", "host": url}),
        "ASKING_FOLDER": str(folder),
    }


def kill_often(asking: Asking, run: int, kills: int, rng: random.Random) -> str:
    """Ask, kill the triggerer so often, before and after the message batch has ended; the task's state."""
    asking.answering.clear()
    task = asking.ask(run * REQUESTS)
    for kill in range(kills):
        asking.polled()
        if kill == kills - 1:  # around the time at which the trigger fires
            asking.answering.set()
        time.sleep(rng.uniform(0.0, 1.0))
        asking.kill()
    return asking.ended(task)


def figures(asking: Asking, runs: int, states: list[str]) -> dict[str, object]:
    """What became of the requests, and how often each was sent."""
    with closing(sqlite3.connect(asking.folder / "ledger.sqlite")) as db:
        answered = db.execute("SELECT count(*) FROM answers WHERE outcome = 'ok' AND attempts = 1").fetchone()
    return {
        "kills": asking.kills,
        "tasks": dict.fromkeys(states, 0) | {state: states.count(state) for state in states},
        "answered_once_ratio": answered[0] / (runs * REQUESTS),
        "sent_again": asking.server.counts["requests"] - runs * REQUESTS,
        "cancelled": asking.server.counts["cancel"],
        "usd": float(Ledger(asking.folder / "ledger.sqlite").usd()),
    }
