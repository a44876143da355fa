"""`curation …`: run a recipe without Airflow, and ask what it did."""

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from curation.errors import CurationError

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


@app.command("run")
def run_recipe(
    recipe: RecipeOption = "sample",
    lake: LakeOption = "lake",
    ledger: LedgerOption = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes side by side; as many as cores if not said.")
    ] = None,
) -> None:
    """Take a recipe the whole way: archives, decisions, judgments, texts, release, training."""
    from curation import screens
    from curation.pipeline import open_job
    from curation.run import run

    job = open_job(recipe, lake, ledger=ledger)
    with _Bars() as bars:
        finished = run(job, bars.show, workers)
    screens.funnel(console, job)
    screens.finished(console, finished)


@app.command()
def report(
    recipe: RecipeOption = "sample",
    lake: LakeOption = "lake",
    ledger: LedgerOption = None,
    png: Annotated[Path | None, typer.Option(help="Write the funnel as a picture there.")] = None,
) -> None:
    """The funnel of the lake's present state: what stays, and the reason of each loss."""
    from curation import boilerplate, screens
    from curation.pipeline import open_job

    job = replace(open_job(recipe, lake, ledger=ledger), look_only=True)
    screens.alarms(console, job)
    screens.funnel(console, job)
    screens.boilerplate(console, boilerplate.find(job))
    if png:
        screens.funnel_picture(job, png)
        console.print(f"Picture: {escape(str(png))}")


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
def approve(
    why: Annotated[str, typer.Option(help="Why: it is kept with the approval.")],
    recipe: RecipeOption = "sample",
    lake: LakeOption = "lake",
    ledger: LedgerOption = None,
) -> None:
    """Let the alarms of the present decisions pass; others, such as those of a day more, ask anew."""
    from curation import approvals, pipeline, screens

    job = replace(pipeline.open_job(recipe, lake, ledger=ledger), look_only=True)
    decisions = pipeline.screen(job)
    pending = approvals.pending(job.lake, job.recipe.alarms, decisions)
    approvals.add(job.lake, decisions, pending, approvals.Approval(why, None))
    screens.alarms(console, job)


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
