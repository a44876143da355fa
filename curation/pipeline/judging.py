"""Rounds: a sample is judged, a classifier learns from it, its score stands beside every document."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import pyarrow as pa

from curation import approvals, facts, stage
from curation.claude.request import Request
from curation.errors import NotPublished
from curation.facts import Column
from curation.judge import calibration, classifier, judgments, rounds, sample, strata
from curation.judge.calibration import corpus_rate as corpus_rates
from curation.judge.calibration.corpus_rate import CorpusRate
from curation.judge.classifier import gate
from curation.judge.classifier.examples import examples_of
from curation.judge.frame import Frame
from curation.judge.rounds import Loop, Taught
from curation.manifest import Part
from curation.pipeline.calibrating import calibrate
from curation.pipeline.decisions import check_alarms, decide, screen
from curation.pipeline.job import Job
from curation.pipeline.partitions import gather, places
from curation.plan import Place
from curation.stage import Published


def judge_requests(job: Job, number: int = 1) -> Collection[Request]:
    """What is to be asked in a round about its sample; nothing once that is judged, or where the loop has
    ended before. Raises NotPublished where the round before is not done, and `job` only looks."""
    screened, done = screen(job), taught(job, number - 1)
    is_judged = len(done) >= number or judgments.find(job.lake, job.judge, screened, rounds.last(done))
    if is_judged or rounds.why_over(loop(job), done):
        return []
    check_alarms(job)
    return judgments.requests(job.key, job.judge, _judged_sample(job, screened, done))


def end_rounds(job: Job, number: int) -> str:
    """The cap of a run leaves no room for what a later round asks: what follows takes the classifier of the
    round before. Gives a sentence about it."""
    rounds.end(loop(job), taught(job, number - 1))
    return how_far(job)


def how_far(job: Job) -> str:
    """How many rounds are done, and why no more are."""
    done = taught(job)
    why = rounds.why_over(loop(job), done)
    assert why, "they are all done"
    return f"Judged in {len(done)} of at most {job.judge.rounds} rounds: {rounds.ENDS[why]}."


def loop(job: Job) -> Loop:
    """What the recipe judges in rounds."""
    return Loop(job.lake, job.judge, screen(job), job.recipe.budget.run_usd)


def score(job: Job, number: int = 1) -> Published:
    """Judgments of the rounds up to `number`, a classifier trained on them, its score beside every document;
    after the last round the rate of the corpus. The last classifier that there is. Raises AlarmError where
    the judge is worse than it was."""
    if job.judge.gold:
        check_alarms(job, calibrate)
    trained = taught(job, number)[-1].classifier
    _add_scores(job, trained)
    corpus_rate(job)
    return trained


def select(job: Job) -> Published:
    """Decide about the documents of the sources, by all rules."""
    return decide(job, gather(job, all_columns(job)), job.recipe.select.drop)


def all_columns(job: Job) -> tuple[Column, ...]:
    """The annotators of the job, the classifier's score among them where the recipe judges. Raises
    NotPromoted."""
    if job.recipe.judge is None:
        return job.columns
    trained = learned(job)
    check_gate(job, trained)
    return (*job.columns, classifier.column(job.recipe.judge, trained))


def check_gate(job: Job, trained: Published) -> None:
    """Raises NotPromoted if the recipe requires the gate, and the classifier has not passed it, and no one
    has promoted it."""
    if job.judge.gate == "reported" or trained.manifest.details["gate_passed"]:
        return
    if approvals.promotion(job.lake, trained) is None:
        raise gate.error(trained.uri, classifier.read_report(trained)["gate"]["failed"])


def learned(job: Job) -> Published:
    """The classifier of the last round, which the judgments of the first decisions teach."""
    return taught(job)[-1].classifier


def taught(job: Job, number: int | None = None) -> list[Taught]:
    """The rounds that are done: at least so many, or all that the recipe asks for, unless the loop has ended
    before."""
    wanted, asked = job.judge.rounds if number is None else number, loop(job)
    done = rounds.finished(asked)
    while len(done) < wanted and not rounds.why_over(asked, done):
        if job.look_only:
            which = f" of round {len(done) + 1}" if job.judge.rounds > 1 else ""
            raise NotPublished(f"{job.recipe.name} has no classifier{which} yet; run it first")
        done.append(_teach(job, asked.decisions, done))
    return done


def _teach(job: Job, screened: Published, done: Sequence[Taught]) -> Taught:
    """The round after those that are done, of which all is answered."""
    before, every = rounds.last(done), [earlier.judgments for earlier in done]
    judged = judgments.find(job.lake, job.judge, screened, before) or judgments.publish(
        job.lake, job.judge, screened, _judged_sample(job, screened, done), job.ledger, before, every
    )
    every.append(judged)
    frame, trained = _frame(job, screened), [earlier.classifier for earlier in done]
    texts = frame.texts(set(rounds.column_of(every, "id")))
    made = classifier.publish(job.lake, job.judge, every, texts, frame, trained)
    return Taught(judged, made)


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


def _frame(job: Job, screened: Published) -> Frame:
    """What is judged is drawn from it."""
    return Frame(screened, gather(job, job.columns))


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


def corpus_rate(job: Job) -> CorpusRate | None:
    """The share of good documents among those that may be judged, as the judge says and corrected for its
    errors; published unless `job` only looks. None where nothing is judged, not all is scored, or the judge
    is not calibrated: it computes no other stage."""
    if job.recipe.judge is None:
        return None
    calibrated = next(iter(calibration.of_judge(job.lake, job.recipe.name, job.judge)), None)
    if calibrated is None:
        return None
    looking = replace(job, look_only=True)
    try:
        screened, done = screen(looking), taught(looking)
        partitions = gather(job, (*job.columns, classifier.column(job.judge, done[-1].classifier)))
    except NotPublished:
        return None
    judged = done[0].judgments  # what was drawn from all; later rounds choose
    of = corpus_rates.Made(calibrated, judged, screened, done[-1].classifier)
    if found := corpus_rates.find(job.lake, job.recipe.name, of):
        return found
    examples, _ = examples_of([judged], _frame(job, screened).texts(rounds.column_of([judged], "id")))
    measured = corpus_rates.measure(of, examples, partitions)
    if not job.look_only:
        corpus_rates.publish(job.lake, job.recipe.name, of, measured)
    return measured
