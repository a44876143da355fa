"""What a run does beside sending and landing: caps, the service's queue, rounds, memory, waiting in steps."""

import threading
import time
import weakref
from decimal import Decimal

import anthropic
import httpx2
import pytest
from anthropic.resources.messages.batches import Batches

from curation.claude import drive as driving
from curation.claude import stand_in
from curation.claude.batches import Planned, submit
from curation.claude.budget import Budget
from curation.claude.client import Connection
from curation.claude.decide import Patience
from curation.claude.drive import Asked, reservation
from curation.claude.ledger import Ledger
from curation.claude.outcome import Answer, Outcome
from curation.claude.purpose import Purpose
from curation.claude.run import run
from curation.claude.split import Limits
from curation.claude.stand_in import wire
from curation.claude.stand_in.messages import respond
from curation.errors import BudgetError, ClaudeError

PRICED = "offline-rules-1-priced"
RUN = Purpose("recipe", "judge", "run-1")


@pytest.fixture
def priced():
    """A stand-in that answers as a model with a price; what each of its answers costs is on the ledger."""
    with stand_in.serve(delay_seconds=0.05, model=PRICED) as server:
        yield server


def spent(ledger, run="run-1"):
    return sum((cost.settled_usd for cost in ledger.costs(run)), Decimal(0))


@pytest.fixture
def committed(monkeypatch):
    """What was settled or reserved in all, after each time that a reservation was asked for."""
    seen = []
    submitting = Ledger.submitting

    def watched(self, nonce, **options):
        admission = submitting(self, nonce, **options)
        seen.append(sum(c.settled_usd + c.reserved_usd + c.lost_usd for c in self.costs()))
        return admission

    monkeypatch.setattr(Ledger, "submitting", watched)
    return seen


def test_a_run_under_a_cap_is_answered_in_batches_that_never_reserve_more_than_the_cap(
    priced, ledger, ask, drive, committed
):
    requests = [ask(i, model=PRICED) for i in range(30)]
    cap = reservation(requests[0], cached=False) * 12
    client = Connection("k", priced.url).client()
    report = drive(client, requests, budget=Budget(run_usd=cap), purpose=RUN)
    assert dict(report.outcomes) == {"ok": 30}
    assert len(committed) > 1
    assert max(committed) <= cap
    assert report.usd == spent(ledger) > 0


def test_a_cap_that_leaves_no_room_stops_the_run_before_it_is_exceeded_and_keeps_what_landed(
    priced, ledger, ask, drive
):
    requests = [ask(i, model=PRICED) for i in range(30)]
    client = Connection("k", priced.url).client()
    each = reservation(requests[0], cached=False)
    with pytest.raises(BudgetError, match=r"run-1.*was not sent; what is landed stays"):
        drive(client, requests, budget=Budget(run_usd=each * 2), purpose=RUN)
    answered = len(requests) - len(ledger.missing(r.key for r in requests))
    assert 0 < answered < 30
    assert 0 < spent(ledger) <= each * 2
    assert drive(client, requests, purpose=RUN).sent == 30 - answered


def test_requests_that_cost_more_than_the_cap_are_never_sent(priced, ask, drive):
    client = Connection("k", priced.url).client()
    with pytest.raises(BudgetError, match="fewer max_tokens"):
        drive(client, [ask(1, model=PRICED)], budget=Budget(day_usd=Decimal("0.0000001")))
    assert priced.counts["create"] == 0


