"""`curation …`: run a recipe without Airflow, and ask what it did."""

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from curation.errors import CurationError

if TYPE_CHECKING:
    from curation.pipeline import Job

app = typer.Typer(
    help="Raw crawls into pretraining data, with Claude in the loop.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
console = Console()

RecipeOption = Annotated[
    str, typer.Option("--recipe", "-r", help="A YAML file, or the name of a recipe that ships.")
]
LakeOption = Annotated[
    str,
    typer.Option("--lake", "-l", envvar="CURATION_LAKE", help="The lake: a folder, or s3://bucket/prefix."),
]
LedgerOption = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        envvar="CURATION_LEDGER",
        help="Where answers that were paid for are kept: a file, or the URL of a database. "
        "In the lake, if not said.",
    ),
]

SpendOption = Annotated[
    float | None,
    typer.Option(min=0, help="USD that a step may be expected to cost, whatever the recipe asks about."),
]

# The labels that the judge is held to, alike for all that ask about them, price it or plan it.
GoldOption = Annotated[
    str | None,
    typer.Option(help="Documents with labels: JSON lines, CSV or Parquet. The recipe's, if not said."),
]
TextOption = Annotated[str, typer.Option(help="The column of the text, in --gold.")]
LabelOption = Annotated[str, typer.Option(help="The column of the label.")]
SourceOption = Annotated[str | None, typer.Option(help="The column of the source.")]
GroupOption = Annotated[
    str | None, typer.Option(help="The column of what versions of a text have in common.")
]
OrderOption = Annotated[
    str, typer.Option(help="Labels that are words, from the worst to the best, with commas.")
]


@app.command("run")
def run_recipe(
    recipe: RecipeOption = "sample",
    lake: LakeOption = "lake",
    ledger: LedgerOption = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes side by side; as many as cores if not said.")
    ] = None,
    spend: SpendOption = None,
) -> None:
    """Take a recipe the whole way: archives, decisions, judgments, texts, release, training."""
    from curation import screens
    from curation.pipeline import open_job
    from curation.run import run

    job = open_job(recipe, lake, _agreed(spend), ledger)
    with _Bars() as bars:
        finished = run(job, bars.show, workers)
    screens.funnel(console, job)
    screens.rounds(console, job)
    screens.finished(console, finished)


@app.command()
def plan(
    recipe: RecipeOption = "sample",
    lake: LakeOption = "lake",
    ledger: LedgerOption = None,
    gold: GoldOption = None,
    text: TextOption = "text",
    label: LabelOption = "label",
    source: SourceOption = None,
    group: GroupOption = None,
    order: OrderOption = "",
) -> None:
    """What a run would do now, why, and what it would cost. Computes nothing and asks no one."""
    from curation import cost_screens
    from curation.forecast import forecast
    from curation.pipeline import open_job

    job = _held_to(open_job(recipe, lake, ledger=ledger), gold, text, label, source, group, order)
    cost_screens.plan(console, job.recipe.name, forecast(job))


@app.command()
def quote(
    recipe: RecipeOption = "sample",
    lake: LakeOption = "lake",
    ledger: LedgerOption = None,
    pilot: Annotated[
        int, typer.Option(min=0, help="First send so many of the requests of each step. They are paid for.")
    ] = 0,
    gold: GoldOption = None,
    text: TextOption = "text",
    label: LabelOption = "label",
    source: SourceOption = None,
    group: GroupOption = None,
    order: OrderOption = "",
) -> None:
    """What asking Claude will cost: of what the ledger lacks, before it is sent."""
    from curation import asking, cost_screens, run
    from curation.claude.quote import money
    from curation.pipeline import open_job

    job = _held_to(open_job(recipe, lake, ledger=ledger), gold, text, label, source, group, order)
    if pilot:
        with _Bars() as bars:
            sent, usd = run.pilot(job, bars.show, pilot)
        console.print(f"Sent as a pilot: {sent:,} requests, {money(float(usd))}")
    job, counter = replace(job, look_only=True), asking.client()
    for step in asking.steps(job.recipe):
        try:
            asked = asking.requests(job, step)
        except asking.WAITS as waits:
            cost_screens.waits(console, step.name, waits)
            continue
        told = None if asked is None else asking.quote(job, step, asked, counter)
        cost_screens.quote(console, step.name, told)


