"""A synchronous run that is killed between any two of its writes: each request is answered once, and no
more is paid twice than was in flight or not yet written.

The run is a fork of this process that sends itself SIGKILL at a seeded point: before a ledger's commit,
before and after a request, before and after the raw lines. What it had begun and not written it notes just
before.
"""

import itertools
import os
import random
import signal
import threading
import traceback
from unittest import mock

import pytest
from sqlalchemy import event

from curation import storage
from curation.claude import direct
from curation.claude.client import Connection
from curation.claude.decide import Patience
from curation.claude.drive import reservation
from curation.claude.ledger import Ledger
from curation.claude.service import Service
from tests.claude.asking import ask
from tests.claude.small_server import PRICED, message, serving

PATIENCE = Patience(poll_seconds=0.02, retry_seconds=0.01, silent_seconds=0.4)
REQUESTS = [ask(i, model=PRICED, **({"parameters": {"max_tokens": 20}} if i < 2 else {})) for i in range(12)]
ASKED = 14  # times, if nothing is paid twice: two answers are truncated at first
POINTS = 40  # that an undisturbed run passes, about: answers come together or not


def reply(number, params):
    return message(params, stop_reason="max_tokens") if params["max_tokens"] == 20 else message(params)


class Run:
    """A run that counts the points that it passes, and dies at one of them."""

    def __init__(self, url, folder, at=0):
        self.url, self.folder, self.at = url, folder, at
        self.passed, self.lock = itertools.count(1), threading.Lock()
        self.begun = self.written = 0

    def point(self, *_):
        with self.lock:
            if next(self.passed) == self.at:
                (self.folder / "unwritten").write_text(str(self.begun - self.written))
                os.kill(os.getpid(), signal.SIGKILL)

    def create(self, uri, data):
        self.point()
        made = storage_create(uri, data)
        self.point()
        return made

    def go(self):
        run = self

        async def asked(self, *args, **kwargs):
            run.point()
            run.begun += 1
            replied = await service_ask(self, *args, **kwargs)
            run.point()
            return replied

        def settled(ledger, nonce, answered, released):
            was_ours = settle(ledger, nonce, answered, released)
            run.written += len(answered)
            return was_ours

        ledger = Ledger(self.folder / "ledger.sqlite")
        event.listen(ledger._engine, "commit", self.point)
        with (
            mock.patch.object(storage, "create", self.create),
            mock.patch.object(Ledger, "settle", settled),
            mock.patch.object(Service, "ask", asked),
            mock.patch.object(direct, "_WRITE_SECONDS", 0.01),
        ):
            connection, raw = Connection("k", self.url), str(self.folder / "raw")
            return direct.run(connection, ledger, REQUESTS, raw, concurrency=3, patience=PATIENCE)


storage_create, settle, service_ask = storage.create, Ledger.settle, Service.ask


def killed(url, folder, at):
    """How much a run killed at the point `at` had begun and not written; None if it finished before."""
    child = os.fork()
    if child == 0:
        try:
            Run(url, folder, at).go()
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
        report = Run(server.url, tmp_path).go()
        again = Run(server.url, tmp_path).go()
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
