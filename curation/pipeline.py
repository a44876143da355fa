"""The whole way in plain Python: what a DAG does, without Airflow.

Each step can be called at any time: what is published for the same configuration and inputs is found, not
computed. A step that needs an earlier one finds it the same way. `Job` is a recipe at work in a lake.

    plan → ingest → annotate → publish      a partition's facts
    screen → judge → score → select         decisions, at last with the classifier's column; alarms stop them
    synthesize → release → pretrain         texts, shards, a training
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

import curation.select
from curation import alarms, approvals, bands, facts, index, recipe_file, rules, stage, storage
from curation import plan as plans
from curation import release as releases
from curation.claude.prices import check_model
from curation.claude.request import Request
from curation.document import SCHEMA
from curation.errors import NotPublished, RecipeError
from curation.facts import Column, Partition
from curation.judge import (
    calibration,
    classifier,
    gate,
    judgments,
    lake_key,
    prompt,
    rounds,
    rubric,
    sample,
    strata,
)
from curation.judge import corpus_rate as corpus_rates
from curation.judge.corpus_rate import CorpusRate
from curation.judge.examples import examples_of
from curation.judge.frame import Frame
from curation.judge.gold import Gold
from curation.judge.rounds import Taught
from curation.layout import Layout
from curation.manifest import Part
from curation.plan import Place
from curation.recipe import ALL, Judge, Recipe, Synthesize
from curation.release import Released
from curation.select import Rules
from curation.stage import Published
from curation.synthesize import documents
from curation.synthesize import prompt as writing

if TYPE_CHECKING:
    from curation.claude.ledger import Ledger
    from curation.pretrain import TrainingResult


@dataclass(frozen=True)
class Job:
    """A recipe at work in a lake. `ledger_at` is a path, or the URL of a database."""

    recipe: Recipe
    lake: Layout
    ledger_at: str
    look_only: bool = False  # find what is published, compute nothing: NotPublished where something is not

    @cached_property
    def ledger(self) -> "Ledger":
        from curation.claude.ledger import Ledger  # here: to import SQLAlchemy takes a second

        return Ledger(self.ledger_at)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The annotators that need no judgment."""
        return facts.columns(self.recipe)

    @cached_property
    def gold(self) -> Gold:
        """The labels that the judge is held to. Raises RecipeError and InputError."""
        return calibration.load(self.judge)

    @property
    def schema(self) -> pa.Schema:
        """The columns that a rule may read."""
        judged = classifier.schema(self.recipe.judge) if self.recipe.judge else []
        return pa.schema([*self.first_schema, *judged])

    @property
    def first_schema(self) -> pa.Schema:
        """Those that need no judgment."""
        fields = [f for f in SCHEMA if f.name != "text"]
        return pa.schema([*fields, *(f for column in self.columns for f in column.annotator.columns)])

    @property
    def judge(self) -> Judge:
        if self.recipe.judge is None:
            raise RecipeError(f"recipe {self.recipe.name} has no `judge`: write one, or leave this step out")
        return self.recipe.judge

    @property
    def synthesize(self) -> Synthesize:
        if self.recipe.synthesize is None:
            raise RecipeError(f"recipe {self.recipe.name} has no `synthesize`: write one, or leave it out")
        return self.recipe.synthesize


def open_job(
    recipe: str | Path, lake: str, overrides: Mapping[str, Any] | None = None, ledger: str | None = None
) -> Job:
    """The job of a recipe file in a lake, checked before anything runs. Raises RecipeError, and
    ClaudeError for a model without a price."""
    layout = Layout(storage.unabbreviated(lake))
    if ledger is None and not storage.is_local(lake):
        raise RecipeError(f"the lake {lake} cannot hold the ledger: name a database or a local file for it")
    job = Job(recipe_file.load(recipe, overrides), layout, ledger or layout.ledger)
    reads = rules.check(job.recipe.select.drop, job.schema)
    _check_removal(job.recipe, frozenset().union(*reads.values()))
    _check_prompts(job.recipe)
    if job.recipe.judge:
        strata.columns(job.recipe.judge.strata, job.first_schema)
    return job


