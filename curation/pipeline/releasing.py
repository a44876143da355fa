"""The release of everything that is kept."""

from dataclasses import replace
from typing import TYPE_CHECKING

from curation import release as releases
from curation.errors import NotPublished
from curation.facts import Partition
from curation.pipeline.decisions import check_alarms, decide
from curation.pipeline.job import Job
from curation.pipeline.judging import all_columns
from curation.pipeline.partitions import gather
from curation.pipeline.synthesizing import written
from curation.release import Released
from curation.stage import Published

if TYPE_CHECKING:
    pass


def release(job: Job) -> Released:
    """The release of everything that is kept, synthetic documents among it. Raises AlarmError."""
    check_alarms(job)
    return releases.write(job.lake, job.recipe, everything(job), decided(job))


def already_released(job: Job) -> Released | None:
    """The release of the lake's present state, if it is published. Computes nothing."""
    looking = replace(job, look_only=True)
    try:
        return releases.find(job.lake, job.recipe, decided(looking))
    except NotPublished:
        return None


def decided(job: Job) -> Published:
    """The decisions that the release follows."""
    return decide(job, everything(job), job.recipe.select.drop)


def everything(job: Job) -> list[Partition]:
    """The partitions that the release is made of: the sources', then the synthetic one."""
    partitions = gather(job, all_columns(job))
    if job.recipe.synthesize:
        texts = written(job)
        if texts is None:
            raise NotPublished(
                f"the texts of {job.synthesize.source} are not written yet; run the recipe first"
            )
        partitions.append(texts)
    return partitions
