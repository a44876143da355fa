from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.claude.budget import Cap, Room, Spent, fit, room
from curation.errors import BudgetError, RunBudgetError

usd = st.integers(0, 50).map(Decimal)


def under(settled, in_flight=0, lost=0):
    return Spent(Decimal(settled), Decimal(in_flight), Decimal(lost))


def test_the_tightest_cap_counts_now_and_in_the_end():
    run, day = Cap("run", Decimal(10), under(1, 8), is_of_run=True), Cap("day", Decimal(20), under(14, 0, 2))
    found = room([run, day])
    assert (found.now, found.ever, found.cap, found.is_of_run) == (1, 4, "day of $20", False)
    with pytest.raises(RunBudgetError):
        fit([Decimal(10)], room([run]))
    assert room([]) is None


def test_without_a_cap_and_for_what_is_free_all_fits():
    assert fit([Decimal(5)] * 3, None) == 3
    assert fit([Decimal(0)] * 3, Room(Decimal(-1), Decimal(-1), "x")) == 3


def test_a_request_that_can_never_be_sent_names_its_price_the_cap_and_the_remedy():
    with pytest.raises(BudgetError, match=r"can cost \$5.*\$3.* is left under the cap.*max_tokens"):
        fit([Decimal(5)], Room(Decimal(3), Decimal(3), "the cap of $10"))


def test_what_is_in_flight_is_waited_for_rather_than_followed_by_crumbs():
    assert fit([Decimal(2)] * 9, Room(Decimal(3), Decimal(10), "x")) == 0
    assert fit([Decimal(2)] * 9, Room(Decimal(5), Decimal(10), "x")) == 2
    assert fit([Decimal(2)], Room(Decimal(3), Decimal(10), "x")) == 1, "all of it fits"


@given(st.lists(usd, min_size=1, max_size=30), usd, usd)
def test_what_is_sent_never_exceeds_the_room_and_with_nothing_in_flight_something_is_sent(wanted, now, more):
    left = Room(now, now + more, "x")
    try:
        fits = fit(wanted, left)
    except BudgetError:
        assert wanted[0] > left.ever
        return
    assert sum(wanted[:fits]) <= left.now
    if not more:
        assert fits > 0
