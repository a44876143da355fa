"""A whole run on one machine: every step of `pipeline` in its order, pieces of work side by side."""

import contextlib
import logging
import multiprocessing
import os
import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from curation import asking, facts, pipeline, recipe_history
from curation.claude.request import Request
from curation.errors import LakeError, RunBudgetError
from curation.judge import lake_key
from curation.pipeline import Job
from curation.plan import read_plan
from curation.release import Released
from curation.stage import Published

if TYPE_CHECKING:
    from curation.claude.client import Connection
    from curation.pretrain import TrainingResult

Progress = Callable[[str, int, int], None]
"""Called with a step's name, what is done and what there is."""

log = logging.getLogger(__name__)

OFFLINE = "offline-rules-1"

T = TypeVar("T")


@dataclass(frozen=True)
class Finished:
    """What a run gave. `sent` and `usd` are of this run alone."""

    released: Released
    training: "TrainingResult | None"
    sent: int
    usd: Decimal


def run(job: Job, progress: Progress, workers: int | None = None) -> Finished:
    """Take the recipe the whole way: facts, decisions, judgments, texts, release, training."""
    with _claude(job, progress) as claude:  # first: a missing key is not found out after hours of work
        _facts(job, progress, workers or os.cpu_count() or 1)
        recipe_history.keep(job)
        _step(progress, "screen", pipeline.screen, job)
        pipeline.check_alarms(job)
        if job.recipe.judge:
            _calibrate(job, progress, claude)
            for number in range(1, job.recipe.judge.rounds + 1):
                _judge(job, progress, claude, number)
        _step(progress, "select", pipeline.select, job)
        if job.recipe.synthesize:
            claude.ask("synthesize", pipeline.synthesize_requests(job))
            _step(progress, "annotate texts", pipeline.synthesize, job)
    released = _step(progress, "release", pipeline.release, job)
    training = _pretrain(job, progress, released) if job.recipe.pretrain else None
    return Finished(released, training, claude.sent, claude.usd)


def _judge(job: Job, progress: Progress, claude: "_Claude", number: int) -> None:
    """A round of judging."""
    claude.ask(asking.of_round("judge", number), pipeline.judge_requests(job, number))
    _step(progress, asking.of_round("score", number), partial(pipeline.score, number=number), job)


def _calibrate(job: Job, progress: Progress, claude: "_Claude") -> None:
    """Hold the judge to its gold labels, if there are any, before it is paid for what it is to judge."""
    if job.judge.gold:
        claude.ask("calibrate", pipeline.calibrate_requests(job))
        _step(progress, "calibration", pipeline.calibrate, job)
        pipeline.check_alarms(job, pipeline.calibrate)


def calibrate(job: Job, progress: Progress) -> Published:
    """Hold the judge to its gold labels, without the rest of the recipe."""
    # What the recipe asks another model for does not matter here, nor whether that can be asked.
    alone = replace(job, recipe=job.recipe.model_copy(update={"synthesize": None}))
    with _claude(alone, progress) as claude:
        claude.ask("calibrate", pipeline.calibrate_requests(job))
        return _step(progress, "calibration", pipeline.calibrate, job)


def pilot(job: Job, progress: Progress, count: int) -> tuple[int, Decimal]:
    """Send `count` of the requests of each step that the ledger lacks, drawn at random, so that the others
    can be quoted; how many were sent, and USD. They are part of the run to come: it does not send them again.
    The recipe's caps hold."""
    from curation.claude import quoting

    lake_key.read(job.lake)  # who only looks, as below, makes none; and these are sent
    with _claude(job, progress) as claude:
        for step in asking.steps(job.recipe):
            with contextlib.suppress(*asking.WAITS):  # who quotes says what waits; the others can be sent
                claude.send(step, quoting.pilot(asking.requests(job, step) or [], job.ledger, count))
    return claude.sent, claude.usd


def _facts(job: Job, progress: Progress, workers: int) -> None:
    """Ingest and annotate every partition that the recipe asks for, and publish each."""
    days = job.recipe.interval.days if any(s.timed for s in job.recipe.sources) else ()
    plans = [uri for day in (*days, None) for uri in pipeline.plan(job, day)]
    _refuse_empty(job, plans)
    if pipeline.is_published(job, plans):
        progress("ingest and annotate", len(plans), len(plans))
        return
    progress("ingest and annotate", 0, len(plans))
    if min(workers, len(plans)) == 1:  # here: another process would import everything once more
        for done, uri in enumerate(plans, start=1):
            facts.compute(job.recipe, job.lake, uri)
            progress("ingest and annotate", done, len(plans))
    else:
        _side_by_side(job, plans, progress, min(workers, len(plans)))
    pipeline.publish(job, plans)


