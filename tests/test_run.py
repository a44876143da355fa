"""How a run on one machine asks: by message batches, or one by one."""

import pytest

from curation import asking, pipeline, run
from curation.claude import stand_in
from curation.claude.client import Connection
from curation.judge import judgments
from curation.synthesize import documents
from tests.claude.asking import ask
from tests.sample import write_recipe


@pytest.mark.parametrize(
    ("overrides", "verbs"),
    [({}, {"create": 1, "message": 0}), ({"judge.direct": True}, {"create": 0, "message": 3})],
)
def test_the_recipe_says_whether_requests_go_one_by_one(tmp_path, overrides, verbs):
    job = pipeline.open_job(write_recipe(tmp_path), str(tmp_path / "lake"), overrides)
    told, requests = [], [ask(i) for i in range(3)]
    with stand_in.serve(delay_seconds=0.05) as server:
        claude = run._Claude(job, Connection("k", server.url), lambda *step: told.append(step), "run-1")
        claude.ask("judge", requests)
        assert {verb: server.counts[verb] for verb in verbs} == verbs
    assert claude.sent == 3
    assert {row.outcome for row in job.ledger.answers([r.key for r in requests])} == {"ok"}
    [cost] = job.ledger.costs("run-1")
    assert (cost.recipe, cost.stage) == (job.recipe.name, "judge")
    assert told == [("judge", 0, 3), ("judge", 3, 3)]


def test_how_requests_travel_is_no_change_of_what_is_judged_or_written(tmp_path):
    recipe = write_recipe(tmp_path)
    batch, direct = (
        pipeline.open_job(recipe, str(tmp_path / "lake"), {"judge.direct": way, "synthesize.direct": way})
        for way in (False, True)
    )
    assert judgments.mark(batch.judge) == judgments.mark(direct.judge)
    assert documents.mark(batch.synthesize) == documents.mark(direct.synthesize)


def test_a_local_model_goes_one_by_one_whatever_the_recipe_says(tmp_path):
    overrides = {"judge.model": "local/qwen"}
    job = pipeline.open_job(write_recipe(tmp_path), str(tmp_path / "lake"), overrides)
    assert {step.name: step.direct for step in asking.steps(job.recipe)} == {
        "judge": True,
        "synthesize": False,
    }


def test_how_much_is_asked_at_a_time_is_the_recipes_to_say_and_changes_no_answer(tmp_path):
    recipe = write_recipe(tmp_path)

    def asked(overrides):
        job = pipeline.open_job(recipe, str(tmp_path / "lake"), overrides)
        step = asking.step(job.recipe, "judge")
        return asking.asked(job, step, [], "run-1"), judgments.mark(job.judge)

    usual, mark = asked({})
    assert (usual.limits.queue, usual.concurrency) == (200_000, 50)
    chosen, same = asked({"claude.queue": 500_000, "claude.concurrency": 7})
    assert (chosen.limits.queue, chosen.concurrency, same) == (500_000, 7, mark)
    local, _ = asked({"judge.model": "local/qwen"})
    assert (local.direct, local.concurrency) == (True, 4), "a small server answers few at a time"
