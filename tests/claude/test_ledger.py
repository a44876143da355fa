import threading
import time
from decimal import Decimal

import pytest
import sqlalchemy

from curation.claude import ledger as ledger_module
from curation.claude.budget import Admission, Budget
from curation.claude.database import open_database
from curation.claude.ledger import Ledger
from curation.claude.migrations import MIGRATIONS
from curation.claude.outcome import ATTEMPTS_MAX, Answer, Outcome
from curation.claude.purpose import Purpose
from curation.claude.tables import batch_requests, metadata
from curation.errors import ClaudeError

OK = Answer(Outcome.OK, body="{}", usage={"input_tokens": 1, "output_tokens": 1}, model="m")
EXPIRED = Answer(Outcome.EXPIRED)


def land(ledger, nonce, answer, usd="0.000000000005"):
    """Take the planned batch all the way."""
    assert ledger.submitting(nonce) is Admission.SEND
    assert ledger.submitted(nonce, f"msgbatch_{nonce}")
    assert ledger.ended(nonce)
    return ledger.land(nonce, [(held, answer, Decimal(usd)) for held in ledger.held(nonce).values()])


def test_what_is_answered_is_not_missing_and_is_not_claimed_again(any_ledger, ask):
    one, two = ask(1), ask(2)
    assert any_ledger.plan("n" * 16, [one]) == {one.key}
    assert any_ledger.missing([one.key, two.key]) == [one.key, two.key]
    assert any_ledger.plan("o" * 16, [one, two]) == {two.key}, "one is in a live batch"
    assert land(any_ledger, "n" * 16, OK)
    assert any_ledger.missing([two.key, one.key]) == [two.key]
    assert any_ledger.plan("p" * 16, [one]) == set(), "one is answered"
    with pytest.raises(ClaudeError, match="pppp"):
        any_ledger.batch("p" * 16)


def test_costs_are_exact_to_the_last_token_and_add_up(any_ledger, ask):
    any_ledger.plan("n" * 16, [ask(i) for i in range(3)])
    land(any_ledger, "n" * 16, OK, usd="0.0000000625")
    assert any_ledger.usd() == Decimal("0.0000001875") == any_ledger.batch("n" * 16).usd
    assert {row.usd for row in any_ledger.answers([ask(1).key])} == {Decimal("0.0000000625")}


def is_done(ledger, request, since):
    """For the run that began then."""
    return ledger.standing([request.key], since=since)[request.key].done


def again(ledger, request, answer):
    """Send it once more, and land `answer`."""
    [row] = [*ledger.answers([request.key]), None][:1]
    nonce = f"{row.attempts + 1 if row else 1:016}"
    assert ledger.plan(nonce, [request]) == {request.key}
    assert land(ledger, nonce, answer)


def test_what_the_service_failed_to_answer_goes_again_some_times_in_a_run_and_once_in_each_later(
    any_ledger, ask
):
    """For nothing was billed, and a person was told that it helps to run again."""
    request, began = ask(), time.time()
    for attempt in range(1, ATTEMPTS_MAX + 1):
        again(any_ledger, request, EXPIRED)
        assert is_done(any_ledger, request, began) == (attempt == ATTEMPTS_MAX)
    assert any_ledger.missing([request.key]) == [request.key]
    began = time.time()
    assert not is_done(any_ledger, request, began)
    again(any_ledger, request, EXPIRED)
    assert is_done(any_ledger, request, began)
    again(any_ledger, request, OK)
    assert any_ledger.missing([request.key]) == []


def test_what_was_billed_each_time_is_given_up_for_good(any_ledger, ask):
    request = ask()
    for outcome in (Outcome.TRUNCATED, Outcome.SCHEMA_INVALID, Outcome.TRUNCATED):
        again(any_ledger, request, Answer(outcome, usage={"input_tokens": 1, "output_tokens": 1}))
    assert any_ledger.missing([request.key]) == []
    assert any_ledger.plan("z" * 16, [request]) == set()


def test_an_account_without_money_costs_no_attempt_and_the_next_run_asks_again(any_ledger, ask):
    request = ask()
    for nonce in "abcd":
        began = time.time()
        assert any_ledger.plan(nonce * 16, [request]) == {request.key}
        land(any_ledger, nonce * 16, Answer(Outcome.ERRORED, "billing_error"))
        assert is_done(any_ledger, request, began)
    assert [row.attempts for row in any_ledger.answers([request.key])] == [0]