def _side_by_side(job: Job, plans: Sequence[str], progress: Progress, workers: int) -> None:
    # Spawned, not forked: Arrow's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = [pool.submit(facts.compute, job.recipe, job.lake, uri) for uri in plans]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                progress("ingest and annotate", done, len(plans))
        except BrokenProcessPool as error:
            raise LakeError(
                f"one of {workers} processes was killed, most likely for its memory; run again with fewer "
                "--workers: what is done is not done again"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # after an error, what waits is not begun


def _refuse_empty(job: Job, plans: Sequence[str]) -> None:
    planned = {(todo.source, todo.partition) for todo in map(read_plan, plans)}
    for source in job.recipe.sources:
        for partition in job.recipe.partitions(source):
            if (source.name, partition) not in planned:
                pattern = source.path.replace("{partition}", partition)
                raise LakeError(
                    f"source {source.name} has no files for {partition}: nothing matches {pattern}; "
                    "mend the path, or the recipe's interval"
                )


@dataclass
class _Claude:
    """Who is asked in one run of a recipe, how many requests were sent, and USD."""

    job: Job
    connection: "Connection | None"
    progress: Progress
    run_id: str
    sent: int = 0
    usd: Decimal = Decimal(0)

    def ask(self, step: str, requests: Collection[Request]) -> None:
        """Have them answered. BudgetError if they are expected to cost more than was agreed to, or could cost
        more than a cap leaves and the run does not go on without."""
        asks = asking.step(self.job.recipe, step)
        assert asks is not None, "the recipe has the step that asks"
        asking.check(self.job, asks, requests, self.connection.client() if self.connection else None)
        try:
            self.send(asks, requests)
        except RunBudgetError as error:
            if asks.at_cap is None:
                raise
            log.warning("%s %s", error, asks.at_cap(self.job))
            here = [cost for cost in self.job.ledger.costs(self.run_id) if cost.stage == step]
            self.sent += sum(cost.requests for cost in here)
            self.usd += sum((cost.settled_usd for cost in here), Decimal(0))
            self.progress(step, len(requests), len(requests))

    def send(self, step: asking.Step, requests: Collection[Request]) -> None:
        from curation.claude import direct
        from curation.claude import run as batches

        assert self.connection is not None, "a recipe that asks names a model"
        self.progress(step.name, 0, len(requests))
        asked = asking.asked(self.job, step, requests, self.run_id)
        if asked.direct:
            report = direct.ask(self.connection, asked)
        else:
            report = batches.ask(self.connection.client(), asked)
        self.sent, self.usd = self.sent + report.sent, self.usd + report.usd
        self.progress(step.name, len(requests), len(requests))


@contextlib.contextmanager
def _claude(job: Job, progress: Progress) -> "Iterator[_Claude]":
    """Claude, or what the environment names; for `offline-rules-1` alone a stand-in of our own, wherever a
    proxy's ANTHROPIC_BASE_URL points."""
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    models = {step.model for step in asking.steps(job.recipe)}
    if not models:
        yield _Claude(job, None, progress, run_id)
        return
    from curation.claude import client as connections  # here: to import the SDK takes seconds
    from curation.claude import stand_in

    if models == {OFFLINE}:
        with stand_in.serve() as server:
            yield _Claude(job, connections.Connection("no-key", server.url), progress, run_id)
    else:
        yield _Claude(job, connections.from_environment(), progress, run_id)


def _step(progress: Progress, name: str, step: Callable[[Job], T], job: Job) -> T:
    progress(name, 0, 1)
    result = step(job)
    progress(name, 1, 1)
    return result


def _pretrain(job: Job, progress: Progress, released: Released) -> "TrainingResult":
    steps = job.recipe.pretrain.steps if job.recipe.pretrain else 0
    progress("pretrain", 0, steps)
    result = pipeline.pretrain(job, released.uri, lambda row: progress("pretrain", row["step"], steps))
    progress("pretrain", steps, steps)
    return result
