"""Requests asked one by one, against the stand-in, or a server that says what a test has it say."""

import itertools
import json
import threading
import time
from dataclasses import replace
from decimal import Decimal

import pytest

from curation.claude import direct
from curation.claude.batches import Planned, submit
from curation.claude.budget import Budget
from curation.claude.client import Connection
from curation.claude.drive import reservation
from curation.claude.ledger import Ledger
from curation.claude.prices import cost
from curation.claude.purpose import Purpose
from curation.claude.run import run as run_batches
from curation.errors import BudgetError
from tests.claude.one_by_one import AWAKE, PATIENCE, asked_for, attempts, batches, rows
from tests.claude.small_server import PRICED, message, serving


def test_every_request_is_answered_once_and_a_second_run_sends_nothing(
    server, ledger, raw, ask, go, tmp_path
):
    requests = [ask(i) for i in range(40)]
    first = go(server, requests)
    assert (first.requested, first.sent, dict(first.outcomes)) == (40, 40, {"ok": 40})
    assert server.counts == {"message": 40}
    again = go(server, [*requests, requests[0], ask(99)])
    assert (again.requested, again.sent, dict(again.outcomes)) == (42, 1, {"ok": 42})
    lines = [json.loads(line) for path in (tmp_path / "raw").iterdir() for line in path.open()]
    nonces = {row["nonce"] for row in batches(ledger)}
    wanted = {f"{n}-{r.key}" for n in nonces for r in [*requests, ask(99)]}
    assert len(lines) == 41
    assert {line["custom_id"] for line in lines} < wanted


def test_answers_cost_the_full_price_and_are_told_by_purpose(ledger, ask, go):
    requests = [ask(i, model=PRICED) for i in range(30)]
    with serving() as server:
        report = go(server, requests, purpose=Purpose("r", "judge", "run-1"))
    one = cost(PRICED, {"input_tokens": 100, "output_tokens": 20}, batch=False)
    assert report.usd == ledger.usd() == 30 * one
    [told] = ledger.costs("run-1")
    assert (told.recipe, told.stage, told.requests, told.settled_usd) == ("r", "judge", 30, 30 * one)
    assert (told.reserved_usd, told.lost_usd, report.ambiguous_usd) == (0, 0, 0)
    assert (told.input_tokens, told.output_tokens) == (3000, 600)


def test_a_refusal_stands_and_a_truncated_answer_is_asked_once_more_with_more_room(ledger, ask, go):
    def reply(number, params):
        if "text number 0" in asked_for(params):
            return message(
                params, "", stop_reason="refusal", stop_details={"type": "refusal", "category": "bio"}
            )
        if "text number 1" in asked_for(params) and params["max_tokens"] == 400:
            return message(params, stop_reason="max_tokens")
        return message(params)

    requests = [ask(i) for i in range(3)]
    with serving(reply) as server:
        report = go(server, requests)
        assert [p["max_tokens"] for p in server.received if "number 1" in asked_for(p)] == [400, 1600]
    assert dict(report.outcomes) == {"refused": 1, "ok": 2}
    assert attempts(ledger, requests) == [1, 2, 1]


def test_requests_are_made_as_they_are_needed(ask, go, monkeypatch):
    monkeypatch.setattr("curation.claude.drive._REQUESTS_A_LOOK", 50)
    made, ahead = itertools.count(1), []

    class Many:
        def __iter__(self):
            for i in range(600):
                self.made = next(made)
                yield ask(i)

    many = Many()

    def reply(number, params):
        if many.made < 600:
            ahead.append(many.made - number)
        return message(params)

    with serving(reply) as server:
        report = go(server, many)
    assert dict(report.outcomes) == {"ok": 600}
    assert max(ahead) <= 50 + 32 + 3 * 8, "a look, a window, a queue and what is in flight"


# --- money


DEAR = {"input_tokens": 1500, "output_tokens": 400}  # of what a request here can cost at most


def test_no_window_is_claimed_that_could_exceed_a_cap(ledger, ask, go):
    requests = [ask(i, model=PRICED) for i in range(60)]
    most = reservation(requests[-1], cached=False, batch=False)
    one = cost(PRICED, DEAR, batch=False)
    with serving(lambda number, params: message(params, usage=DEAR)) as server:
        with pytest.raises(BudgetError, match="was not sent"):
            go(server, requests, budget=Budget(run_usd=10 * most), purpose=Purpose(run="a"))
        answered = len(rows(ledger, requests))
        assert answered == len(server.received) > 10, "what is settled makes room"
        assert 9 * most < ledger.usd() == answered * one <= 10 * most
        assert go(server, requests).sent == 60 - answered


