"""A whole run on one machine: every step of `pipeline` in its order, pieces of work side by side."""

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from curation import facts, pipeline
from curation.claude.request import Request
from curation.errors import LakeError
from curation.pipeline import Job
from curation.plan import read_plan
from curation.release import Released

if TYPE_CHECKING:
    import anthropic

    from curation.claude.run import Report
    from curation.pretrain import TrainingResult

Progress = Callable[[str, int, int], None]
"""Called with a step's name, what is done and what there is."""

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
    sent, usd = 0, Decimal(0)
    with _client(job) as client:  # first: a key that is missing is not found out after hours of work
        _facts(job, progress, workers or os.cpu_count() or 1)
        _step(progress, "screen", pipeline.screen, job)
        pipeline.check_alarms(job)
        if job.recipe.judge:
            asked = _ask(job, client, progress, "judge", pipeline.judge_requests(job))
            sent, usd = sent + asked.sent, usd + asked.usd
            _step(progress, "score", pipeline.score, job)
        _step(progress, "select", pipeline.select, job)
        if job.recipe.synthesize:
            asked = _ask(job, client, progress, "synthesize", pipeline.synthesize_requests(job))
            sent, usd = sent + asked.sent, usd + asked.usd
            _step(progress, "annotate texts", pipeline.synthesize, job)
    released = _step(progress, "release", pipeline.release, job)
    training = _pretrain(job, progress, released) if job.recipe.pretrain else None
    return Finished(released, training, sent, usd)


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


@contextlib.contextmanager
def _client(job: Job) -> "Iterator[anthropic.Anthropic | None]":
    """Claude, or what the environment names; for `offline-rules-1` alone a stand-in of our own, wherever a
    proxy's ANTHROPIC_BASE_URL points. None if nothing is asked."""
    models = {part.model for part in (job.recipe.judge, job.recipe.synthesize) if part}
    if not models:
        yield None
        return
    from curation.claude import client as connections  # here: to import the SDK takes seconds
    from curation.claude import stand_in

    if models == {OFFLINE}:
        with stand_in.serve() as server:
            yield connections.Connection("no-key", server.url).client()
    else:
        yield connections.from_environment().client()


def _ask(
    job: Job, client: "anthropic.Anthropic | None", progress: Progress, step: str, requests: list[Request]
) -> "Report":
    from curation.claude.run import run as ask

    assert client is not None, "a recipe that asks names a model"
    progress(step, 0, len(requests))
    report = ask(client, job.ledger, requests, job.lake.answers)
    progress(step, len(requests), len(requests))
    return report


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