def test_an_answer_after_a_failure_replaces_it_in_the_one_row(any_ledger, ask):
    request = ask()
    any_ledger.plan("1" * 16, [request])
    land(any_ledger, "1" * 16, EXPIRED)
    any_ledger.plan("2" * 16, [request])
    land(any_ledger, "2" * 16, OK)
    [row] = any_ledger.answers([request.key])
    assert (row.outcome, row.attempts, row.message_batch) == ("ok", 2, "2" * 16)


def test_each_step_of_a_batch_is_won_by_one_process_only(any_ledger, ask):
    any_ledger.plan("n" * 16, [ask()])
    assert any_ledger.submitting("n" * 16) is Admission.SEND
    assert any_ledger.submitting("n" * 16) is Admission.TAKEN
    assert not any_ledger.unplan("n" * 16), "it may have been sent"
    assert not any_ledger.ended("n" * 16), "its id is not known"
    assert any_ledger.submitted("n" * 16, "msgbatch_1")
    assert any_ledger.known(["msgbatch_1", "msgbatch_2"]) == {"msgbatch_1"}
    assert any_ledger.ended("n" * 16)
    answers = [(held, OK, Decimal(0)) for held in any_ledger.held("n" * 16).values()]
    assert any_ledger.land("n" * 16, answers)
    assert not any_ledger.land("n" * 16, answers)
    assert not any_ledger.failed("n" * 16, "too late")
    assert any_ledger.batch("n" * 16).counts == {"ok": 1}


def test_a_batch_given_up_frees_its_requests_and_says_why(any_ledger, ask):
    any_ledger.plan("n" * 16, [ask()])
    assert any_ledger.failed("n" * 16, "gone")
    assert (any_ledger.batch("n" * 16).state, any_ledger.batch("n" * 16).reason) == ("failed", "gone")
    assert any_ledger.claims([ask().key]) == {}
    assert any_ledger.plan("o" * 16, [ask()]) == {ask().key}


