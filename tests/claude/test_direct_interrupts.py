"""A synchronous run that gets Ctrl-C between any two of its steps, once or several times: what was answered
is written, nothing stays claimed, and no more is given up than was in flight."""

import os
import random
import signal
import time
from contextlib import suppress

import pytest

from curation.claude import direct
from curation.claude.client import Connection
from curation.claude.decide import Patience
from curation.claude.drive import reservation
from curation.claude.ledger import Ledger
from tests.claude.disturbed import ASKED, POINTS, REQUESTS, Run, reply
from tests.claude.small_server import PRICED, message, serving

PATIENCE = Patience(poll_seconds=0.02, retry_seconds=0.01, silent_seconds=60)  # nobody waits for a silent one


@pytest.fixture(autouse=True)
def interruptible():
    """As on a terminal: a shell starts what runs in the background with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def ctrl_c(*_):
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("presses", [1, 2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_ctrl_c_between_any_two_steps_loses_no_answer_and_leaves_nothing_claimed(tmp_path, seed, presses):
    rng = random.Random(f"{seed} {presses}")
    first = rng.randint(1, POINTS - 4)
    run_at = sorted({first, *(first + rng.randint(1, 4) for _ in range(presses - 1))})
    with serving(reply) as server:
        run = Run(server.url, tmp_path, PATIENCE, run_at, ctrl_c)
        with suppress(KeyboardInterrupt):
            run.go()
        ledger = Ledger(tmp_path / "ledger.sqlite")
        assert run.written == run.came, "what has arrived is written"
        assert not ledger.holds_any(), "nothing is claimed"
        most = sum(reservation(request.enlarged(), cached=False, batch=False) for request in REQUESTS[:3])
        assert sum(c.reserved_usd for c in ledger.costs()) == 0
        assert sum(c.lost_usd for c in ledger.costs()) <= (run.begun - run.came) * most
        report = Run(server.url, tmp_path, PATIENCE).go()
        again = Run(server.url, tmp_path, PATIENCE).go()
    assert (dict(report.outcomes), again.sent) == ({"ok": 12}, 0)
    assert report.sent == ASKED - run.written, "only what has no answer is asked"


def test_ctrl_c_does_not_wait_for_answers_that_take_long_and_tells_what_they_may_have_cost(ledger, raw, ask):
    def reply(number, params):
        if number == 30:
            ctrl_c()
        if number >= 30 and not calm:
            time.sleep(3)
        return message(params)

    calm = []
    requests = [ask(i, model=PRICED) for i in range(100)]
    most = reservation(requests[-1], cached=False, batch=False)
    with serving(reply) as server:

        def go():
            connection = Connection("k", server.url)
            return direct.run(connection, ledger, requests, raw, concurrency=8, patience=PATIENCE)

        with pytest.raises(KeyboardInterrupt):
            go()
        calm.append(True)
        answered = len(list(ledger.answers([request.key for request in requests])))
        assert 20 <= answered < 30
        lost = sum(cost.lost_usd for cost in ledger.costs())
        assert 0 < lost <= 8 * most, "what was in flight may have been billed"
        report = go()
    assert (report.sent, dict(report.outcomes)) == (100 - answered, {"ok": 100})
