import pytest

from curation.claude.outcome import Outcome
from curation.errors import ClaudeError
from curation.judge.answers import Reply, check_refusals


def replies(ok, refused, category="bio"):
    return [Reply("k", Outcome.OK)] * ok + [Reply("k", Outcome.REFUSED, category)] * refused


def test_a_stratum_that_is_refused_stops_the_run_though_the_whole_is_covered():
    made = replies(180, 0) + replies(15, 5)
    strata = ["web/en"] * 180 + ["wiki/en"] * 20
    check_refusals(made, strata, 0.25)
    with pytest.raises(ClaudeError) as error:
        check_refusals(made, strata, 0.2)
    assert str(error.value).startswith("refused: 5 of 20 in wiki/en (5 bio); judge.refusals_max is 20%")


def test_a_few_documents_say_nothing_about_their_stratum():
    check_refusals(replies(0, 19), ["wiki"] * 19, 0.2)
    with pytest.raises(ClaudeError, match="20 of 20 in wiki"):
        check_refusals(replies(0, 20), ["wiki"] * 20, 0.2)


def test_every_stratum_is_named_with_its_categories():
    made = replies(10, 8, "bio") + replies(0, 2, "cyber") + replies(10, 10, "")
    with pytest.raises(ClaudeError) as error:
        check_refusals(made, ["a"] * 20 + ["b"] * 20, 0.2)
    assert "10 of 20 in a (8 bio, 2 cyber); 10 of 20 in b (10 no category)" in str(error.value)
