"""What a recipe needs of a lake: the folders that its fingerprints name, and the generations that it reads.

Nothing here names a path of its own: each folder is named by the function by which the pipeline writes to it.
While a recipe is not finished with the lake's present state (a day has come, an answer is awaited), it needs
all judgments, classifiers, scores and written texts that carry its fingerprints; once it is finished, those
of the present state alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from posixpath import dirname

from curation import bands, facts, pairs, pipeline, stage, storage
from curation import release as releases
from curation.errors import NotPublished
from curation.facts import Column, Partition
from curation.judge import classifier, judgments
from curation.pipeline import Job
from curation.plan import Place
from curation.select import NEAREST_OF, Rules, bands_read
from curation.stage import Published
from curation.synthesize import documents

_STEPS = (pipeline.screen, pipeline.select, pipeline.decided)
"""What decides; after the last of them a recipe is finished with the lake's present state."""

SAFE_SECONDS = 24 * 3600
"""What is younger is left alone. A run under way has written parts that no manifest names yet, and reads
generations that have just been superseded; the longest that one waits is for a message batch, which ends
within 24 hours."""


@dataclass(frozen=True)
class Needs:
    """What a recipe needs. A folder is needed with all that is below it; of the generations in it, those in
    `manifests` (URIs) whatever their age. `found` says whether the lake holds any of its documents."""

    folders: frozenset[str] = frozenset()
    manifests: frozenset[str] = frozenset()
    found: bool = False

    def __or__(self, other: "Needs") -> "Needs":
        folders, manifests = self.folders | other.folders, self.manifests | other.manifests
        return Needs(folders, manifests, self.found or other.found)

    def holds(self, folder: str) -> bool:
        """Whether `folder` is needed, or lies below or above one that is."""
        return folder in self._above or any(above in self.folders for above in _upwards(folder))

    @cached_property
    def _above(self) -> frozenset[str]:
        return frozenset(above for folder in self.folders for above in _upwards(folder))


def needs(job: Job, times: Mapping[str, float], now: float) -> Needs:
    """What the recipe of `job`, which only looks, needs; `times` says when each file there was written."""
    state = _state(job)
    finished = len(state) == len(_STEPS)
    found = Needs(manifests=frozenset(published.uri for published in state))
    columns = list(job.columns)
    if job.recipe.judge:
        kept, learned = _judged(job, finished)
        found |= kept
        columns += [classifier.column(job.judge, published) for published in learned]
    # All columns of a place are found at once; while several classifiers are kept, their scores share a name.
    asked = [columns] if finished else [[column] for column in columns]
    where = [*pipeline.places(job.recipe), *_written(job, finished)]
    for _, of_place in storage.in_parallel(lambda place: _place(job, place, asked), where):
        found |= of_place
    found |= _duplicates(job)
    for directory in _decisions(job):
        found |= _decided(job, directory, times, now)
    if job.recipe.pretrain:  # trainings cost hours that no ledger brings back
        found |= Needs(frozenset({job.lake.trainings(job.recipe.name)}))
    return found


def standing(manifests: Sequence[str], times: Mapping[str, float], now: float, count: int = 1) -> set[str]:
    """Of the generations of a stage's folder, those that may be read: all young ones, and `count` before."""
    newest_first = sorted(manifests, reverse=True)
    young = [uri for uri in newest_first if now - times[uri] < SAFE_SECONDS]
    old = [uri for uri in newest_first if now - times[uri] >= SAFE_SECONDS]
    return {*young, *old[:count]}


def _upwards(folder: str) -> Iterator[str]:
    """`folder` and all that it lies in."""
    while folder:
        yield folder
        folder = dirname(folder) if dirname(folder) != folder else ""


def _state(job: Job) -> list[Published]:
    """The decisions about the lake's present state, as far as they are made."""
    found = []
    for step in _STEPS:
        try:
            found.append(step(job))
        except NotPublished:
            break
    return found


