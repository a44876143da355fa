"""A driver killed between any two of its writes: nothing is lost, nothing is paid twice.

The stand-in runs in a process of its own; the driver is a fork of this one that kills itself at a seeded
point: before or after a ledger commit, a create, or the publishing of results.
"""

import os
import random
import signal
import subprocess
import sys
import traceback
from pathlib import Path

import httpx2
import pytest
from anthropic.resources.messages.batches import Batches
from sqlalchemy import event

from curation import storage
from curation.claude.batches import Limits
from curation.claude.client import Connection
from curation.claude.decide import Patience
from curation.claude.ledger import Ledger
from curation.claude.run import run

LIMITS = Limits(requests=4)
PATIENCE = Patience(poll_seconds=0.02, create_grace_seconds=0.3, lost_grace_seconds=1.0)
POINTS = 27  # that an undisturbed run of ten requests passes


@pytest.fixture(scope="module")
def server_url(tmp_path_factory):
    state = tmp_path_factory.mktemp("state")
    command = [sys.executable, "-m", "curation.claude.stand_in", "--port", "0", "--state", str(state)]
    with subprocess.Popen(
        [*command, "--delay-seconds", "0.02"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as server:
        yield server.stdout.readline().split()[-1]
        server.terminate()


class Killer:
    """Counts the points that a run passes, and kills its process at one of them."""

    def __init__(self, at):
        self.at, self.passed = at, 0

    def point(self, *_):
        self.passed += 1
        if self.passed == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function):
        def wrapped(*args, **kwargs):
            self.point()
            result = function(*args, **kwargs)
            self.point()
            return result

        return wrapped


def drive(url, folder, requests, at=0):
    """Run to the end, or to the point `at`; how many points there were."""
    killer = Killer(at)
    ledger = Ledger(folder / "ledger.sqlite")
    event.listen(ledger._engine, "commit", killer.point)
    patched = pytest.MonkeyPatch()
    with patched.context() as patch:
        patch.setattr(Batches, "create", killer.around(Batches.create))
        patch.setattr(storage, "publish", killer.around(storage.publish))
        report = run(
            Connection("k", url).client(),
            ledger,
            requests,
            str(folder / "raw"),
            limits=LIMITS,
            patience=PATIENCE,
        )
    return report, killer.passed


def forked(url, folder, requests, at):
    """Whether the forked driver was killed at the point `at`; False if it finished before it."""
    child = os.fork()
    if child == 0:
        try:
            drive(url, folder, requests, at)
        except BaseException:  # noqa: BLE001 - the end of a process
            traceback.print_exc()
            os._exit(3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the driver failed by itself"
    return os.WIFSIGNALED(status)


def requests_received(url):
    return httpx2.get(f"{url}/health").json()["counts"].get("requests", 0)


def test_an_undisturbed_run_passes_the_points_that_the_kills_are_drawn_from(server_url, tmp_path, ask):
    _, passed = drive(server_url, tmp_path, [ask(i) for i in range(10)])
    assert passed == POINTS


@pytest.mark.parametrize("seed", range(16))
def test_a_killed_driver_answers_each_request_once_and_pays_once(server_url, tmp_path, ask, seed):
    rng = random.Random(seed)
    requests = [ask(i) for i in range(10)]
    before = requests_received(server_url)
    kills = sum(forked(server_url, tmp_path, requests, rng.randint(1, POINTS)) for _ in range(2))
    assert kills >= 1
    report, _ = drive(server_url, tmp_path, requests)
    assert dict(report.outcomes) == {"ok": 10}
    rows = list(Ledger(tmp_path / "ledger.sqlite").answers([request.key for request in requests]))
    assert sorted(row.key for row in rows) == sorted(request.key for request in requests)
    assert all(row.attempts == 1 for row in rows)
    assert requests_received(server_url) - before == 10, "some request was sent twice"