def test_drivers_that_plan_the_same_at_once_claim_each_request_once(any_ledger, ask):
    requests = [ask(i) for i in range(60)]
    claimed: list[set[str]] = []
    threads = [
        threading.Thread(target=lambda n=n: claimed.append(any_ledger.plan(f"{n:016}", requests[n * 5 :])))
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(map(len, claimed)) == len(set().union(*claimed)) == 60


def test_more_keys_than_a_query_takes_are_looked_up_whole(ledger, ask, monkeypatch):
    monkeypatch.setattr(ledger_module, "_KEYS_A_QUERY", 3)
    monkeypatch.setattr(ledger_module, "_ROWS_AN_INSERT", 2)
    requests = [ask(i) for i in range(10)]
    keys = [request.key for request in requests]
    ledger.plan("n" * 16, requests[:8])
    assert ledger.claims(keys) == dict.fromkeys(keys[:8], "n" * 16)
    land(ledger, "n" * 16, OK)
    assert ledger.missing(keys) == keys[8:]
    assert len(list(ledger.answers(keys))) == 8


def test_the_migrations_make_the_tables_that_queries_expect(any_ledger):
    inspector = sqlalchemy.inspect(any_ledger._engine)
    for table in metadata.tables.values():
        made = {column["name"]: column for column in inspector.get_columns(table.name)}
        assert set(made) == set(table.columns.keys())
        for name, column in table.columns.items():
            assert made[name]["nullable"] in (
                column.nullable,
                True if column.primary_key else column.nullable,
            )


def test_a_ledger_opened_twice_keeps_what_it_knows(tmp_path, ask):
    Ledger(tmp_path / "deep" / "l.sqlite").plan("n" * 16, [ask()])
    assert Ledger(tmp_path / "deep" / "l.sqlite").batch("n" * 16).request_count == 1


def test_a_ledger_that_cannot_be_opened_is_named_without_its_password():
    with pytest.raises(ClaudeError, match=r"u:\*\*\*@") as caught:
        Ledger("postgresql+psycopg://u:hunter2@127.0.0.1:1/none?connect_timeout=1")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_database_without_a_driver_is_an_error_without_its_password():
    with pytest.raises(ClaudeError, match="no database driver") as caught:
        Ledger("nosuchbase://u:hunter2@h/x")
    assert "hunter2" not in str(caught.value)


def test_a_ledger_of_the_first_version_keeps_its_answers_and_its_live_batches(tmp_path, ask, monkeypatch):
    """It was shipped: what is paid for in it must not be paid for again."""
    path = tmp_path / "l.sqlite"
    monkeypatch.setattr("curation.claude.migrations.MIGRATIONS", MIGRATIONS[:1])
    engine = open_database(str(path))
    monkeypatch.undo()
    row = {"key": ask(1).key, "nonce": "n" * 16, "text_digest": "t", "prompt_digest": "p", "model": "m"}
    cut = dict.fromkeys(("text_digest", "prompt_digest", "model", "settings", "message_batch"), "x")
    cut |= {"key": ask(2).key, "outcome": "truncated", "detail": "", "usd": 1, "attempts": 1, "replicate": 0}
    with engine.begin() as db:
        names = ", ".join(cut)
        insert = f"INSERT INTO answers ({names}, settled) VALUES (:{', :'.join(cut)}, FALSE)"
        db.execute(sqlalchemy.text(insert), cut)
        db.execute(batch_requests.insert().values(row | {"settings": "s", "replicate": 0}))
        db.exec_driver_sql(
            "INSERT INTO message_batches (nonce, state, model, request_count, planned_at, submitting_at) "
            "VALUES ('nnnnnnnnnnnnnnnn', 'ended', 'm', 1, 1.0, 2.0)"
        )
    ledger = Ledger(path)
    [held] = ledger.held("n" * 16).values()
    assert ledger.land("n" * 16, [(held, OK, Decimal("0.5"))])
    assert ledger.missing([ask(1).key]) == []
    assert ledger.standing([ask(2).key])[ask(2).key].truncated, "it goes again with more room"
    assert [(cost.recipe, cost.model, cost.settled_usd) for cost in ledger.costs()] == [
        ("", "m", Decimal("0.5"))
    ]


def reserving(ledger, nonce, request, usd, run="r", stage="judge"):
    """Plan a batch of one request that can cost `usd`."""
    purpose = Purpose("recipe", stage, run)
    assert ledger.plan(nonce, [request], purpose=purpose, reserve=lambda _: Decimal(usd))


def test_a_batch_that_could_exceed_a_cap_is_not_sent_until_others_have_settled_lower(any_ledger, ask):
    budget = Budget(run_usd=Decimal(10))
    reserving(any_ledger, "1" * 16, ask(1), 6)
    reserving(any_ledger, "2" * 16, ask(2), 6)
    reserving(any_ledger, "3" * 16, ask(3), 6, run="another")
    assert any_ledger.submitting("1" * 16, budget=budget) is Admission.SEND
    assert any_ledger.submitting("2" * 16, budget=budget) is Admission.FULL
    assert any_ledger.submitting("3" * 16, budget=budget) is Admission.SEND, "a run counts by itself"
    assert any_ledger.batch("2" * 16).state == "planned"
    any_ledger.submitted("1" * 16, "msgbatch_1")
    any_ledger.ended("1" * 16)
    assert any_ledger.room(budget, "r").now == 4
    any_ledger.land("1" * 16, [(held, OK, Decimal("1.5")) for held in any_ledger.held("1" * 16).values()])
    assert any_ledger.room(budget, "r").now == any_ledger.room(budget, "r").ever == Decimal("8.5")
    assert any_ledger.submitting("2" * 16, budget=budget) is Admission.SEND


def test_the_days_cap_counts_every_run_of_the_ledger_but_not_of_yesterday(any_ledger, ask, monkeypatch):
    budget = Budget(day_usd=Decimal(10))
    for i, run in enumerate(("a", "b")):
        reserving(any_ledger, f"{i:016}", ask(i), 6, run=run)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 86_400)
    assert any_ledger.submitting(f"{0:016}", budget=budget) is Admission.SEND
    assert any_ledger.submitting(f"{1:016}", budget=budget) is Admission.FULL
    monkeypatch.setattr(time, "time", lambda: now)
    assert any_ledger.submitting(f"{1:016}", budget=budget) is Admission.SEND


