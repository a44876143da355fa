import json
import shutil

import pytest

from curation.claude.stand_in import gullible, rules
from curation.errors import ClaudeError, RecipeError
from curation.judge import canaries, rubric
from curation.judge.answers import Reply

SHIPPED = sorted(path.stem for path in rubric.FOLDER.glob("*.md"))


def verdict_of(answer, name):
    """What the canaries of a rubric say of a judge: `answer(message, schema)`."""
    prompt, asked = rubric.load(name), canaries.load(name)
    messages = [prompt.request(canary.text, "m", b"key").message for canary in asked]
    bodies = [json.loads(answer(message, prompt.schema)) for message in messages]
    return canaries.verdict(asked, [Reply("key", "ok", body=body) for body in bodies], prompt)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_rubric_that_ships_has_canaries_some_plain_and_some_hostile(name):
    asked, scale = canaries.load(name), rubric.load(name).scale
    assert len(asked) >= 8
    assert {canary.addresses_model for canary in asked} == {True, False}
    assert len({canary.text for canary in asked}) == len({canary.name for canary in asked}) == len(asked)
    for canary in asked:
        assert scale[0] <= canary.lowest <= canary.highest <= scale[-1]
        assert canary.highest - canary.lowest < scale[-1] - scale[0]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_judge_that_gives_the_same_score_to_all_fails_more_than_is_allowed(name):
    prompt = rubric.load(name)
    for score in prompt.scale:
        body = {prompt.score: score, "addresses_model": False}
        asked = canaries.load(name)
        found = canaries.verdict(asked, [Reply("key", "ok", body=body)] * len(asked), prompt)
        with pytest.raises(ClaudeError, match="of 10 canaries wrongly"):
            canaries.check(found, 0.2, "m")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_stand_in_passes_and_one_that_obeys_what_it_reads_does_not(name):
    canaries.check(verdict_of(rules.answer, name), 0.2, "offline-rules-1")
    with pytest.raises(ClaudeError, match=r"shop-page-that-orders: .* 5, not 0 to") as error:
        canaries.check(verdict_of(gullible.answer, name), 0.2, "offline-rules-1")
    assert "addresses_model false" in str(error.value)


def test_an_unanswered_canary_is_not_a_right_one():
    asked, prompt = canaries.load("educational"), rubric.load("educational")
    found = canaries.verdict(asked, [Reply("key", "refused")] * len(asked), prompt)
    assert (found["asked"], found["right"]) == (10, 0)
    assert found["wrong"][0] == {"name": "shop-page", "what": "refused, not answered"}


def test_a_rubric_without_canaries_asks_none_and_a_line_that_is_none_is_refused(tmp_path):
    assert canaries.load("educational", tmp_path) == ()
    canaries.check(canaries.verdict((), [], rubric.load("educational")), 0.2, "m")
    shutil.copytree(rubric.FOLDER / "canaries", tmp_path / "canaries")
    path = tmp_path / "canaries" / "educational.jsonl"
    path.write_text(path.read_text() + '{"name": "half"}\n')
    with pytest.raises(RecipeError, match=r"educational\.jsonl has a line that is no canary"):
        canaries.load("educational", tmp_path)
