"""The first decisions, by the rules that need no judgment, and the alarms that stop what is paid for."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import curation.select
from curation import alarms, approvals, bands, index, rules
from curation.errors import NotPublished, RecipeError
from curation.facts import Partition
from curation.judge import (
    classifier,
)
from curation.pipeline.job import Job
from curation.pipeline.partitions import gather
from curation.select import Rules
from curation.stage import Published

if TYPE_CHECKING:
    pass


def merge_keys(job: Job, number: int) -> int:
    """Add to one of the index's ranges (`select.duplicates.key_ranges`) the keys that it lacks; how many rows
    it has then. What follows would do it too, one range after the other."""
    settings = job.recipe.select.duplicates
    if settings is None:
        raise RecipeError(f"recipe {job.recipe.name} removes no duplicates: it has no index")
    made = [bands.publish(job.lake, settings, partition) for partition in gather(job, job.columns)]
    return sum(s.file.rows for s in index.cover_range(job.lake, settings, made, number))


def screen(job: Job) -> Published:
    """Decide by the rules that need no judgment: whose documents may be judged."""
    return decide(job, gather(job, job.columns), first_rules(job))


def first_rules(job: Job) -> dict[str, str]:
    """The rules that need no judgment."""
    drop = job.recipe.select.drop
    judged = set(classifier.schema(job.recipe.judge).names) if job.recipe.judge else set()
    reads = rules.check(drop, job.schema)
    return {reason: condition for reason, condition in drop.items() if not judged & reads[reason]}


def decide(job: Job, partitions: Sequence[Partition], drop: Mapping[str, str]) -> Published:
    by = Rules(drop, job.recipe.select.duplicates)
    if job.look_only:
        found = curation.select.find(job.lake, job.recipe.name, partitions, by)
        if found is None:
            raise NotPublished(
                f"the recipe or its inputs have changed since {job.recipe.name} was run; run it first"
            )
        return found
    return curation.select.decide(job.lake, job.recipe.name, partitions, by)


def check_alarms(job: Job, step: Callable[[Job], Published] = screen) -> None:
    """Raises AlarmError, with the evidence, if what a step gives (the first decisions, or `calibrate`) raises
    alarms that no one has approved.

    Each step that is paid for, and the release, asks anew about the decisions: the lake may have got another
    day meanwhile. What the judge's column drops later raises none.
    """
    made = step(job)
    if pending := approvals.pending(job.lake, job.recipe.alarms, made):
        raise alarms.error(pending, made)