def test_what_was_given_up_keeps_its_reservation_if_it_may_have_been_billed(any_ledger, ask):
    budget = Budget(run_usd=Decimal(10))
    for i, way in enumerate((any_ledger.failed, any_ledger.refused)):
        nonce = f"{i:016}"
        reserving(any_ledger, nonce, ask(i), 4)
        assert any_ledger.submitting(nonce, budget=budget) is Admission.SEND
        assert any_ledger.room(budget, "r").now == 6 - (4 if i else 0)
        assert way(nonce, "why")
        assert any_ledger.room(budget, "r").ever == 6
    reserving(any_ledger, "5" * 16, ask(5), 4)
    assert any_ledger.room(budget, "r").now == 6, "a plan costs nothing"
    assert [(c.lost_usd, c.reserved_usd) for c in any_ledger.costs("r")] == [(Decimal(4), Decimal(0))]


def test_what_is_free_passes_a_cap_that_is_used_up(any_ledger, ask):
    reserving(any_ledger, "1" * 16, ask(1), 0)
    assert any_ledger.submitting("1" * 16, budget=Budget(run_usd=Decimal(0))) is Admission.SEND


def test_a_full_queue_at_the_service_is_waited_for_but_one_batch_always_goes(any_ledger, ask):
    any_ledger.plan("1" * 16, [ask(i) for i in range(5)])
    any_ledger.plan("2" * 16, [ask(6)])
    assert any_ledger.submitting("1" * 16, queue=3) is Admission.SEND
    assert any_ledger.submitting("2" * 16, queue=3) is Admission.FULL
    any_ledger.submitted("1" * 16, "msgbatch_1")
    any_ledger.ended("1" * 16)
    assert any_ledger.submitting("2" * 16, queue=3) is Admission.SEND


def test_costs_are_told_by_recipe_stage_and_model(any_ledger, ask):
    usage = {"input_tokens": 7, "output_tokens": 2, "cache_read_input_tokens": 5}
    answer = Answer(Outcome.OK, body="{}", usage=usage, model="m")
    for i, (stage, run) in enumerate((("judge", "a"), ("judge", "b"), ("synthesize", "a"))):
        reserving(any_ledger, f"{i:016}", ask(i), 3, run=run, stage=stage)
        land(any_ledger, f"{i:016}", answer, usd="0.25")
    reserving(any_ledger, "9" * 16, ask(9), 3, run="a", stage="synthesize")
    any_ledger.submitting("9" * 16)
    told = [(c.stage, c.requests, c.input_tokens, c.output_tokens, c.read_tokens) for c in any_ledger.costs()]
    assert told == [("judge", 2, 14, 4, 10), ("synthesize", 1, 7, 2, 5)]
    [judge, texts] = any_ledger.costs("a")
    assert (judge.settled_usd, judge.reserved_usd, judge.recipe) == (Decimal("0.25"), Decimal(0), "recipe")
    assert (texts.settled_usd, texts.reserved_usd, texts.requests) == (Decimal("0.25"), Decimal(3), 1)
    assert any_ledger.usd() == Decimal("0.75")


def test_a_result_line_that_comes_twice_is_paid_once_wherever_it_comes(any_ledger, ask, monkeypatch):
    monkeypatch.setattr(ledger_module, "_ROWS_AN_INSERT", 2)
    any_ledger.plan("n" * 16, [ask(i) for i in range(3)])
    any_ledger.submitting("n" * 16)
    any_ledger.submitted("n" * 16, "msgbatch_1")
    any_ledger.ended("n" * 16)
    landed = [(held, OK, Decimal(1)) for held in any_ledger.held("n" * 16).values()]
    assert any_ledger.land("n" * 16, iter([landed[0], *landed, landed[2]]))
    assert (any_ledger.batch("n" * 16).usd, any_ledger.batch("n" * 16).counts) == (Decimal(3), {"ok": 3})
    assert {row.attempts for row in any_ledger.answers([ask(i).key for i in range(3)])} == {1}


def direct(ledger, requests, reserve="0.5"):
    """A direct batch that has begun."""
    nonce = "d" * 16
    ledger.plan(nonce, requests, kind="direct", reserve=lambda request: Decimal(reserve))
    assert ledger.submitting(nonce) is Admission.SEND
    return nonce, ledger.held(nonce)