def test_eight_runs_under_one_cap_do_not_exceed_it(ledger, raw, ask):
    cap = 20 * reservation(ask(0, model=PRICED), cached=False, batch=False)

    def take(n):
        requests = [ask(100 * n + i, model=PRICED) for i in range(40)]
        own, options = Ledger(ledger._engine.url.database), {"concurrency": 4, "patience": AWAKE}
        with pytest.raises(BudgetError):
            direct.run(Connection("k", server.url), own, requests, raw, budget=Budget(day_usd=cap), **options)
        done.append(n)

    done = []
    with serving(lambda number, params: message(params, usage=DEAR)) as server:
        threads = [threading.Thread(target=take, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(done) == 8
    assert 0 < ledger.usd() <= cap


# --- other processes


def test_what_another_run_sent_in_a_message_batch_is_waited_for(server, client, ledger, ask, go):
    planned = Planned("ab" * 8, tuple(ask(i) for i in range(3)))
    assert ledger.plan(planned.nonce, planned.requests)
    submit(client, ledger, planned)
    report = go(server, [ask(i) for i in range(5)])
    assert (report.sent, dict(report.outcomes)) == (2, {"ok": 5})
    assert server.counts["message"] == 2


def test_two_runs_at_once_ask_each_request_once(ledger, raw, ask):
    requests = [ask(i) for i in range(80)]
    reports = []

    def take(part):
        own = Ledger(ledger._engine.url.database)
        reports.append(direct.run(Connection("k", server.url), own, part, raw, concurrency=4, patience=AWAKE))

    with serving() as server:
        threads = [threading.Thread(target=take, args=(part,)) for part in (requests, requests[::-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.received) == 80
    assert [dict(report.outcomes) for report in reports] == [{"ok": 80}, {"ok": 80}]


def test_a_live_process_is_left_its_requests_and_a_silent_one_is_not(server, client, ledger, raw, ask, go):
    requests = [ask(i, model="offline-rules-1") for i in range(4)]
    assert ledger.plan("cd" * 8, requests[:2], kind="direct", reserve=lambda request: Decimal("0.25"))
    ledger.submitting("cd" * 8)
    alive, until = threading.Event(), time.monotonic() + 3

    def beat():
        while time.monotonic() < until:
            ledger.beat("cd" * 8)
            time.sleep(0.1)
        alive.set()

    threading.Thread(target=beat).start()
    report = go(server, requests, patience=replace(PATIENCE, silent_seconds=1.5))
    assert alive.is_set()
    assert (report.sent, dict(report.outcomes)) == (4, {"ok": 4})
    assert report.ambiguous_usd == Decimal("0.50")
    assert [row["state"] for row in batches(ledger)].count("failed") == 1


def test_message_batches_take_up_what_a_silent_process_left_too(server, client, ledger, raw, ask):
    requests = [ask(i) for i in range(3)]
    assert ledger.plan("ef" * 8, requests, kind="direct")
    ledger.submitting("ef" * 8)
    report = run_batches(client, ledger, requests, raw, patience=PATIENCE)
    assert (report.sent, dict(report.outcomes)) == (3, {"ok": 3})


def test_a_run_that_was_suspended_for_too_long_leaves_its_requests_to_who_has_them(ledger, raw, ask, go):
    """Suspended while it waits for an answer: meanwhile another process takes its requests and asks them."""
    requests = [ask(i) for i in range(2)]

    def reply(number, params):
        if number <= 2:  # the suspended one's
            if number == 2:
                [row] = batches(ledger)
                assert ledger.close(row["nonce"], "silent")
                with serving() as other:
                    direct.run(Connection("k", other.url), Ledger(ledger._engine.url.database), requests, raw)
            time.sleep(0.3)
        return message(params)

    with serving(reply) as server:
        report = go(server, requests)
        assert len(server.received) == 2, "it asks nothing again"
    assert dict(report.outcomes) == {"ok": 2}
    assert attempts(ledger, requests) == [1, 1]
