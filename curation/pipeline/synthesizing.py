"""Texts that Claude writes from what is kept, as documents of a source of their own."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import pyarrow as pa

from curation import facts
from curation.claude.request import Request
from curation.facts import Partition
from curation.judge import prompt, sample
from curation.pipeline.decisions import check_alarms
from curation.pipeline.job import Job
from curation.pipeline.judging import all_columns, select
from curation.pipeline.partitions import gather
from curation.stage import Published
from curation.synthesize import documents
from curation.synthesize import prompt as writing

if TYPE_CHECKING:
    pass


def synthesize_requests(job: Job) -> Collection[Request]:
    """What is to be written; nothing once the texts are documents."""
    if written(job):
        return []
    check_alarms(job)
    asked = writing.load(job.synthesize.prompt)
    return prompt.requests(asked, _parents(job), job.synthesize.model, job.key)


def synthesize(job: Job) -> Published:
    """What was written, as annotated documents of a source of its own."""
    found = written(job)
    if found:
        return found.documents
    where, columns = documents.place(job.synthesize, select(job)), all_columns(job)
    part = documents.write(job.lake, job.synthesize, select(job), _parents(job), job.ledger)
    facts.annotate_part(job.lake, columns, where, part)
    return facts.publish_partition(job.lake, columns, where, [part])


def written(job: Job) -> Partition | None:
    """The synthetic documents that were written from what is kept now."""
    return facts.find(job.lake, all_columns(job), documents.place(job.synthesize, select(job)))


def _parents(job: Job) -> pa.Table:
    partitions, settings = gather(job, all_columns(job)), job.synthesize
    return sample.draw(select(job), partitions, settings.sample, seed=settings.seed, purpose="synthesize")