def _check_removal(recipe: Recipe, read: frozenset[str]) -> None:
    """RecipeError if texts of which removal leaves nothing could be released."""
    if "c4" in recipe.release.remove and not read & {"c4_line_count", "c4_sentence_count"}:
        raise RecipeError(
            "release.remove: of some texts C4 leaves no line, and no rule drops these; write a rule into "
            "select.drop, such as no_line_left: c4_line_count = 0, or C4's own, c4_sentence_count < 5"
        )


def _check_prompts(recipe: Recipe) -> None:
    """RecipeError or ClaudeError for a prompt that does not ship, or a model without a price."""
    if recipe.judge:
        rubric.of(recipe.judge)
        check_model(recipe.judge.model)
    if recipe.synthesize:
        writing.load(recipe.synthesize.prompt)
        check_model(recipe.synthesize.model)


# A partition's facts


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


# Decisions


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
    return _decide(job, gather(job, job.columns), first_rules(job))


def first_rules(job: Job) -> dict[str, str]:
    """The rules that need no judgment."""
    drop = job.recipe.select.drop
    judged = set(classifier.schema(job.recipe.judge).names) if job.recipe.judge else set()
    reads = rules.check(drop, job.schema)
    return {reason: condition for reason, condition in drop.items() if not judged & reads[reason]}


def check_alarms(job: Job, step: Callable[[Job], Published] = screen) -> None:
    """Raises AlarmError, with the evidence, if what a step gives (the first decisions, or `calibrate`) raises
    alarms that no one has approved.

    Each step that is paid for, and the release, asks anew about the decisions: the lake may have got another
    day meanwhile. What the judge's column drops later raises none.
    """
    made = step(job)
    if pending := approvals.pending(job.lake, job.recipe.alarms, made):
        raise alarms.error(pending, made)


def alarming(job: Job) -> list[Published]:
    """What there is that may raise alarms: the calibration and the first decisions. Raises NotPublished if
    there is neither."""
    judge = job.recipe.judge
    found = calibration.latest(job.lake, job.recipe.name, judge) if judge else None
    try:
        return [*([found] if found else []), screen(job)]
    except NotPublished:
        if found is None:
            raise
        return [found]


def check_gate(job: Job, trained: Published) -> None:
    """Raises NotPromoted if the recipe requires the gate, and the classifier has not passed it, and no one
    has promoted it."""
    if job.judge.gate == "reported" or trained.manifest.details["gate_passed"]:
        return
    if approvals.promotion(job.lake, trained) is None:
        raise gate.error(trained.uri, classifier.read_report(trained)["gate"]["failed"])


def judge_requests(job: Job, number: int = 1) -> list[Request]:
    """What is to be asked in a round about its sample; nothing once that is judged, or where the loop has
    ended before. Raises NotPublished where the round before is not done, and `job` only looks."""
    screened, done = screen(job), taught(job, number - 1)
    is_judged = len(done) >= number or judgments.find(job.lake, job.judge, screened, rounds.last(done))
    if is_judged or rounds.is_over(job.judge, done):
        return []
    check_alarms(job)
    return judgments.requests(job.lake, job.judge, _judged_sample(job, screened, done))


def calibrate_requests(job: Job) -> list[Request]:
    """What is to be asked about the gold labels; nothing once the calibration is published."""
    if calibration.find(job.lake, job.recipe.name, job.judge, job.gold):
        return []
    return calibration.requests(job.lake, job.judge, job.gold)


def calibrate(job: Job) -> Published:
    """The judge held to the gold labels, with its report. It may raise alarms."""
    if job.look_only:
        found = calibration.find(job.lake, job.recipe.name, job.judge, job.gold)
        if found is None:
            raise NotPublished(
                f"the judge of {job.recipe.name} is not calibrated yet; run `curation calibrate`"
            )
        return found

    def may_stand(earlier: Published) -> bool:
        return not approvals.pending(job.lake, job.recipe.alarms, earlier)

    return calibration.publish(job.lake, job.recipe.name, job.judge, job.gold, job.ledger, may_stand)