@app.command()
def report(
    recipe: RecipeOption = "sample",
    lake: LakeOption = "lake",
    ledger: LedgerOption = None,
    png: Annotated[Path | None, typer.Option(help="Write the funnel as a picture there.")] = None,
) -> None:
    """The funnel of the lake's present state: what stays, the reason of each loss, and what it cost."""
    from curation import boilerplate, cost_screens, pipeline, screens
    from curation.spending import spending

    job = replace(pipeline.open_job(recipe, lake, ledger=ledger), look_only=True)
    try:
        screens.alarms(console, job)
        screens.funnel(console, job)
        screens.rounds(console, job)
        screens.corpus_rate(console, pipeline.corpus_rate(job))
    finally:  # a run that waits for answers has no funnel yet, and a bill
        cost_screens.spending(console, spending(job))
        mine = [batch for batch in job.ledger.in_flight() if batch.recipe == job.recipe.name]
        cost_screens.in_flight(console, mine)
    screens.boilerplate(console, boilerplate.find(job))
    if png:
        screens.funnel_picture(job, png)
        console.print(f"Picture: {escape(str(png))}")


@app.command()
def cancel(
    batches: Annotated[list[str], typer.Argument(metavar="BATCH…", help="Ids that `curation report` shows.")],
    lake: LakeOption = "lake",
    ledger: LedgerOption = None,
) -> None:
    """Stop message batches in flight: what is answered is billed and kept, the rest goes with a later run."""
    from curation import cost_screens, pipeline, storage, takedown
    from curation.claude import cancel as canceling
    from curation.claude.client import from_environment
    from curation.claude.ledger import Ledger
    from curation.layout import Layout

    where = Layout(storage.unabbreviated(lake))
    takedown.check(where)
    opened = Ledger(pipeline.ledger_at(where, ledger))
    found = canceling.find(opened, batches)
    client = from_environment().client()
    cost_screens.canceled(console, canceling.cancel(client, opened, where.answers, found))


@app.command()
def explain(
    document: Annotated[str, typer.Argument(help="A document's id, or the beginning of it.")],
    recipe: RecipeOption = "sample",
    lake: LakeOption = "lake",
    ledger: LedgerOption = None,
) -> None:
    """Why a document is where it is: every value, rule and verdict, from source bytes to shard."""
    from curation import screens
    from curation.explain import explain as look
    from curation.pipeline import open_job

    job = replace(open_job(recipe, lake, ledger=ledger), look_only=True)
    screens.explanation(console, look(job, document))


@app.command()
def duplicates(
    of: Annotated[Path, typer.Option(help="A file of UTF-8 text.", exists=True, dir_okay=False)],
    recipe: RecipeOption = "sample",
    lake: LakeOption = "lake",
    ledger: LedgerOption = None,
) -> None:
    """The near copies of a text among a recipe's documents, dropped or not, by their real similarity."""
    from curation import near_copies, screens
    from curation.pipeline import open_job

    job = replace(open_job(recipe, lake, ledger=ledger), look_only=True)
    screens.near_copies(console, near_copies.find(job, near_copies.read(of)))


@app.command()
def remove(
    value: Annotated[str, typer.Argument(help="A URL, a domain (its hosts too) or a document's whole id.")],
    why: Annotated[str, typer.Option(help="Why: it is kept with the tombstone.")],
    kind: Annotated[
        str | None, typer.Option("--as", help="url, domain or id; told by the value's form if not said.")
    ] = None,
    lake: LakeOption = "lake",
) -> None:
    """Take documents down: the next run is as if they had never been. Lists the releases that hold them."""
    from curation import screens, storage, takedown
    from curation.layout import Layout

    where = Layout(storage.unabbreviated(lake))
    takedown.check(where)
    stone = takedown.add(where, takedown.kind(value, kind), value, why)
    ids = takedown.ids(where, stone)
    screens.taken_down(console, stone, len(ids), takedown.releases(where, stone, ids))


@app.command()
def gc(
    recipe: Annotated[
        list[str], typer.Option("--recipe", "-r", help="A recipe that counts; name every one of the lake's.")
    ],
    lake: LakeOption = "lake",
    delete: Annotated[bool, typer.Option(help="Remove what none of these recipes needs.")] = False,
) -> None:
    """What each folder of a lake takes on disk, and what no recipe needs. Removes it only if asked."""
    from curation import gc as garbage
    from curation import recipe_file, screens, storage
    from curation.layout import Layout

    where, recipes = Layout(storage.unabbreviated(lake)), [recipe_file.load(name) for name in recipe]
    rows = garbage.survey(where, recipes, time.time())
    screens.usage(console, rows, garbage.not_named(where, recipes))
    if delete:
        screens.removed(console, garbage.remove(where, rows))


