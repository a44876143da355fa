"""A driver that is killed at a chosen point: a fork of this process that sends itself SIGKILL.

The points are before a ledger's commit, before and after a create, and before and after the publishing of
results: between them lies every two writes. The stand-in runs in a process of its own.
"""

import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import httpx2
from anthropic.resources.messages.batches import Batches
from sqlalchemy import event

from curation import storage
from curation.claude.client import Connection
from curation.claude.decide import Patience
from curation.claude.ledger import Ledger
from curation.claude.request import Request
from curation.claude.run import Report, run
from curation.claude.split import Limits
from tests.claude.asking import ask

LIMITS = Limits(requests=4)
PATIENCE = Patience(poll_seconds=0.02, create_grace_seconds=0.3, lost_grace_seconds=1.0)
POINTS = 36  # that an undisturbed run of `ten` passes


def ten(first: int = 0) -> list[Request]:
    """Ten requests, two of which are truncated and asked once more: three message batches, then one."""
    return [ask(first + i, **({"parameters": {"max_tokens": 20}} if i < 2 else {})) for i in range(10)]


ASKED = 12  # how often a service is asked for `ten` if nothing is paid for twice


class _Killer:
    """Counts the points that a run passes, and kills its process at one of them."""

    def __init__(self, at: int) -> None:
        self.at, self.passed = at, 0

    def point(self, *_: object) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # a sign of life, while something takes long: not a point that every run passes
        self.passed += 1
        if self.passed == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.point()
            result = function(*args, **kwargs)
            self.point()
            return result

        return wrapped


@contextmanager
def stand_in_process(state: Path) -> Iterator[str]:
    """The URL of a stand-in."""
    command = [sys.executable, "-m", "curation.claude.stand_in", "--port", "0", "--state", str(state)]
    command += ["--delay-seconds", "0.02"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as server:
        assert server.stdout is not None
        yield server.stdout.readline().split()[-1]
        server.terminate()


def drive(url: str, folder: Path, requests: Sequence[Request], at: int = 0) -> tuple[Report, int]:
    """Run to the end, or to the point `at`; how many points there were."""
    killer = _Killer(at)
    ledger = Ledger(folder / "ledger.sqlite")
    event.listen(ledger._engine, "commit", killer.point)
    client = Connection("k", url).client()
    with (
        mock.patch.object(Batches, "create", killer.around(Batches.create)),
        mock.patch.object(storage, "publish", killer.around(storage.publish)),
    ):
        report = run(client, ledger, requests, str(folder / "raw"), limits=LIMITS, patience=PATIENCE)
    return report, killer.passed


def killed(url: str, folder: Path, requests: Sequence[Request], at: int) -> bool:
    """Whether a driver was killed at the point `at`; False if it finished before it."""
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


def requests_received(url: str) -> int:
    """How many requests all message batches held that the stand-in was given."""
    return int(httpx2.get(f"{url}/health").json()["counts"].get("requests", 0))
