"""What a run of a recipe would do now: which stages are published, which would run and why, at what cost.

Computes nothing, writes nothing and asks no one: what it knows is in the lake, in the ledger and in the
listing of the archives. Of a stage that comes after one that would run it cannot know the inputs, and so not
the cost. An archive whose bytes changed under the same name is not noticed: that is to read it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from curation import asking, facts, pipeline, recipe_history, stage, storage
from curation import plan as plans
from curation import release as releases
from curation.errors import AlarmError, NotPromoted, NotPublished
from curation.judge import calibration, classifier, rounds
from curation.pipeline import Job
from curation.plan import Place
from curation.recipe_history import Kept
from curation.stage import Published

if TYPE_CHECKING:
    from curation.claude.quote import Quote

_LISTED = 3  # partitions, or archives, that are named; the others are counted


@dataclass(frozen=True)
class Outlook:
    """Of one stage: whether it would run, what there is or what it would do, and why. `quote` is of what it
    would ask, as far as that is known."""

    stage: str
    runs: bool
    what: str
    why: tuple[str, ...] = ()
    quote: "Quote | None" = None


Find = Callable[[Job], str | None]
"""What is published of a stage, in words; None, or NotPublished, if it is not."""

_ALARMING = {"screen": pipeline.screen, "calibrate": pipeline.calibrate}


def forecast(job: Job) -> list[Outlook]:
    """Every stage of the recipe, in its order."""
    look = replace(job, look_only=True)
    history = recipe_history.earlier(look)
    made = _made_before(look, history)
    changed = {name: why for name, why in recipe_history.why(look, history).items() if name not in made}
    found = [_facts(look, changed)]
    for name, find in _stages(look):
        # A calibration needs nothing of the corpus; and only its alarm bears on what follows.
        inputs = [] if name == "calibrate" else [earlier for earlier in found if earlier.stage != "calibrate"]
        first = next((earlier.stage for earlier in inputs if earlier.runs), None)
        if first:
            why = (*changed.get(name, []), f"{first} runs")
            unknown = f"requests not known before {inputs[-1].stage} has run"
            found.append(Outlook(name, True, unknown if asking.step(job.recipe, name) else "", why))
        else:
            before = [earlier.stage for earlier in found] if inputs else []
            found.append(_outlook(look, name, find, changed.get(name, []), before))
    return found


def _stages(job: Job) -> Iterator[tuple[str, Find]]:
    """The stages after the facts, each with what finds it."""
    yield "screen", lambda look: _kept(pipeline.screen(look))
    if job.recipe.judge:
        if job.judge.gold:
            yield "calibrate", _calibrated
        for number in range(1, job.judge.rounds + 1):
            yield asking.of_round("judge", number), partial(_judged, number=number)
            yield asking.of_round("score", number), partial(_scored, number=number)
    yield "select", lambda look: _kept(pipeline.select(look))
    if job.recipe.synthesize:
        yield "synthesize", _written
    yield "release", _released
    if job.recipe.pretrain:
        yield "pretrain", _trained


def _outlook(job: Job, name: str, find: Find, changed: Sequence[str], before: Sequence[str]) -> Outlook:
    """Of a stage all whose inputs are published; a run comes to it after the stages `before`."""
    try:
        published = find(job)
    except NotPromoted as error:
        return Outlook(name, True, "waits for promotion", (*changed, str(error).splitlines()[0]))
    except NotPublished:
        published = None
    if published:
        alarm = _alarm(job, [name])
        return Outlook(name, False, published, (alarm,) if alarm else ())
    why = changed or _inputs(job, name) or ["not run yet"]
    if alarm := _alarm(job, before):
        return Outlook(name, True, "waits for approval", (*why, alarm))
    step = asking.step(job.recipe, name)
    if step is None:
        return Outlook(name, True, "", tuple(why))
    quote = asking.quote(job, step, step.requests(job))
    what = f"{quote.requests:,} requests to send, {quote.answered:,} answered before"
    what += f", {quote.in_flight:,} sent" if quote.in_flight else ""
    return Outlook(name, True, what, tuple(why), quote)


def _alarm(job: Job, stages: Iterable[str]) -> str | None:
    """The first of these stages' alarms of which nobody has approved: a run stops at it."""
    for raises in (_ALARMING[name] for name in stages if name in _ALARMING):
        try:
            pipeline.check_alarms(job, raises)
        except NotPublished:
            continue
        except AlarmError as error:
            return str(error).splitlines()[0]
    return None


# Facts


def _facts(job: Job, changed: Mapping[str, Sequence[str]]) -> Outlook:
    places = pipeline.places(job.recipe)
    of_place = dict(storage.in_parallel(lambda place: _missing(job, place), places))
    published = [place for place in places if not of_place[place]]
    rows = sum(p.manifest.kept for place in published if (p := stage.current(place.documents(job.lake))))
    what = f"{len(published):,} of {len(places):,} partitions, {rows:,} documents"
    by_reason: dict[str, list[str]] = {}
    for place in places:
        for mark, missing in of_place[place]:
            for reason in changed.get(mark) or [missing]:
                by_reason.setdefault(reason, []).append(f"{place.source}/{place.partition}")
    why = tuple(f"{_listed(of)}: {reason}" for reason, of in by_reason.items())
    return Outlook("facts", len(published) < len(places), what, why)


