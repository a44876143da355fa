"""The demonstration, as a user runs it: killed in the middle of a stage, run again, ended by Ctrl-C."""

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

PROJECT = Path(__file__).resolve().parents[2]
SECONDS = 600


@dataclass
class Demo:
    """A demonstration that runs; every process that it was ever seen to have."""

    process: subprocess.Popen[bytes]
    log: Path
    seen: set[psutil.Process]

    def look(self) -> list[psutil.Process]:
        """Its processes now."""
        with suppress(psutil.NoSuchProcess):
            now = psutil.Process(self.process.pid).children(recursive=True)
            self.seen.update(now)
            return now
        return []

    def until(self, done) -> None:
        """Look every half second until `done`; what it wrote, if it ends or takes too long before."""
        deadline = time.monotonic() + SECONDS
        while not done():
            self.look()
            assert self.process.poll() is None or done(), self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.5)

    def said(self) -> str:
        return self.log.read_text()

    def left_running(self) -> list[str]:
        """Which of its processes are alive, by their command."""
        alive = []
        for process in self.seen:
            with suppress(psutil.NoSuchProcess):
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    alive.append(" ".join(process.cmdline()))
        return alive


def start(folder: Path, log: Path, **environment: str) -> Demo:
    path = os.pathsep.join([str(PROJECT), str(PROJECT / "plugins")])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "CI"))}
    kept |= {"PYTHONPATH": path, "CURATION_DEMO": str(folder), "COLUMNS": "200", **environment}
    with log.open("wb") as out:
        command = [sys.executable, "-m", "curation_airflow.demo"]
        process = subprocess.Popen(command, env=kept, stdout=out, stderr=subprocess.STDOUT)
    return Demo(process, log, set())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("a clone") / "with spaces"


@pytest.fixture(scope="module")
def first(folder, tmp_path_factory):
    """The first demonstration, one of whose tasks was killed while it annotated: (it, the killed task)."""
    demo = start(folder, tmp_path_factory.mktemp("logs") / "first.log", CI="1")
    try:
        killed = kill_while_it_annotates(demo, folder)
        demo.until(lambda: demo.process.poll() is not None)
        yield demo, killed
    finally:
        end(demo)


@pytest.fixture(scope="module")
def second(first, folder, tmp_path_factory):
    """The second, which keeps its user interface up until Ctrl-C."""
    before = files(folder / "lake")
    demo = start(folder, tmp_path_factory.mktemp("logs") / "second.log")
    try:
        demo.until(lambda: "stays up until Ctrl-C" in demo.said())
        address = next(word for word in demo.said().split() if word.startswith("http://"))
        with urllib.request.urlopen(f"{address}/api/v2/monitor/health", timeout=20) as answer:
            health = answer.status
        demo.process.send_signal(signal.SIGINT)
        demo.process.wait(60)
        yield demo, before, health
    finally:
        end(demo)


def end(demo: Demo) -> None:
    if demo.process.poll() is None:
        demo.process.terminate()
        demo.process.wait(60)


def kill_while_it_annotates(demo: Demo, folder: Path) -> str:
    """SIGKILL the process of an `annotate` task in the middle of its writing; the task's id."""
    found: list[str] = []

    def done() -> bool:
        writing = any((folder / "lake").glob("annotations/*/*/*/.scratch-*"))
        for process in demo.look() if writing and not found else []:
            with suppress(psutil.NoSuchProcess):
                worker, _, instance = " ".join(process.cmdline()).strip().rpartition(" -- ")
                if worker == "airflow worker" and task_of(folder, instance) == "facts.part.annotate":
                    process.kill()
                    found.append(instance)
                    break
        return bool(found)

    demo.until(done)
    return found[0]


def task_of(folder: Path, instance: str) -> str | None:
    """The task of a task instance, by its id (a UUID)."""
    found = ask(folder, "SELECT task_id FROM task_instance WHERE id = ?", instance.replace("-", ""))
    return found[0][0] if found else None


def ask(folder: Path, query: str, *values: str) -> list[tuple]:
    """Rows of Airflow's database."""
    with closing(sqlite3.connect(f"file:{folder / 'airflow' / 'airflow.db'}?mode=ro", uri=True)) as db:
        return db.execute(query, values).fetchall()


def files(folder: Path) -> dict[str, str]:
    """Digests of all files below, by name, but the ledger's."""
    names = [p for p in sorted(folder.rglob("*")) if p.is_file() and "ledger" not in p.name]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in names}


def test_it_ends_well_though_a_task_was_killed_in_the_middle_of_a_stage(first, folder):
    demo, killed = first
    assert demo.process.returncode == 0, demo.said()
    [(task, tries, state)] = ask(
        folder,
        "SELECT task_id, try_number, state FROM task_instance WHERE run_id IN "
        "(SELECT run_id FROM task_instance_history WHERE task_instance_id = ?) AND try_number = 2",
        killed.replace("-", ""),
    )
    assert (task, tries, state) == ("facts.part.annotate", 2, "success")


def test_it_shows_funnel_shards_loss_curve_and_login(first, folder):
    said = first[0].said()
    assert "near_duplicate" in said
    assert "login admin, password admin" in said
    shards = sorted((folder / "lake" / "releases" / "sample").glob("*/data/**/*.parquet"))
    assert shards
    assert str(shards[0].parents[1]) in said or str(shards[0].parent) in said
    [line] = [line for line in said.splitlines() if "loss.png" in line]
    curve = Path(line.removeprefix("Loss curve").strip())
    assert curve.read_bytes().startswith(b"\x89PNG")


def test_a_killed_task_leaves_no_trace_in_the_bytes(first, folder, tmp_path):
    """The release of an undisturbed lake, made in plain Python without Airflow, is the same files."""
    from curation import pipeline
    from curation.run import run

    job = pipeline.open_job("sample", str(tmp_path / "lake"))
    recipe = job.recipe.model_copy(update={"pretrain": None})
    run(replace(job, recipe=recipe), lambda *_: None, workers=2)
    undisturbed = files(tmp_path / "lake" / "releases")
    assert undisturbed
    assert files(folder / "lake" / "releases") == undisturbed


def test_nothing_is_left_running_when_it_ends_by_itself(first):
    demo, _ = first
    assert len(demo.seen) > 6, "too few processes were seen to tell"
    assert demo.left_running() == []


def test_a_second_time_nothing_is_computed_or_sent_and_it_says_so(second, folder):
    demo, before, _ = second
    assert "nothing computed again (0 manifests), nothing sent (0 message batches)" in demo.said()
    assert files(folder / "lake") == before


def test_the_interface_stays_up_until_ctrl_c_and_then_all_is_ended(second):
    demo, _, health = second
    assert health == 200
    assert demo.process.returncode == 0, demo.said()
    assert demo.left_running() == []
