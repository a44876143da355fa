"""`release_R`: from the facts of every day to a release, when the last of them is there."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

from airflow.sdk import DAG, FixedKeyMapper, PartitionedAssetTimetable, TaskGroup, get_current_context, task
from airflow.sdk.definitions._internal.abstractoperator import AbstractOperator

from curation.claude.prices import is_free
from curation.recipe import ALL, Recipe
from curation_airflow import forms
from curation_airflow.gate import GateOperator
from curation_airflow.operators import MessageBatchOperator
from curation_airflow.quote import QuoteOperator
from curation_airflow.screen import ScreenOperator
from curation_airflow.tasks import DEFAULT_ARGS, log, open_job
from recipe_dags import assets
from recipe_dags.facts import facts

DOC = """
Decides about every document of **{name}** and publishes what is kept as Parquet shards. {description}

* **Starts** when a day of `documents_{name}` is published. Until every day from {start} to {last} is there it
  skips, naming the days that are missing; if nothing has changed since the last release it skips and says so.
* **By hand**: the form changes thresholds and sizes for one run. Only what depends on them is computed again,
  and only requests that the ledger lacks are sent to Claude.
* **Asking Claude** is a message batch on the connection `anthropic`. The task gives its worker back while it
  waits; clearing or killing it cancels nothing that is paid for, and sends nothing again.
* **Alarms**: if the first decisions are out of the ordinary, `screen` waits for approval before anything of
  them is sent or released; `calibration`, where the judge is held to gold labels and has become worse.
* **The gate**: where the recipe requires it, `gate` waits for approval of a classifier that has not passed.
* **Money**: what is sent is quoted first, and above the recipe's `budget.ask_usd` waits for approval; no run
  passes `budget.run_usd`, no day `budget.day_usd`.
* It cannot be backfilled: backfill `ingest_{name}`, and it follows.

The release is an event of the asset `release_{name}`, on which `pretrain_{name}` waits.
"""

SCREEN_DOC = """Decide by the rules that need no judgment. Where the decisions raise alarms (a source that
loses most of its documents, one document that stays for very many, a day out of the ordinary), wait until a
person approves or rejects them, under *Required Actions*. Gives the manifest's URI."""

JUDGE_DOC = """Have a sample of the surviving documents judged by the recipe's rubric. The sample is chosen by
a keyed hash, so it hardly changes with a day more; what was judged before is not asked again."""

ROUND_DOC = """Have the documents judged that the classifier is least sure of, and some at random. Once it
passes the gate, or two rounds have gained nothing, there is nothing to ask, and the task ends at once. Where
`budget.run_usd` leaves no room for all of them the loop ends with the classifier of the round before."""

CALIBRATE_DOC = """Have the documents with gold labels judged by the recipe's rubric, some of them twice and
some in other dress, whether or not the corpus has changed. What was judged before is not asked again."""

CALIBRATION_DOC = """Hold the judge to the gold labels and publish the report. Where it agrees with them less
than the model or prompt before did, wait until a person approves or rejects, under *Required Actions*. Gives
the manifest's URI."""

QUOTE_DOC = """Say what the next task is expected to cost. Above the recipe's `budget.ask_usd`, wait until a
person approves or rejects it, under *Required Actions*. Gives the USD expected, and the range."""

GATE_DOC = """May the classifier's score decide? It may where it has passed the gate, or was promoted; else
wait until a person who sees what it is worth promotes or rejects it, under *Required Actions*. Gives its
URI."""

MERGE_DOC = """Merge the keys of all days, by which duplicates are found, in one range of them: each range is
a task of its own. What was merged before is not merged again."""

SYNTHESIZE_DOC = """Have some of the kept documents rewritten. The answers stay in the ledger; the next task
makes documents of them."""


def release_dag(recipe: Recipe, path: str) -> DAG:
    """The DAG that decides and releases for the recipe at `path`; keyed by its name, one run at a time."""
    days = recipe.interval.days
    with DAG(
        f"release_{recipe.name}",
        description=f"Documents and columns → decisions → a release ({recipe.name})",
        schedule=PartitionedAssetTimetable(
            assets=assets.documents(recipe.name), default_partition_mapper=FixedKeyMapper(recipe.name)
        ),
        catchup=False,
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
        params=forms.params(recipe, forms.RELEASE),
        doc_md=DOC.format(name=recipe.name, description=recipe.description, start=days[0], last=days[-1]),
        tags=["curation", recipe.name],
    ) as dag:
        chain(recipe, path)
    return dag


def chain(recipe: Recipe, path: str) -> None:
    """The stages that the recipe asks for, one after the other."""
    steps: list[AbstractOperator | TaskGroup | Any] = [complete(path)]
    if any(not source.timed for source in recipe.sources):
        steps.append(facts(path, lambda context: None, publish))
    if recipe.judge and recipe.judge.gold:  # it knows nothing of the corpus: nothing new there is no reason
        steps += _asked(recipe, "calibrate", "calibrate", path, CALIBRATE_DOC)
        steps.append(_screen("calibration", "calibrate", path, CALIBRATION_DOC))
    steps.append(changed(path))
    ranges = recipe.select.duplicates.key_ranges if recipe.select.duplicates else 1
    if ranges > 1:
        steps.append(merge_keys.partial(recipe=path).expand(number=[*range(ranges)]))
    steps.append(_screen("screen", "screen", path, SCREEN_DOC))
    if recipe.judge:
        steps += _asked(recipe, "judge", "judge", path, JUDGE_DOC)
        steps.append(score(path))
        for number in range(2, recipe.judge.rounds + 1):
            steps += _asked(recipe, f"judge_{number}", f"judge_{number}", path, ROUND_DOC)
            steps.append(score.override(task_id=f"score_{number}")(path, number))
        if recipe.judge.gate == "required":
            steps.append(GateOperator(task_id="gate", job=_job(path), doc_md=GATE_DOC))
    steps.append(select(path))
    if recipe.synthesize:
        steps += [*_asked(recipe, "synthesize", "synthesize_text", path, SYNTHESIZE_DOC), synthesize(path)]
    steps.append(task(outlets=[assets.release(recipe.name)])(release)(path))
    for before, after in pairwise(steps):
        before >> after