def test_parallel_runs_under_one_cap_of_the_day_do_not_exceed_it_together(
    priced, ledger, ask, drive, committed
):
    cap = reservation(ask(1, model=PRICED), cached=False) * 3
    reports = []

    def go(n):
        requests = [ask(10 * n + i, model=PRICED) for i in range(2)]
        client, own = Connection("k", priced.url).client(), Ledger(ledger._engine.url.database)
        purpose = Purpose("recipe", "judge", f"run-{n}")
        reports.append(drive(client, requests, ledger=own, budget=Budget(day_usd=cap), purpose=purpose))

    threads = [threading.Thread(target=go, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [dict(report.outcomes) for report in reports] == [{"ok": 2}] * 3
    assert max(committed) <= cap


def test_no_more_requests_are_with_the_service_than_its_queue_takes(server, ledger, ask, drive, monkeypatch):
    queued = []
    submitted = Ledger.submitted

    def watched(self, nonce, batch_id):
        queued.append(self.queued())
        return submitted(self, nonce, batch_id)

    monkeypatch.setattr(Ledger, "submitted", watched)
    client = Connection("k", server.url).client()
    report = drive(client, [ask(i) for i in range(20)], limits=Limits(requests=4, queue=8))
    assert (report.sent, dict(report.outcomes)) == (20, {"ok": 20})
    assert max(queued) == 8


def test_a_batch_of_a_run_that_died_long_ago_does_not_fill_the_queue_for_ever(ledger, ask, monkeypatch):
    ledger.plan("n" * 16, [ask(1)])
    ledger.submitting("n" * 16)
    assert ledger.queued() == 1
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 26 * 3600)
    assert ledger.queued() == 0


def test_only_what_failed_goes_again_within_the_run(ledger, ask, drive):
    """The first message batch expires in part: one run is enough, and asks again for that part only."""
    asked = []

    def expiring(params, tier):
        number = params["messages"][0]["content"].split("number ")[1].split(".")[0]
        asked.append(number)
        if int(number) % 3 == 0 and asked.count(number) == 1:
            raise wire.ApiError(529, "overloaded_error", "later")
        return respond(params, tier)

    with stand_in.serve(delay_seconds=0.05, respond=expiring) as server:
        report = drive(Connection("k", server.url).client(), [ask(i) for i in range(9)])
    assert (report.requested, report.sent, dict(report.outcomes)) == (9, 12, {"ok": 9})


def test_requests_are_gone_through_and_never_all_held(client, ask, drive, monkeypatch):
    """A million of them do not fit into memory; two message batches of them do."""
    monkeypatch.setattr(driving, "_REQUESTS_A_LOOK", 3)
    alive, most = set(), []

    class Numbered:
        def __iter__(self):
            for i in range(60):
                request = ask(i)
                alive.add(i)
                weakref.finalize(request, alive.discard, i)
                most.append(len(alive))
                yield request

    report = drive(client, Numbered(), limits=Limits(requests=5))
    assert (report.requested, report.sent, dict(report.outcomes)) == (60, 60, {"ok": 60})
    assert max(most) <= 15


def test_a_batch_of_unknown_fate_is_told_in_dollars_and_its_requests_are_sent_again(
    priced, ledger, ask, drive
):
    """Its process died between the intent and the answer; the service has nothing of it."""
    request = ask(1, model=PRICED)
    most = reservation(request, cached=False)
    ledger.plan("n" * 16, [request], purpose=RUN, reserve=lambda _: most)
    ledger.submitting("n" * 16)
    report = drive(Connection("k", priced.url).client(), [request], purpose=RUN)
    assert (report.sent, report.ambiguous_usd, dict(report.outcomes)) == (1, most, {"ok": 1})
    [cost] = ledger.costs("run-1")
    assert cost.lost_usd == most, "it may have been billed: it counts under the caps"


def losing(server):
    """A client whose message batches are lost on their way, and what it has sent."""
    sent = []

    class Losing(httpx2.HTTPTransport):
        def handle_request(self, request):
            if request.method == "POST":
                sent.append(request)
                raise httpx2.ReadError("connection reset")
            return super().handle_request(request)

    http_client = anthropic.DefaultHttpxClient(transport=Losing())
    return anthropic.Anthropic(api_key="k", base_url=server.url, http_client=http_client), sent


def test_a_service_that_loses_every_batch_is_not_fed_for_ever(server, ask, drive):
    client, sent = losing(server)
    with pytest.raises(ClaudeError, match=r"5 message batches of this run .* look at its status"):
        drive(client, [ask(1)], patience=Patience(0.02, 0.05, 0.05))
    assert len(sent) == 5


def test_who_drops_the_generator_at_each_wait_does_not_feed_it_for_ever_either(server, ledger, ask, raw):
    """As a task in Airflow does: what was sent in vain is counted in the ledger, not by a process."""
    client, sent = losing(server)
    asked, since = Asked(ledger, [ask(1)], raw, RUN, patience=Patience(0.02, 0.05, 0.05)), time.time()

    def legs():
        for _ in range(200):
            steps = driving.drive(client, asked, since=since)
            time.sleep(next(steps).seconds)
            steps.close()

    with pytest.raises(ClaudeError, match="5 message batches of this run"):
        legs()
    assert len(sent) == 5


def test_several_foreign_batches_of_the_same_count_do_not_hide_ours_nor_are_taken_for_it(ledger, ask, drive):
    with stand_in.serve(delay_seconds=0.3) as server:
        client = Connection("k", server.url).client()
        foreign = [
            client.messages.batches.create(requests=[ask(i).entry(f"{i:016}")]).id for i in range(50, 53)
        ]
        ledger.plan("n" * 16, [ask(1)])
        ledger.submitting("n" * 16)
        made = client.messages.batches.create(requests=[ask(1).entry("n" * 16)])  # and killed here
        foreign += [client.messages.batches.create(requests=[ask(9).entry("f" * 16)]).id]
        report = drive(client, [ask(1)], patience=Patience(0.05, 0.0, 0.5))
        assert (report.sent, dict(report.outcomes)) == (0, {"ok": 1})
        assert ledger.batch("n" * 16).batch_id == made.id
        assert ledger.known(foreign) == set()
        assert server.counts["create"] == 5


def test_who_waits_is_told_when_to_look_again_for_a_batch_of_unknown_fate(ledger, ask, raw):
    """Its status cannot be asked for: a trigger would wait for the others only."""
    ledger.plan("n" * 16, [ask(1)])
    ledger.submitting("n" * 16)
    with stand_in.serve(delay_seconds=60) as slow:
        client = Connection("k", slow.url).client()
        steps = driving.drive(client, Asked(ledger, [ask(1), ask(2)], raw, patience=Patience(0.05, 30.0)))
        wait = next(steps)
        steps.close()
    assert {batch.batch_id is None for batch in wait.live} == {True, False}
    assert wait.retry_seconds == pytest.approx(0.05, abs=0.05)


@pytest.mark.parametrize("tight", ["queue", "cap"])
def test_what_a_dead_run_sent_lands_with_the_next_one_though_that_asks_something_else(
    ledger, ask, raw, tmp_path, tight
):
    """Its prompt has changed meanwhile: the answers are paid for, and their room is needed."""
    old = [ask(i, model=PRICED) for i in range(4)]
    new = [ask(i, model=PRICED, prompt_digest="q" * 32) for i in range(4)]
    each = reservation(old[0], cached=False)
    with stand_in.serve(delay_seconds=0.05, model=PRICED) as server:
        client = Connection("k", server.url).client()
        planned = Planned("n" * 16, tuple(old))
        ledger.plan(planned.nonce, old, reserve=lambda _: each)
        submit(client, ledger, planned)
        limits = {"limits": Limits(queue=4)} if tight == "queue" else {"budget": Budget(day_usd=5 * each)}
        options = {"purpose": Purpose("r", "judge", "run-2"), "patience": Patience(0.05, 0.5, 0.5)}
        report = run(client, ledger, new, raw, **options, **limits)
    assert dict(report.outcomes) == {"ok": 4}
    assert ledger.in_flight() == []
    assert {row.outcome for row in ledger.answers([request.key for request in old])} == {"ok"}


def test_a_process_that_asks_one_by_one_is_waited_for_while_it_is_alive(client, ledger, ask, drive):
    ledger.plan("d" * 16, [ask(1)], kind="direct")
    ledger.submitting("d" * 16)
    steps = driving.drive(client, Asked(ledger, [ask(1), ask(2)], "raw", patience=Patience(0.05, 0.3, 0.3)))
    assert "d" * 16 in {batch.nonce for batch in next(steps).live}
    steps.close()
    assert ledger.claims([ask(1).key]) == {ask(1).key: "d" * 16}


def test_a_dropped_generator_leaves_nothing_claimed_that_was_not_sent(server, client, ledger, ask, raw):
    """So a task that cannot wait in a loop may forget it."""
    asked = Asked(ledger, [ask(i) for i in range(9)], raw, limits=Limits(requests=3, queue=3))
    steps = driving.drive(client, asked)
    wait = next(steps)
    assert wait.retry_seconds is not None
    steps.close()
    assert len(ledger.claims(ask(i).key for i in range(9))) == 3
    assert server.counts["requests"] == 3


def test_what_an_earlier_run_left_in_the_queue_is_landed_though_its_requests_come_last(
    client, ledger, ask, drive
):
    """Else it would be in the way of all that comes before it, for ever."""
    left = [ask(8), ask(9)]
    ledger.plan("n" * 16, left)
    submit(client, ledger, Planned("n" * 16, tuple(left)))
    report = drive(client, [ask(i) for i in range(10)], limits=Limits(requests=2, queue=2))
    assert (report.sent, dict(report.outcomes)) == (8, {"ok": 10})


def test_requests_that_can_be_gone_through_only_once_are_refused_and_not_silently_lost(client, ask, drive):
    with pytest.raises(TypeError, match="give a list"):
        drive(client, (ask(i) for i in range(3)))


def test_a_breakpoint_is_sent_while_it_pays_and_not_when_the_hits_that_were_measured_are_few(
    client, ledger, ask, drive, monkeypatch
):
    sent = []
    create = Batches.create

    def watched(self, *, requests, **options):
        sent.extend("cache_control" in request["params"]["system"][0] for request in requests)
        return create(self, requests=requests, **options)

    monkeypatch.setattr(Batches, "create", watched)
    rubric = "Judge by this. " * 600

    def question(i):
        return ask(i, system=rubric, prompt_digest="p" * 32, model=PRICED)

    with stand_in.serve(delay_seconds=0.05, model=PRICED) as server:
        priced_client = Connection("k", server.url).client()
        drive(priced_client, [question(1)])
        assert sent == [True], "nothing is known of its hits"
        ledger.plan("n" * 16, [question(2)])
        ledger.submitting("n" * 16)
        ledger.submitted("n" * 16, "msgbatch_1")
        ledger.ended("n" * 16)
        usage = {"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": 10_000_000}
        missed = Answer(Outcome.OK, body="{}", usage=usage, model=PRICED)
        ledger.land("n" * 16, [(held, missed, Decimal(0)) for held in ledger.held("n" * 16).values()])
        drive(priced_client, [question(3)])
    assert sent == [True, False]