def corpus_rate(job: Job) -> CorpusRate | None:
    """The share of good documents among those that may be judged, as the judge says and corrected for its
    errors; None where nothing is judged, or the judge is not calibrated. Computes no stage."""
    if job.recipe.judge is None:
        return None
    looking = replace(job, look_only=True)
    try:
        screened, done = screen(looking), taught(looking)
        partitions = gather(job, (*job.columns, classifier.column(job.judge, done[-1].classifier)))
    except NotPublished:
        return None
    calibrated = calibration.latest(job.lake, job.recipe.name, job.judge)
    judged = done[0].judgments  # what was drawn from all; later rounds choose
    if calibrated is None or not corpus_rates.are_of_one_judge(calibrated, judged):
        return None
    examples, _ = examples_of([judged], _texts(job, screened, [judged]))
    return corpus_rates.measure(calibrated, judged, examples, screened, partitions, job.judge.column)


def score(job: Job, number: int = 1) -> Published:
    """Judgments of the rounds up to `number`, a classifier trained on them, its score beside every document;
    the last classifier that there is. Raises AlarmError where the judge is worse than it was."""
    if job.judge.gold:
        check_alarms(job, calibrate)
    trained = taught(job, number)[-1].classifier
    _add_scores(job, trained)
    return trained


def select(job: Job) -> Published:
    """Decide about the documents of the sources, by all rules."""
    return _decide(job, gather(job, all_columns(job)), job.recipe.select.drop)


# Texts


def synthesize_requests(job: Job) -> list[Request]:
    """What is to be written; nothing once the texts are documents."""
    if _written(job):
        return []
    check_alarms(job)
    key = lake_key.read(job.lake)
    return prompt.requests(writing.load(job.synthesize.prompt), _parents(job), job.synthesize.model, key)


def synthesize(job: Job) -> Published:
    """What was written, as annotated documents of a source of its own."""
    found = _written(job)
    if found:
        return found.documents
    where, columns = documents.place(job.synthesize, select(job)), all_columns(job)
    part = documents.write(job.lake, job.synthesize, select(job), _parents(job), job.ledger)
    facts.annotate_part(job.lake, columns, where, part)
    return facts.publish_partition(job.lake, columns, where, [part])


# The release


def release(job: Job) -> Released:
    """The release of everything that is kept, synthetic documents among it. Raises AlarmError."""
    check_alarms(job)
    return releases.write(job.lake, job.recipe, everything(job), decided(job))


def pretrain(
    job: Job, release_uri: str, on_step: Callable[[Mapping[str, Any]], None] | None = None
) -> "TrainingResult":
    """Train on the release at `release_uri`; found, not computed, if the same training is finished.

    `on_step` is called with each row of telemetry. A release on S3 is copied to the user's cache folder, and
    the training stays there too.
    """
    from curation import pretrain as training  # torch: only where it is used

    if job.recipe.pretrain is None:
        raise RecipeError(f"recipe {job.recipe.name} has no `pretrain`: write one, or leave this step out")
    source, out = _training_folders(job, release_uri)
    if not storage.is_local(release_uri):
        releases.fetch(release_uri, source)
    return training.pretrain(source, out, job.recipe.pretrain, on_step)


def trained(job: Job, release_uri: str) -> "TrainingResult | None":
    """The finished training on a release, if it is on this machine. Computes nothing."""
    from curation.pretrain import result

    source, out = _training_folders(job, release_uri)
    if job.recipe.pretrain is None or not source.exists():
        return None
    return result.read(out / result.identity(source, job.recipe.pretrain))


def _training_folders(job: Job, release_uri: str) -> tuple[Path, Path]:
    """Where the release and its trainings lie on this machine."""
    if storage.is_local(release_uri):
        return Path(release_uri), Path(job.lake.trainings(job.recipe.name))
    cache = Path.home() / ".cache" / "curation" / job.recipe.name
    return cache / release_uri.rsplit("/", 1)[-1], cache / "trainings"


def already_released(job: Job) -> Released | None:
    """The release of the lake's present state, if it is published. Computes nothing."""
    looking = replace(job, look_only=True)
    try:
        return releases.find(job.lake, job.recipe, decided(looking))
    except NotPublished:
        return None


def decided(job: Job) -> Published:
    """The decisions that the release follows."""
    return _decide(job, everything(job), job.recipe.select.drop)


def everything(job: Job) -> list[Partition]:
    """The partitions that the release is made of: the sources', then the synthetic one."""
    partitions = gather(job, all_columns(job))
    if job.recipe.synthesize:
        written = _written(job)
        if written is None:
            raise NotPublished(
                f"the texts of {job.synthesize.source} are not written yet; run the recipe first"
            )
        partitions.append(written)
    return partitions


