"""A partition's facts: plan → ingest → annotate → publish; and all of them gathered."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from curation import bands, facts
from curation import plan as plans
from curation.errors import NotPublished, RecipeError
from curation.facts import Column, Partition
from curation.pipeline.job import Job
from curation.plan import Place
from curation.recipe import ALL, Recipe

if TYPE_CHECKING:
    pass


def plan(job: Job, partition: str | None) -> list[str]:
    """Plan URIs of the sources with time for the day `partition`; of those without, if it is None.

    The first step of all: RecipeError here if an annotator cannot be made.
    """
    days = job.recipe.interval.days
    if partition is not None and partition not in days:
        raise RecipeError(
            f"{partition} is not a day of {job.recipe.name}, which asks for {days[0]} to {days[-1]}"
        )
    facts.check(job.recipe)
    return [
        uri
        for source in job.recipe.sources
        if source.timed == (partition is not None)
        for uri in plans.plan(job.lake, source, partition or ALL)
    ]


def ingest(job: Job, plan_uri: str) -> str:
    """Turn the files of a plan into documents; the URI of the record."""
    return facts.ingest(job.recipe, job.lake, plan_uri)


def annotate(job: Job, plan_uri: str) -> None:
    """Compute the columns of the documents of a plan."""
    facts.annotate(job.recipe, job.lake, plan_uri)


def publish(job: Job, plan_uris: Sequence[str]) -> list[str]:
    """Publish the partitions that these plans are the whole of, and the keys by which their duplicates are
    found; the manifests' URIs."""
    uris = facts.publish(job.recipe, job.lake, plan_uris)
    if job.recipe.select.duplicates:
        for where in facts.places(job.recipe, plan_uris):
            partition = facts.find(job.lake, job.columns, where)
            assert partition is not None, "it has just been published"
            bands.publish(job.lake, job.recipe.select.duplicates, partition)
    return uris


def is_published(job: Job, plan_uris: Sequence[str]) -> bool:
    """Whether all that these plans would compute is published already."""
    return facts.is_published(job.recipe, job.lake, plan_uris)


def missing(job: Job) -> list[str]:
    """The partitions, as source/partition, that the recipe asks for and the lake lacks."""
    wanted = places(job.recipe)
    return [f"{p.source}/{p.partition}" for p in wanted if not facts.find(job.lake, job.columns, p)]


def gather(job: Job, columns: Sequence[Column]) -> list[Partition]:
    """The facts of all sources with these columns. Raises LakeError naming what is missing.

    Ordered by name, not as the recipe lists its sources: what follows depends on the set alone.
    """
    wanted = sorted(places(job.recipe), key=lambda where: (where.source, where.partition))
    found = {where: facts.find(job.lake, columns, where) for where in wanted}
    lacking = [f"{where.source}/{where.partition}" for where, partition in found.items() if not partition]
    if lacking:
        raise NotPublished(f"not in the lake yet: {', '.join(lacking)}; ingest and annotate them first")
    return [partition for partition in found.values() if partition]


def places(recipe: Recipe) -> list[Place]:
    """The partitions that a recipe asks for, in the order of its sources."""
    return [plans.place(s, partition) for s in recipe.sources for partition in recipe.partitions(s)]