def test_a_direct_batch_is_settled_some_answers_at_a_time_and_lands_with_the_last(any_ledger, ask):
    requests = [ask(i) for i in range(3)]
    nonce, held = direct(any_ledger, requests)
    some = [(held[request.key], OK, Decimal("0.1")) for request in requests]
    assert any_ledger.settle(nonce, some[:2], Decimal("1.0"))
    batch = any_ledger.batch(nonce)
    assert (batch.state, batch.usd, batch.reserved, batch.counts) == (
        "submitting",
        Decimal("0.2"),
        Decimal("0.5"),
        {"ok": 2},
    )
    assert any_ledger.missing([request.key for request in requests]) == [requests[2].key]
    assert any_ledger.room(Budget(run_usd=Decimal(1)), "").now == Decimal("0.3"), "both are committed"
    assert any_ledger.settle(nonce, some[2:], Decimal("0.5"))
    assert any_ledger.batch(nonce).state == "landed"
    [told] = any_ledger.costs()
    assert (told.requests, told.settled_usd, told.reserved_usd, told.lost_usd) == (3, Decimal("0.3"), 0, 0)
    assert (told.input_tokens, told.output_tokens) == (3, 3)
    assert any_ledger.claims([request.key for request in requests]) == {}


def test_a_direct_batch_that_is_closed_frees_the_rest_and_keeps_what_may_have_been_billed(any_ledger, ask):
    requests = [ask(i) for i in range(3)]
    nonce, held = direct(any_ledger, requests)
    assert any_ledger.settle(nonce, [(held[requests[0].key], OK, Decimal("0.1"))], Decimal("0.5"))
    assert any_ledger.close(nonce, "silent")
    assert not any_ledger.close(nonce, "silent"), "only once"
    [told] = any_ledger.costs()
    assert (told.requests, told.settled_usd, told.lost_usd) == (1, Decimal("0.1"), Decimal("1.0"))
    assert any_ledger.plan("e" * 16, requests) == {request.key for request in requests[1:]}


def test_who_was_taken_for_dead_writes_nothing_any_more(any_ledger, ask):
    nonce, held = direct(any_ledger, [ask(1)])
    assert any_ledger.beat(nonce)
    assert any_ledger.close(nonce, "silent", lost=Decimal("0.5"))
    assert any_ledger.plan("e" * 16, [ask(1)]), "another's now"
    assert not any_ledger.beat(nonce)
    assert not any_ledger.settle(nonce, [(held[ask(1).key], OK, Decimal("0.1"))], Decimal("0.5"))
    assert list(any_ledger.answers([ask(1).key])) == []
    assert any_ledger.usd() == 0


def test_an_answer_that_is_settled_twice_counts_once(any_ledger, ask):
    nonce, held = direct(any_ledger, [ask(1), ask(2)])
    one = (held[ask(1).key], OK, Decimal("0.1"))
    assert any_ledger.settle(nonce, [one, one], Decimal("0.5"))
    assert any_ledger.settle(nonce, [one], Decimal(0))
    assert any_ledger.usd() == Decimal("0.1")
    assert [row.attempts for row in any_ledger.answers([ask(1).key])] == [1]


def test_a_url_that_cannot_be_read_is_an_error_that_does_not_repeat_it():
    with pytest.raises(ClaudeError) as raised:
        Ledger("postgresql+psycopg://user:hunter2@host:not-a-port/db")
    assert "hunter2" not in str(raised.value)


def test_who_only_looks_makes_and_migrates_nothing(tmp_path, ask):
    at = tmp_path / "new" / "ledger.sqlite"
    assert Ledger(at, look_only=True).costs() == []
    assert not at.parent.exists()
    Ledger(at).plan("n" * 16, [ask(1)])
    before = at.stat().st_mtime_ns
    looking = Ledger(at, look_only=True)
    assert looking.claims([ask(1).key, ask(2).key]) == {ask(1).key: "n" * 16}
    with pytest.raises(sqlalchemy.exc.OperationalError, match="readonly"):
        looking.plan("o" * 16, [ask(2)])
    assert (list(at.parent.iterdir()), at.stat().st_mtime_ns) == ([at], before)
    with open_database(str(at)).execution_options(write=True).begin() as db:
        db.execute(sqlalchemy.text("DELETE FROM schema_version WHERE version > 1"))
    with pytest.raises(ClaudeError, match="of version 1"):
        Ledger(at, look_only=True)
