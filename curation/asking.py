"""The steps of a recipe that ask Claude: what each would cost, and whether it may be sent."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from curation import pipeline
from curation.claude.budget import Budget
from curation.claude.local import is_direct, is_local
from curation.claude.purpose import Purpose
from curation.claude.request import Request
from curation.claude.split import Limits
from curation.errors import AlarmError, BudgetError, ClaudeError, NotPromoted, NotPublished
from curation.pipeline import Job
from curation.recipe import Recipe

if TYPE_CHECKING:
    import anthropic

    from curation.claude.drive import Asked
    from curation.claude.quote import Quote

WAITS = (AlarmError, NotPromoted)  # what a person must approve of before a step may ask
CONCURRENCY = 50
LOCAL_CONCURRENCY = 4  # a small server answers few at a time, and the others wait until they time out


@dataclass(frozen=True)
class Step:
    """A step that asks `model`, by message batches or `direct`ly, one by one. `requests` gives what is to be
    asked, of a job that may only look. `at_cap`, where the cap of a run leaves no room for it, has the run go
    on without, and gives a sentence about that; None: the run stops."""

    name: str
    model: str
    direct: bool
    requests: Callable[[Job], Collection[Request]]
    at_cap: Callable[[Job], str] | None = None


def steps(recipe: Recipe) -> list[Step]:
    """The steps of a recipe that ask, in their order."""
    found = []
    if recipe.judge:
        judge = (recipe.judge.model, is_direct(recipe.judge.model, recipe.judge.direct))
        if recipe.judge.gold:
            found.append(Step("calibrate", *judge, pipeline.calibrate_requests))
        for number in range(1, recipe.judge.rounds + 1):
            requests = partial(pipeline.judge_requests, number=number)
            end = partial(pipeline.end_rounds, number=number) if number > 1 else None
            found.append(Step(of_round("judge", number), *judge, requests, end))
    if recipe.synthesize:
        writer = (recipe.synthesize.model, is_direct(recipe.synthesize.model, recipe.synthesize.direct))
        found.append(Step("synthesize", *writer, pipeline.synthesize_requests))
    return found


def of_round(step: str, number: int) -> str:
    """What a step is called in a round of judging: judge, judge_2, …"""
    return step if number == 1 else f"{step}_{number}"


def step(recipe: Recipe, name: str) -> Step | None:
    """The step of this name; None if the recipe has none that asks."""
    return next((found for found in steps(recipe) if found.name == name), None)


def requests(job: Job, step: Step) -> Collection[Request] | None:
    """What a step is to ask, as far as the lake says so now, to be priced; None if an earlier step must run
    first. Raises one of WAITS if a person must approve of something first."""
    try:
        return step.requests(replace(job, look_only=True))
    except NotPromoted:
        raise
    except NotPublished:
        return None


def client() -> "anthropic.Anthropic | None":
    """Who counts tokens; None where the environment names no key and no address."""
    from curation.claude.client import from_environment

    try:
        return from_environment().client()
    except ClaudeError:
        return None


def asked(job: Job, step: Step, requests: Iterable[Request], run: str) -> "Asked":
    """What is to be answered in a run, as the recipe wants it asked and within its caps."""
    from curation.claude.drive import Asked  # here: to import the SDK takes seconds

    recipe = job.recipe
    return Asked(
        job.ledger,
        requests,
        job.lake.answers,
        Purpose(recipe.name, step.name, run),
        Budget(recipe.budget.run_usd, recipe.budget.day_usd),
        Limits(queue=recipe.claude.queue),
        direct=step.direct,
        concurrency=recipe.claude.concurrency or (LOCAL_CONCURRENCY if is_local(step.model) else CONCURRENCY),
    )


def quote(
    job: Job, step: Step, requests: Iterable[Request], client: "anthropic.Anthropic | None" = None
) -> "Quote":
    """What it would cost to have the `requests` of a step answered. Sends nothing that is billed."""
    from curation.claude import quoting  # here: to import the SDK takes seconds

    return quoting.quote(requests, job.ledger, client, batch=not step.direct)


def is_agreed(recipe: Recipe, told: "Quote") -> bool:
    """Whether a quote is below what the recipe wants to be asked about."""
    limit = recipe.budget.ask_usd
    return limit is None or told.usd.expected <= float(limit)


def check(job: Job, step: Step, requests: Iterable[Request], client: "anthropic.Anthropic | None") -> None:
    """Raises BudgetError, with the quote, for requests that are expected to cost more than was agreed to."""
    if job.recipe.budget.ask_usd is None:
        return
    told = quote(job, step, requests, client)
    if not is_agreed(job.recipe, told):
        raise BudgetError(refusal(job.recipe, step.name, told))


def refusal(recipe: Recipe, step: str, told: "Quote") -> str:
    """Why a step is not begun, with the quote."""
    shown = "\n".join(f"  {name:<20}{value}" for name, value in told.rows())
    return (
        f"the step {step} is expected to cost ${told.usd.expected:,.4g}, and budget.ask_usd of the recipe is "
        f"${recipe.budget.ask_usd}: nothing was sent.\n{shown}\nAgree to a sum with `--spend USD`, raise "
        "budget.ask_usd, or ask for a smaller sample"
    )