@app.command()
def calibrate(
    recipe: RecipeOption = "sample",
    lake: LakeOption = "lake",
    ledger: LedgerOption = None,
    spend: SpendOption = None,
    gold: GoldOption = None,
    text: TextOption = "text",
    label: LabelOption = "label",
    source: SourceOption = None,
    group: GroupOption = None,
    order: OrderOption = "",
) -> None:
    """Hold the recipe's judge to gold labels, to itself, and to the same documents in other dress."""
    from curation import pipeline, run, screens

    opened = pipeline.open_job(recipe, lake, _agreed(spend), ledger)
    job = _held_to(opened, gold, text, label, source, group, order)
    with _Bars() as bars:
        made = run.calibrate(job, bars.show)
    screens.calibration(console, made)
    screens.corpus_rate(console, pipeline.corpus_rate(job))
    pipeline.check_alarms(job, pipeline.calibrate)


@app.command()
def approve(
    why: Annotated[str, typer.Option(help="Why: it is kept with the approval.")],
    recipe: RecipeOption = "sample",
    lake: LakeOption = "lake",
    ledger: LedgerOption = None,
) -> None:
    """Let the alarms of the present decisions and calibration pass; later ones ask anew."""
    from curation import approvals, pipeline, screens

    job = replace(pipeline.open_job(recipe, lake, ledger=ledger), look_only=True)
    for made in pipeline.alarming(job):
        pending = approvals.pending(job.lake, job.recipe.alarms, made)
        approvals.add(job.lake, made, pending, approvals.Approval(why, None))
    screens.alarms(console, job)


@app.command()
def promote(
    why: Annotated[str, typer.Option(help="Why: it is kept with the promotion.")],
    recipe: RecipeOption = "sample",
    lake: LakeOption = "lake",
    ledger: LedgerOption = None,
) -> None:
    """Let a classifier that did not pass the gate decide all the same; one that is trained anew asks anew."""
    from curation import approvals, pipeline, screens

    job = replace(pipeline.open_job(recipe, lake, ledger=ledger), look_only=True)
    approvals.promote(job.lake, pipeline.learned(job), approvals.Approval(why, None))
    screens.classifier(console, job)


def _agreed(spend: float | None) -> dict[str, float] | None:
    """What `--spend` changes of a recipe."""
    return None if spend is None else {"budget.ask_usd": spend}


def _held_to(
    job: "Job", gold: str | None, text: str, label: str, source: str | None, group: str | None, order: str
) -> "Job":
    """The job with its judge held to other labels than the recipe's, if some are named."""
    from curation import storage
    from curation.recipe import Gold

    if gold is None:
        return job
    words, path = tuple(filter(None, order.split(","))), storage.unabbreviated(gold)
    named = Gold(path=path, text=text, label=label, source=source, group=group, order=words)
    judge = job.judge.model_copy(update={"gold": named})
    return replace(job, recipe=job.recipe.model_copy(update={"judge": judge}))


class _Bars:
    """A progress bar for each step that says how far it is."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<22}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "_Bars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, step: str, done: int, total: int) -> None:
        """`done` of `total` pieces of `step` are done."""
        if step not in self._tasks:
            self._tasks[step] = self._progress.add_task(step, total=total or 1)
        self._progress.update(self._tasks[step], completed=done if total else 1, total=total or 1)


def main() -> None:
    """The entry point: a user's mistake is a sentence on stderr and exit code 1."""
    try:
        app()
    except CurationError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}")
    except _store_errors() as error:
        _fail(f"the object store: {error}; check the AWS_… settings of this machine")


def _store_errors() -> tuple[type[Exception], ...]:
    """What an S3 client raises that cannot reach its store or log in; none where none was loaded."""
    loaded = sys.modules.get("botocore.exceptions")
    return (loaded.BotoCoreError,) if loaded else ()


def _fail(message: str) -> NoReturn:
    Console(stderr=True).print(f"[bold red]error[/] {escape(message)}", highlight=False, soft_wrap=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