def _missing(job: Job, place: Place) -> list[tuple[str, str]]:
    """What a partition lacks: the mark of what would compute it, and why it lacks it if that is as before."""
    documents = stage.current(place.documents(job.lake))
    prefix, files = plans.source_files(job.recipe.source(place.source), place.partition)
    names = {uri.removeprefix(prefix) for uri, _ in files}
    if documents is None:
        return [(f"documents {place.source}", "new" if names else "there is no archive yet")]
    found = []
    if late := names - {i.name for i in documents.manifest.inputs}:
        found.append(("", f"more archives ({len(late):,}), such as {min(late)}"))
    if gone := {i.name for i in documents.manifest.inputs} - names:
        found.append(("", f"fewer archives ({len(gone):,}), such as {min(gone)}"))
    for column in job.columns:
        if facts.find(job.lake, [column], place) is None:
            found.append((f"column {column.name}", f"the column {column.name} is not computed"))
    return found


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


# What is published


def _kept(decisions: Published) -> str:
    return f"{decisions.manifest.kept:,} of {decisions.manifest.rows_in:,} documents kept"


def _judged(job: Job, number: int) -> str | None:
    done = pipeline.taught(job, number - 1)
    loop = pipeline.loop(job)
    if len(done) < number and (why := rounds.why_over(loop, done)):
        return f"nothing: {rounds.ENDS[why]}"
    found = rounds.judged(loop)[number - 1 : number]
    return f"{found[0].manifest.kept:,} documents judged" if found else None


def _calibrated(job: Job) -> str:
    return f"held to {pipeline.calibrate(job).manifest.kept:,} documents with labels"


def _scored(job: Job, number: int) -> str:
    done = pipeline.taught(job, number)
    if len(done) != number:
        return "scores of a later round" if len(done) > number else "nothing: the loop has ended"
    columns = (*job.columns, classifier.column(job.judge, done[-1].classifier))
    scored = pipeline.gather(job, columns)
    return f"{sum(partition.documents.manifest.kept for partition in scored):,} documents scored"


def _written(job: Job) -> str:
    written = pipeline.everything(job)[-1].documents.manifest
    return f"{written.kept:,} texts of {written.rows_in:,} asked for"


def _released(job: Job) -> str | None:
    found = pipeline.already_released(job)
    return f"{found.manifest.kept:,} documents released" if found else None


def _trained(job: Job) -> str | None:
    released = pipeline.already_released(job)
    found = pipeline.trained(job, released.uri) if released else None
    return f"{found.steps:,} steps" if found else None


# Why


def _made_before(job: Job, history: Sequence[Kept]) -> set[str]:
    """The stages of which something is published, or was run, as the recipe asks for it now: what they lack
    now they lack for their inputs."""
    made = {r.manifest.fingerprint for r in releases.published(job.lake, job.recipe.name)}
    run = set(history[0].marks.items()) if history else set()
    return {
        name
        for name, mark in recipe_history.marks(job).items()
        if mark in made
        or any(storage.names(folder) for folder in _folders(job, name, mark))
        or (name == "pretrain" and (name, mark) in run)
    }


def _folders(job: Job, name: str, mark: str) -> list[str]:
    """Where a stage publishes what it makes with this fingerprint, whatever its inputs."""
    lake, recipe = job.lake, job.recipe
    found: list[str] = []
    match name.split():
        case ["documents", source]:
            found = [lake.documents(source, mark, "")]
        case ["column", column]:
            found = [lake.annotations(column, mark, source.name, "") for source in recipe.sources]
        case ["screen" | "select"]:
            found = [lake.decisions(recipe.name, mark)]
        case [judge] if judge.startswith("judge"):
            found = [lake.judgments(job.judge.rubric, mark, "")]
        case [score] if score.startswith("score"):
            found = [lake.classifier(job.judge.column, mark, "")]
        case ["synthesize"]:
            found = [lake.documents(job.synthesize.source, mark, "")]
    return found


def _inputs(job: Job, name: str) -> list[str]:
    """What a stage lacks though it was run by the same settings, where that can be told."""
    match name:
        case "screen":
            return _other_facts(job)
        case "calibrate" if _is_calibrated_alike(job):
            return ["other labels than before"]
    return []


def _is_calibrated_alike(job: Job) -> bool:
    """Whether there is a calibration by the same settings, of whatever labels."""
    found = calibration.of_judge(job.lake, job.recipe.name, job.judge)
    return calibration.mark(job.judge) in {calibrated.manifest.fingerprint for calibrated in found}


def _other_facts(job: Job) -> list[str]:
    """What is other in the facts than when they were last decided about by the same rules."""
    last = stage.current(job.lake.decisions(job.recipe.name, recipe_history.marks(job)["screen"]))
    if last is None:
        return []
    facts_now = [
        published.input
        for partition in pipeline.gather(job, job.columns)
        for published in (partition.documents, *partition.annotations.values())
    ]
    before = {i.name: i.digest for i in last.manifest.inputs}
    now = {i.name: i.digest for i in facts_now}
    told = {
        "new since the last decisions": [name for name in now if name not in before],
        "another generation": [name for name in now if before.get(name, now[name]) != now[name]],
    }
    # Of a partition the documents are named; its columns follow them.
    told = {reason: _documents_of(names) or names for reason, names in told.items()}
    of = {f"{s.name}/" for s in job.recipe.sources}  # not the texts that were written, which come later
    gone = [name for name in _documents_of(sorted(before.keys() - now.keys())) if name.startswith(tuple(of))]
    found = [
        f"{_listed(names)}: {why}" for why, names in {**told, "no longer asked for": gone}.items() if names
    ]
    return found or ["documents were taken down"]


def _documents_of(names: Sequence[str]) -> list[str]:
    """SOURCE/PARTITION of those inputs that are documents."""
    split = (name.split("/", 2) for name in names)
    return [rest for kind, _, rest in split if kind == "documents"]
