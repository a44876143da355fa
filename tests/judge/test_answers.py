import pytest

from curation.claude.outcome import Outcome
from curation.errors import ClaudeError
from curation.judge.answers import Reply, check_refusals


def replies(ok, refused, category="bio"):
    return [Reply("k", Outcome.OK)] * ok + [Reply("k", Outcome.REFUSED, category)] * refused


def check(made, strata, refused_max, before=()):
    check_refusals(list(zip(made, strata, strict=True)), before, refused_max)


def test_a_stratum_that_is_refused_stops_the_run_though_the_whole_is_covered():
    made = replies(180, 0) + replies(15, 5)
    strata = ["web/en"] * 180 + ["wiki/en"] * 20
    check(made, strata, 0.25)
    with pytest.raises(ClaudeError) as error:
        check(made, strata, 0.2)
    assert str(error.value).startswith("refused: 5 of 20 in wiki/en (5 bio); judge.refusals_max is 20%")


def test_a_few_documents_say_nothing_about_their_stratum():
    check(replies(0, 19), ["wiki"] * 19, 0.2)
    with pytest.raises(ClaudeError, match="20 of 20 in wiki"):
        check(replies(0, 20), ["wiki"] * 20, 0.2)


def test_every_stratum_is_named_with_its_categories():
    made = replies(10, 8, "bio") + replies(0, 2, "cyber") + replies(10, 10, "")
    with pytest.raises(ClaudeError) as error:
        check(made, ["a"] * 20 + ["b"] * 20, 0.2)
    assert "10 of 20 in a (8 bio, 2 cyber); 10 of 20 in b (10 no category)" in str(error.value)


def test_a_stratum_that_a_later_round_chose_hard_cases_of_counts_with_what_was_judged_before():
    """And fewer than 20 of them, which no run to come would find otherwise, end nothing."""
    before = [(reply, "wiki") for reply in replies(80, 0)]
    check(replies(0, 20), ["wiki"] * 20, 0.2, before)
    with pytest.raises(ClaudeError, match="21 of 101 in wiki"):
        check(replies(0, 21), ["wiki"] * 21, 0.2, before)
    check(replies(0, 19), ["wiki"] * 19, 0.2, before[:19])
