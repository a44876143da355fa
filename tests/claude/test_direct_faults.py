"""Asking one by one through everything that the service, or a user, may do to it: nothing is lost, nothing is
paid for twice, and all that was billed is told.

tests/benchmarks/faults_direct.py has every fault by itself, and all pairs of them.
"""

import pytest

from tests.claude.direct_fault_case import FAULTS_HERE, Given, drive, is_doubled

CASES = [
    ("spend_limit",),
    ("dropped_stream",),
    ("other_model",),
    ("no_schema",),
    ("lost_answer", "interrupted"),
    ("truncation", "killed"),
    ("late", "server_error"),
    ("killed", "interrupted"),
]


@pytest.mark.parametrize("faults", CASES, ids=" ".join)
def test_faults_lose_no_answer_pay_for_none_twice_and_hide_no_cost(faults, tmp_path):
    case = drive(faults, tmp_path)
    assert all(case.struck[name] for name in faults), "the fault did not happen"
    assert (case.lost, case.doubled, case.crashes) == ([], [], [])
    assert (case.untold_usd, case.held_usd) == (0, 0)
    stops = len(case.stops) - ("other_model" in faults and case.stops != [])  # it may be the first to answer
    assert stops == ("spend_limit" in faults), "a person is asked only where waiting does not help"


def test_every_kind_of_trouble_with_a_single_request_is_among_the_faults():
    assert {"rate_limit", "rate_limit_bare", "overloaded", "refusals", "bad_json"} < set(FAULTS_HERE)
    assert not {"expiry", "results_404", "cancel"} & set(FAULTS_HERE), "of message batches"


def given(outcome, *, was_settled=False, is_whole=True):
    return Given(outcome, None, was_settled, is_whole)


@pytest.mark.parametrize(
    ("tries", "is_heard", "doubled"),
    [
        ([given("ok")], True, False),
        ([given("ok"), given("ok")], True, True),
        ([given("ok", is_whole=False), given("ok")], True, False),
        ([given("ok"), given("ok")], False, False),
        ([given("ok"), given("ok", was_settled=True)], False, True),
        ([given("refused"), given("ok")], True, True),
        ([given("errored"), given("ok")], True, False),
        ([given("errored")] * 3, True, False),
        ([given("errored")] * 4, True, True),
    ],
)
def test_the_account_tells_a_request_that_was_sent_once_too_often(tries, is_heard, doubled):
    assert is_doubled(tries, 1, is_heard) is doubled
