"""The judge held to gold labels, and what of a job may raise alarms."""

from collections.abc import Iterable, Iterator
from functools import partial

from curation import alarms, approvals
from curation.claude.request import Request
from curation.errors import NotPublished
from curation.judge import calibration
from curation.pipeline.decisions import screen
from curation.pipeline.job import Job
from curation.stage import Published


def calibrate_requests(job: Job) -> list[Request]:
    """What is to be asked about the gold labels; nothing once the calibration is published."""
    if calibration.find(job.lake, job.recipe.name, job.judge, job.gold):
        return []
    return calibration.requests(job.key, job.judge, job.gold)


def calibrate(job: Job) -> Published:
    """The judge held to the gold labels, with its report. It may raise alarms."""
    if job.look_only:
        found = calibration.find(job.lake, job.recipe.name, job.judge, job.gold)
        if found is None:
            raise NotPublished(
                f"the judge of {job.recipe.name} is not calibrated yet; run `curation calibrate`"
            )
        return found

    standing = partial(_standing, job)
    return calibration.publish(job.lake, job.recipe.name, job.judge, job.gold, job.ledger, standing)


def _standing(job: Job, generations: Iterable[Published]) -> Iterator[Published]:
    """Of calibrations, the newest first, those by which a later one is measured: not one that was worse and
    that nobody has approved of; and none before one that somebody did approve of."""
    for earlier in generations:
        if approvals.pending(job.lake, job.recipe.alarms, earlier):
            continue
        yield earlier
        if alarms.raised(job.recipe.alarms, earlier):
            return


def alarming(job: Job) -> list[Published]:
    """What there is that may raise alarms: the judge's calibrations, by whatever labels, and the first
    decisions. Raises NotPublished if there is neither."""
    judge = job.recipe.judge
    found = calibration.of_judge(job.lake, job.recipe.name, judge) if judge else []
    try:
        return [*found, screen(job)]
    except NotPublished:
        if not found:
            raise
        return found
