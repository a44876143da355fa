"""Nothing is left running, whatever the processes do about it."""

import os
import signal
import sys
import time

import psutil
import pytest

from curation_airflow.local_airflow import Processes, free_port

# Starts a child that leaves the process group, as Airflow's tasks do, and tells its pid.
STUBBORN = """
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import os, time; os.setpgid(0, 0); time.sleep(600)"])
print(child.pid, flush=True)
{}
time.sleep(600)
"""


@pytest.fixture
def processes(tmp_path):
    made = Processes(tmp_path / "logs")
    yield made
    made.end()


def child_of(processes, name):
    deadline = time.monotonic() + 20
    while not (told := processes.log(name).read_text().split()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(told[0])


def gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_grandchild_in_a_group_of_its_own_is_ended_too(processes):
    processes.start("parent", [sys.executable, "-c", STUBBORN.format("")], {})
    child = child_of(processes, "parent")
    processes.end()
    assert gone(child)
    assert gone(processes.started["parent"].pid)
    assert processes.living() == []


def test_orphans_of_a_parent_that_died_are_found(processes):
    processes.start("parent", [sys.executable, "-c", STUBBORN.format("")], {})
    child = child_of(processes, "parent")
    os.kill(processes.started["parent"].pid, signal.SIGKILL)
    processes.started["parent"].wait(10)
    processes.end()
    assert gone(child)


def test_one_that_will_not_end_is_ended(processes, monkeypatch):
    monkeypatch.setattr("curation_airflow.local_airflow._ENDING_SECONDS", 1)
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    processes.start("parent", [sys.executable, "-c", STUBBORN.format(deaf)], {})
    child_of(processes, "parent")
    processes.end()
    assert gone(processes.started["parent"].pid)


def test_one_that_falls_is_named_with_the_end_of_its_log(processes):
    processes.start("short", [sys.executable, "-c", "print('no database'); raise SystemExit(3)"], {})
    processes.started["short"].wait(20)
    assert processes.fallen() == ["short"]
    assert processes.tail("short") == "no database"


def test_a_free_port_can_be_listened_on():
    assert 1024 < free_port() < 65536