def _judged(job: Job, finished: bool) -> tuple[Needs, list[Published]]:
    """Judgments and classifiers, and those classifiers that are published."""
    lake, settings = job.lake, job.judge
    if finished:
        # A round is found by the classifier before it, so all are needed; of their scores only the last.
        done = pipeline.taught(job)
        folders = {one.directory for taught in done for one in (taught.judgments, taught.classifier)}
        # Or there it says that a run's cap leaves no room for one more.
        folders.add(judgments.directory(lake, settings, pipeline.screen(job), done[-1].classifier))
        return Needs(frozenset(folders)), [done[-1].classifier]
    marks = (judgments.mark(settings, is_first) for is_first in (True, False))
    answered = [lake.judgments(settings.rubric, mark, "") for mark in marks]
    mark = classifier.mark(settings)
    trained = lake.classifier(settings.column, mark, "")
    every = [stage.current(lake.classifier(settings.column, mark, name)) for name in storage.names(trained)]
    return Needs(frozenset(name.rstrip("/") for name in (*answered, trained))), [p for p in every if p]


def _written(job: Job, finished: bool) -> list[Place]:
    """Where the texts lie that were written for the recipe."""
    if job.recipe.synthesize is None:
        return []
    if finished:
        return [documents.place(job.synthesize, pipeline.select(job))]
    source, mark = job.synthesize.source, documents.mark(job.synthesize)
    return [Place(source, mark, name) for name in storage.names(job.lake.documents(source, mark, ""))]


def _place(job: Job, where: Place, asked: Sequence[Sequence[Column]]) -> Needs:
    """The facts of a partition: each of `asked` are columns that are found together."""
    lake, near = job.lake, job.recipe.select.duplicates
    folders = {lake.source(where.source, where.fingerprint), where.documents(lake)}
    folders |= {
        lake.annotations(column.name, column.fingerprint, where.source, where.partition)
        for columns in asked
        for column in columns
    }
    if near:
        folders.add(lake.bands(bands.name(near), where.source, where.partition))
    held = [partition for columns in asked if (partition := facts.find(lake, columns, where))]
    manifests = {published.uri for partition in held for published in _published(job, partition)}
    return Needs(frozenset(folders), frozenset(manifests), found=bool(manifests))


def _published(job: Job, partition: Partition) -> Iterator[Published]:
    yield partition.documents
    yield from partition.annotations.values()
    near = job.recipe.select.duplicates
    if near and "signatures" in partition.annotations:
        inputs = bands.inputs_of(partition)
        found = bands.find(job.lake, near, partition.source, partition.partition, inputs)
        yield from [found] if found else []


def _duplicates(job: Job) -> Needs:
    near = job.recipe.select.duplicates
    if near is None:
        return Needs()
    return Needs(frozenset({job.lake.index(bands.name(near)), pairs.directory(job.lake, near)}))


def _decisions(job: Job) -> set[str]:
    """The folders of decisions: of the first rules, and of all."""
    select = job.recipe.select
    by = (Rules(drop, select.duplicates) for drop in (pipeline.first_rules(job), select.drop))
    return {job.lake.decisions(job.recipe.name, rules.fingerprint) for rules in by}


def _decided(job: Job, directory: str, times: Mapping[str, float], now: float) -> Needs:
    """The generations of decisions that the next ones may go from, with the bands that these would read, and
    those that a release is made of: they say of its documents, and of those it lacks, why."""
    lake, near = job.lake, job.recipe.select.duplicates
    every = [uri for uri in times if uri.startswith(f"{directory}/manifest-")]
    read = standing(every, times, now, NEAREST_OF)
    released = {i.digest for made in releases.published(lake, job.recipe.name) for i in made.manifest.inputs}
    opened = [stage.open_manifest(uri) for uri in sorted(every)]
    kept = [p for p in opened if p.uri in read or p.manifest.digest in released]
    found = Needs(frozenset({directory}), frozenset(published.uri for published in kept))
    if near is None:
        return found
    places = {(*place, inputs) for p in kept if p.uri in read for place, inputs in bands_read(p).items()}
    looked_for = storage.in_parallel(lambda place: bands.find(lake, near, *place), places)
    folders = {lake.bands(bands.name(near), source, partition) for source, partition, _ in places}
    return found | Needs(frozenset(folders), frozenset(p.uri for _, p in looked_for if p))
