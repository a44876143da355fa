"""A synchronous run that is killed between any two of its writes: each request is answered once, and no
more is paid twice than was in flight or not yet written.

The run is a fork of this process that sends itself SIGKILL at a seeded point. What it had begun and not
written it notes just before.
"""

import os
import random
import signal
import traceback

import pytest

from curation.claude.decide import Patience
from curation.claude.drive import reservation
from curation.claude.ledger import Ledger
from tests.claude.disturbed import ASKED, POINTS, REQUESTS, Run, reply
from tests.claude.small_server import serving

PATIENCE = Patience(poll_seconds=0.02, retry_seconds=0.01, silent_seconds=0.4)


def die(run):
    (run.folder / "unwritten").write_text(str(run.begun - run.written))
    os.kill(os.getpid(), signal.SIGKILL)


def killed(url, folder, at):
    """How much a run killed at the point `at` had begun and not written; None if it finished before."""
    child = os.fork()
    if child == 0:
        try:
            Run(url, folder, PATIENCE, {at}, die).go()
        except BaseException:  # noqa: BLE001 - the end of a process
            traceback.print_exc()
            os._exit(3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the run failed by itself"
    return int((folder / "unwritten").read_text()) if os.WIFSIGNALED(status) else None


@pytest.mark.parametrize("seed", range(14))
def test_a_killed_run_answers_each_request_once_and_pays_twice_only_for_what_was_in_flight(tmp_path, seed):
    rng = random.Random(seed)
    with serving(reply) as server:
        unwritten = [killed(server.url, tmp_path, rng.randint(1, POINTS)) for _ in range(2)]
        report = Run(server.url, tmp_path, PATIENCE).go()
        again = Run(server.url, tmp_path, PATIENCE).go()
        received = len(server.received)
    assert (dict(report.outcomes), again.sent) == ({"ok": 12}, 0)
    ledger = Ledger(tmp_path / "ledger.sqlite")
    rows = list(ledger.answers([request.key for request in REQUESTS]))
    assert sorted(row.key for row in rows) == sorted(request.key for request in REQUESTS)
    assert sorted(row.attempts for row in rows) == [1] * 10 + [2] * 2
    twice = received - ASKED
    assert 0 <= twice <= sum(count or 0 for count in unwritten)
    [told] = ledger.costs()
    least = min(reservation(request, cached=False, batch=False) for request in REQUESTS)
    assert told.lost_usd >= twice * least, "what may have been paid twice is told"
    assert told.reserved_usd == 0