def job_of(recipe: str) -> Any:
    """The job of the current task: the recipe, as the form of this run changes it."""
    return open_job(recipe, get_current_context()["params"], forms.RELEASE)


def _screen(task_id: str, step: str, path: str, doc: str) -> ScreenOperator:
    return ScreenOperator(task_id=task_id, job=_job(path), step=step, doc_md=doc)


def _job(path: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda context: open_job(path, context["params"], forms.RELEASE)


def _asked(recipe: Recipe, step: str, task_id: str, path: str, doc: str) -> list[AbstractOperator]:
    """The task that asks for a step, and before it, unless the model is free, the one that quotes."""
    asks = recipe.synthesize if step == "synthesize" else recipe.judge
    assert asks is not None, "a task asks for what the recipe has"
    quoted = None if is_free(asks.model) else f"quote_{step}"
    asked = partial(_requests, path, step, quoted)
    at_cap = partial(_at_cap, path, step) if step.startswith("judge_") else None
    ask = MessageBatchOperator(task_id=task_id, asked=asked, at_cap=at_cap, doc_md=doc)
    if quoted is None:
        return [ask]
    return [QuoteOperator(task_id=quoted, job=_job(path), step=step, doc_md=QUOTE_DOC), ask]


def _requests(path: str, step: str, quoted: str | None, context: Mapping[str, Any]) -> Any:
    from curation import asking
    from curation_airflow.quote import check_agreed

    job = _job(path)(context)
    found = asking.step(job.recipe, step)
    assert found is not None, "the recipe has the step for which this task was made"
    if quoted:
        check_agreed(job, step, quoted, context)
    return asking.asked(job, found, found.requests(job), context["run_id"])


def _at_cap(path: str, step: str, context: Mapping[str, Any]) -> str:
    from curation import asking

    job = _job(path)(context)
    found = asking.step(job.recipe, step)
    assert found is not None, "the recipe has the step for which this task was made"
    assert found.at_cap is not None, "the recipe has had a round before"
    return found.at_cap(job)


# A short circuit skips all that follows at once; a skipped task would hand it on one by one.
@task.short_circuit(do_xcom_push=False)
def complete(recipe: str) -> bool:
    """Is every day of the recipe in the lake? If not, the rest is skipped; the log names those missing."""
    from curation import pipeline

    # Sources without time are not waited for: their facts are made by the tasks that follow.
    absent = [name for name in pipeline.missing(job_of(recipe)) if not name.endswith(f"/{ALL}")]
    log.info("not in the lake yet: %s", ", ".join(absent) or "nothing, every day is there")
    return not absent


@task
def publish(recipe: str, plan_uris: list[str]) -> list[str]:
    """Write the manifests of the sources without time. Gives their URIs."""
    from curation import pipeline

    return pipeline.publish(open_job(recipe), list(plan_uris))


@task.short_circuit(do_xcom_push=False)
def changed(recipe: str) -> bool:
    """Would a release differ from what is published? If not, the rest is skipped: nothing is computed, and
    nothing is sent to Claude."""
    from curation import pipeline

    released = pipeline.already_released(job_of(recipe))
    if released:
        log.info("nothing has changed since %s: nothing is computed again", released.uri)
    return released is None


@task(doc_md=MERGE_DOC)
def merge_keys(recipe: str, number: int) -> int:
    """Merge the keys of range `number`. Gives its rows."""
    from curation import pipeline

    return pipeline.merge_keys(job_of(recipe), number)


@task
def score(recipe: str, number: int = 1) -> str:
    """Train the classifier on the judgments of all rounds so far and score every document. Gives the
    manifest's URI."""
    from curation import pipeline

    return pipeline.score(job_of(recipe), number).uri


@task
def select(recipe: str) -> str:
    """One decision a document: kept, or dropped with a reason; duplicates last. Gives the manifest's URI."""
    from curation import pipeline

    return pipeline.select(job_of(recipe)).uri


@task
def synthesize(recipe: str) -> str:
    """Make documents of what was written, with the parents they come from and columns of their own. Gives
    the manifest's URI."""
    from curation import pipeline

    return pipeline.synthesize(job_of(recipe)).uri


def release(recipe: str) -> str:
    """Mix, order and write the shards, the manifest and the dataset card. Gives the release's URI."""
    from curation import pipeline

    context = get_current_context()
    job = job_of(recipe)
    released = pipeline.release(job)
    event = context["outlet_events"][assets.release(job.recipe.name)]
    event.extra = {"release": released.uri}
    event.add_partitions(job.recipe.name)  # a run by hand has no partition key, and would start no training
    log.info("%s at %s", "published" if released.new else "published before, unchanged", released.uri)
    return released.uri
