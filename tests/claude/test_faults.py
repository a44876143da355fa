"""The driver through everything that the service may do to it: nothing is lost, nothing is paid for twice.

tests/benchmarks/faults.py has these, and all pairs of them.
"""

import pytest

from curation.claude.stand_in.faults import FAULTS
from tests.claude.fault_case import LATE, Attempt, drive, is_doubled, is_kept


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_loses_no_answer_and_pays_for_none_twice(name, tmp_path):
    case = drive([name], tmp_path)
    assert case.struck.get(name), "the fault did not happen"
    assert (case.lost, case.doubled, case.crashes) == ([], [], [])
    assert len(case.stops) == (name == "spend_limit"), "a person is asked only where waiting does not help"


@pytest.mark.parametrize("seed", [3, 12])  # that once paid twice
def test_a_lost_batch_that_ends_late_and_is_not_found_then_is_paid_for_once(tmp_path, seed):
    case = drive(LATE, tmp_path, seed=seed)
    assert set(case.struck) == set(LATE)
    assert (case.lost, case.doubled, case.crashes, case.stops) == ([], [], [], [])


def test_a_spend_limit_ends_the_run_with_what_to_do_and_a_later_run_completes(tmp_path):
    case = drive(["spend_limit"], tmp_path)
    assert "enforced_spend_limit_reached" in case.stops[0]
    assert "account" in case.stops[0]
    assert "run again" in case.stops[0]
    assert (case.runs, case.lost, case.doubled) == (2, [], [])


def attempt(batch, sent, ended, outcome, value=None):
    return Attempt(
        batch, f"2026-01-01T00:00:{sent:02}", ended and f"2026-01-01T00:00:{ended:02}", outcome, value
    )


@pytest.mark.parametrize(
    ("tries", "doubled"),
    [
        ([attempt(1, 1, 2, "ok")], False),
        ([attempt(1, 1, 2, "ok"), attempt(2, 3, 4, "ok")], True),
        ([attempt(1, 1, 2, "refused"), attempt(2, 3, 4, "ok")], True),
        ([attempt(1, 1, 2, "errored"), attempt(2, 3, 4, "ok")], False),
        ([attempt(1, 1, 4, "expired"), attempt(2, 3, 5, "ok")], True),
        ([attempt(1, 1, "", "processing"), attempt(2, 3, 5, "ok")], True),
        ([attempt(1, 1, 2, "truncated"), attempt(2, 3, 4, "truncated")], False),
        ([attempt(i, i, i, "truncated") for i in (1, 2, 3)], True),
        ([attempt(i, i, i, each) for i, each in enumerate(("truncated", "schema_invalid", "ok"), 1)], False),
        ([attempt(i, i, i, "expired") for i in (1, 2, 3)], False),
        ([attempt(i, i, i, "expired") for i in (1, 2, 3, 4)], True),
    ],
)
def test_the_account_tells_a_request_that_was_sent_once_too_often(tries, doubled):
    assert is_doubled(tries) is doubled


def test_the_account_tells_an_answer_that_was_lost():
    class Row:
        outcome, body = "ok", '{"score": 1}'

    class Failed:
        outcome, body = "expired", None

    answered = [attempt(1, 1, 2, "expired"), attempt(2, 3, 4, "ok", {"score": 1})]
    assert is_kept(Row, answered)
    assert not is_kept(Row, [attempt(1, 1, 2, "ok", {"score": 2})])
    assert not is_kept(Failed, answered)
    assert is_kept(Failed, answered[:1])
    assert not is_kept(None, answered)
