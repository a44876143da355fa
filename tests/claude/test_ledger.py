import threading
from decimal import Decimal

import pytest
import sqlalchemy

from curation.claude import ledger as ledger_module
from curation.claude.ledger import ATTEMPTS_MAX, Ledger
from curation.claude.outcome import Answer, Outcome
from curation.claude.tables import metadata
from curation.errors import ClaudeError

OK = Answer(Outcome.OK, body="{}", usage={"input_tokens": 1, "output_tokens": 1}, model="m")
EXPIRED = Answer(Outcome.EXPIRED)


def land(ledger, nonce, answer, usd="0.000000000005"):
    """Take the planned batch all the way."""
    assert ledger.submitting(nonce)
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


def test_what_the_service_failed_to_answer_goes_again_but_not_for_ever(any_ledger, ask):
    request = ask()
    for attempt in range(1, ATTEMPTS_MAX + 1):
        assert any_ledger.missing([request.key]) == [request.key]
        any_ledger.plan(f"{attempt:016}", [request])
        land(any_ledger, f"{attempt:016}", EXPIRED)
        [row] = any_ledger.answers([request.key])
        assert row.attempts == attempt
    assert any_ledger.missing([request.key]) == []
    assert any_ledger.plan("z" * 16, [request]) == set()


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
    assert any_ledger.submitting("n" * 16)
    assert not any_ledger.submitting("n" * 16)
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
    assert any_ledger.claimed([ask().key]) == set()
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
    assert ledger.claimed(keys) == set(keys[:8])
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