def all_columns(job: Job) -> tuple[Column, ...]:
    """The annotators of the job, the classifier's score among them where the recipe judges. Raises
    NotPromoted."""
    if job.recipe.judge is None:
        return job.columns
    trained = learned(job)
    check_gate(job, trained)
    return (*job.columns, classifier.column(job.recipe.judge, trained))


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


def _decide(job: Job, partitions: Sequence[Partition], drop: Mapping[str, str]) -> Published:
    by = Rules(drop, job.recipe.select.duplicates)
    if job.look_only:
        found = curation.select.find(job.lake, job.recipe.name, partitions, by)
        if found is None:
            raise NotPublished(
                f"the recipe or its inputs have changed since {job.recipe.name} was run; run it first"
            )
        return found
    return curation.select.decide(job.lake, job.recipe.name, partitions, by)


def _judged_sample(job: Job, screened: Published, done: Sequence[Taught]) -> pa.Table:
    """What the round after those that are done judges."""
    settings, before = job.judge, rounds.last(done)
    by = strata.columns(settings.strata, job.first_schema)
    if before is None:
        return sample.draw(
            screened,
            gather(job, job.columns),
            settings.sample,
            seed=settings.seed,
            purpose="judge",
            strata=by,
            audit=settings.audit,
        )
    if not job.look_only:
        _add_scores(job, before)
    scored = gather(job, (*job.columns, classifier.column(settings, before)))
    return rounds.draw(Frame(screened, scored, by, settings.column), settings, done)


def learned(job: Job) -> Published:
    """The classifier of the last round, which the judgments of the first decisions teach."""
    return taught(job)[-1].classifier


def taught(job: Job, number: int | None = None) -> list[Taught]:
    """The rounds that are done: at least so many, or all that the recipe asks for, unless the loop has ended
    before."""
    screened, wanted = screen(job), job.judge.rounds if number is None else number
    done = rounds.finished(job.lake, job.judge, screened)
    while len(done) < wanted and not rounds.is_over(job.judge, done):
        if job.look_only:
            which = f" of round {len(done) + 1}" if job.judge.rounds > 1 else ""
            raise NotPublished(f"{job.recipe.name} has no classifier{which} yet; run it first")
        done.append(_teach(job, screened, done))
    return done


def _teach(job: Job, screened: Published, done: Sequence[Taught]) -> Taught:
    """The round after those that are done, of which all is answered."""
    before = rounds.last(done)
    judged = judgments.find(job.lake, job.judge, screened, before) or judgments.publish(
        job.lake, job.judge, screened, _judged_sample(job, screened, done), job.ledger, before
    )
    every = [*(earlier.judgments for earlier in done), judged]
    texts, trained = _texts(job, screened, every), [earlier.classifier for earlier in done]
    made = classifier.publish(job.lake, job.judge, every, texts, screened.manifest.kept, trained)
    return Taught(judged, made)


def _texts(job: Job, screened: Published, judged: Sequence[Published]) -> dict[str, str]:
    """The texts of what is judged, by id."""
    return Frame(screened, gather(job, job.columns)).texts(set(rounds.column_of(judged, "id")))


def _add_scores(job: Job, trained: Published) -> None:
    """A classifier's score beside every document."""
    column = classifier.column(job.judge, trained)
    for where in places(job.recipe):
        _add_column(job, column, where)


def _add_column(job: Job, column: Column, where: Place) -> None:
    published = stage.current(where.documents(job.lake))
    files = published.manifest.parts if published else ()
    parts = [Part(inputs=(), file=file, rows_in=file.rows) for file in files]
    for part in parts:
        facts.annotate_part(job.lake, [column], where, part)
    facts.publish_annotations(job.lake, [column], where, parts)


def _written(job: Job) -> Partition | None:
    """The synthetic documents that were written from what is kept now."""
    return facts.find(job.lake, all_columns(job), documents.place(job.synthesize, select(job)))


def _parents(job: Job) -> pa.Table:
    partitions, settings = gather(job, all_columns(job)), job.synthesize
    return sample.draw(select(job), partitions, settings.sample, seed=settings.seed, purpose="synthesize")
