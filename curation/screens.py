"""What the command line shows: tables and trees, made of what other parts found."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from curation import approvals, pipeline, storage
from curation.alarms import listed
from curation.alarms import raised as find_alarms
from curation.approvals import Approval
from curation.boilerplate import Boilerplate
from curation.explain import Explanation
from curation.funnel import ENTERED, Funnel
from curation.funnel import funnel as measure
from curation.gc import Usage
from curation.judge.calibration import read_report, report_uri
from curation.judge.calibration.corpus_rate import CorpusRate
from curation.judge.calibration.report import WHO, estimate
from curation.near_copies import NearCopy
from curation.needs import SAFE_SECONDS
from curation.pipeline import Job
from curation.plot import funnel_png
from curation.run import Finished
from curation.stage import Published
from curation.storage import Stored
from curation.takedown import Tombstone

TEXT_CHARS = 400  # of a document's text that `explain` shows


def funnel(console: Console, job: Job) -> None:
    """The funnel as a table."""
    table = Table(title=f"{job.recipe.name}: what stays, and why not", title_justify="left")
    table.add_column("step")
    table.add_column("reason")
    table.add_column("documents", justify="right")
    for step in _funnel(job).steps:
        if step.name in ENTERED:
            table.add_row(step.name, ENTERED[step.name], f"{step.rows_in:,}", style="bold")
        for reason, count in step.dropped.items():
            table.add_row(step.name, reason, f"−{count:,}", style="dim")
        table.add_row(f"after {step.name}", "", f"{step.rows_out:,}", style="bold")
    console.print(table)


def funnel_picture(job: Job, path: Path) -> None:
    """The funnel as a PNG at `path`."""
    path.write_bytes(funnel_png(_funnel(job), f"{job.recipe.name}: what stays, and why not"))


def finished(console: Console, result: Finished) -> None:
    """Where things lie, and what was paid."""
    state = "written" if result.released.new else "was there already: nothing to do"
    console.print(f"Release ({state}): [bold]{escape(result.released.uri)}[/]")
    console.print(f"Asked: {result.sent} requests, ${result.usd}")
    if result.training:
        console.print(f"Loss curve: {escape(str(result.training.plot))}")


def rounds(console: Console, job: Job) -> None:
    """How many rounds of judging there were, and why no more; nothing where the recipe asks for one."""
    if job.recipe.judge and job.recipe.judge.rounds > 1:
        console.print(pipeline.how_far(job), soft_wrap=True)


def explanation(console: Console, found: Explanation) -> None:
    """A document from source bytes to shard."""
    document, decision = found.document, found.decision
    colour, verdict = ("green", "kept") if decision["kept"] else ("red", f"dropped: {decision['reason']}")
    console.print(f"[bold]{document['id']}[/]  [{colour}]{verdict}[/]")
    _pairs(console, "Where it comes from", _origin(found))
    _pairs(console, "Values", found.annotations)
    _rules(console, found)
    if found.kept_instead:
        stays = found.kept_instead
        _pairs(
            console,
            "The document that stays",
            {
                "id": stays["id"],
                "url": stays["url"],
                "fetched at": stays["fetched_at"],
                "similarity": decision["similarity"],
                "method": decision["method"],
                "text": _head(stays["text"]),
            },
        )
    if found.judgment:
        _pairs(console, "Judgment", found.judgment)
    if found.children:
        _pairs(console, "Written from it", {"ids": ", ".join(found.children)})
    _pairs(console, "Released in", _places(found) or {"no shard": "not released"})
    console.print(f"\n{escape(_head(document['text']))}")


def _origin(found: Explanation) -> dict[str, Any]:
    document = found.document
    shown = {name: document[name] for name in ("source", "url", "fetched_at", "license", "digest")}
    shown.update(document["metadata"])
    if document["parents"]:
        shown["parents"] = ", ".join(document["parents"])
    return {**shown, "part": found.part, "row": found.row}


def _places(found: Explanation) -> dict[str, Any]:
    """The rows of each shard that hold the document; two copies may be in one."""
    places: dict[str, str] = {}
    for shard, row in found.shards:
        places[shard] = f"{places[shard]}, {row}" if shard in places else f"row {row}"
    return places


def _rules(console: Console, found: Explanation) -> None:
    table = Table(title="Rules, in order; the first that holds drops", title_justify="left")
    for heading in ("reason", "condition", "values", "holds"):
        table.add_column(heading, overflow="fold")
    for rule in found.verdicts:
        values = ", ".join(f"{name} = {_value(value)}" for name, value in rule.values.items())
        holds = "[red]yes[/]" if rule.holds else "no"
        table.add_row(rule.reason, escape(rule.condition), escape(values), holds)
    console.print(table)


def _pairs(console: Console, title: str, pairs: dict[str, Any]) -> None:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs.items():
        table.add_row(name, escape(_value(value)))
    console.print(table)


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _head(text: str) -> str:
    return text if len(text) <= TEXT_CHARS else text[:TEXT_CHARS] + " …"


def _funnel(job: Job) -> Funnel:
    released = pipeline.already_released(job)
    mixed_out = released.manifest.dropped.get("mixture_weight", 0) if released else 0
    synthetic = job.recipe.synthesize.source if job.recipe.synthesize else None
    decisions = pipeline.decided(job).manifest
    return measure(pipeline.everything(job), decisions, synthetic=synthetic, mixed_out=mixed_out)


def near_copies(console: Console, found: Sequence[NearCopy]) -> None:
    """Near copies of a text, the nearest first."""
    table = Table(title="Near copies, by the Jaccard similarity of their shingles", title_justify="left")
    for heading in ("similarity", "document", "source", "partition", "url"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "document")
    for copy in found:
        where = (copy.id, copy.source, copy.partition, copy.url or "")
        table.add_row(f"{copy.similarity:.3f}", *map(escape, where))
    console.print(table if found else "No document of this recipe shares a band with this text.")


def alarms(console: Console, job: Job) -> None:
    """What the first decisions and the calibration raise, and whether a person lets it pass."""
    quiet: dict[str, bool] = {}  # by stage
    for made in pipeline.alarming(job):
        raised = find_alarms(job.recipe.alarms, made)
        for alarm in raised:
            state = _approved(approvals.find(job.lake, made, alarm))
            console.print(f"Alarm, {state}\n{escape(listed([alarm]))}", highlight=False, soft_wrap=True)
        quiet[made.manifest.stage] = quiet.get(made.manifest.stage, True) and not raised
    for stage in (stage for stage, is_quiet in quiet.items() if is_quiet):
        console.print(f"The {stage} raise no alarm.")


def _approved(given: Approval | None) -> str:
    if given is None:
        return "[red]not approved[/]"
    by = f" by {escape(given.by)}" if given.by else ""
    return f"[green]approved{by}[/]: {escape(given.why)}"


def classifier(console: Console, job: Job) -> None:
    """Whether the classifier passes the gate or is promoted, and where its card lies."""
    trained = pipeline.learned(job)
    passed = trained.manifest.details["gate_passed"]
    console.print(f"Gate: {'[green]passed[/]' if passed else '[red]not passed[/]'}")
    if given := approvals.promotion(job.lake, trained):
        console.print(f"Promoted: {escape(given.why)}")
    card = storage.join(trained.directory, trained.manifest.details["card"])
    console.print(f"Card: {escape(card)}", highlight=False, soft_wrap=True)


def taken_down(console: Console, stone: Tombstone, documents: int, releases: Mapping[str, int]) -> None:
    """What a tombstone names, and the releases that hold some of it."""
    console.print(f"[bold]{escape(stone.value)}[/] ({stone.kind}) is taken down: {documents} documents.")
    if documents:
        console.print("The next run decides as if they had never been. Their text stays in documents/.")
    table = Table(title="Releases that hold some of them", title_justify="left")
    table.add_column("release")
    table.add_column("rows", justify="right")
    for name, rows in releases.items():
        table.add_row(escape(name), str(rows))
    console.print(table if releases else "No release holds one of them.")


def calibration(console: Console, made: Published) -> None:
    """How far the judge agrees with gold labels, beside the silly baselines, and where the report lies."""
    told = read_report(made)
    title = f"{told['model']} held to {told['gold']['name']}, {told['answered']:,} documents"
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for heading in ("κ", "Spearman", "error", "κ within source", "Spearman within source"):
        table.add_column(heading, justify="right")
    for who, figures in told["overall"].items():
        inside = told["within_source"][who]
        cells = [figures["kappa"], figures["spearman"], figures["mae"], inside["kappa"], inside["spearman"]]
        table.add_row(WHO[who], *map(estimate, cells), style="bold" if who == "judge" else None)
    console.print(table)
    again, probes = told["itself"], told["probes"]
    console.print(f"Against itself: κ {estimate(again['kappa'])}, {again['documents']:,} documents.")
    flips = ", ".join(f"{name} {estimate(probe['flip_rate'])}" for name, probe in probes.items())
    console.print(f"Flipped at {told['threshold']} in other dress: {flips or 'none was asked'}.")
    state = "written" if made.new else "was there already: nothing to do"
    console.print(f"Report ({state}): [bold]{escape(report_uri(made, 'md'))}[/]", soft_wrap=True)


def corpus_rate(console: Console, found: CorpusRate | None) -> None:
    """The share of good documents, as the judge says and corrected; nothing where it is not known."""
    if found is None:
        return
    said = found.said
    judged = (
        f"{said.good:,} of {said.documents:,} documents of the sample, {said.ratio:.2f}"
        if said.documents
        else "nothing, as no document that it judged was drawn at random (judge.audit)"
    )
    powered = f"; with the classifier on all {found.documents:,}: {estimate(asdict(found.powered))}"
    console.print(
        f"At {found.threshold} or more, as the judge says: {judged}{powered}. "
        f"Corrected for the judge's errors on the gold: {estimate(asdict(found.corrected))}."
    )


def boilerplate(console: Console, found: Boilerplate) -> None:
    """The buckets that propose no duplicates any more, and documents by which to judge them."""
    if not found.buckets:
        return
    console.print(
        f"Boilerplate: {found.buckets:,} buckets hold {found.max_bucket:,} kept documents or more "
        "(select.duplicates.max_bucket) and propose nothing to later ones; "
        f"{found.documents:,} kept documents are in one or more of them."
    )
    table = Table(title="The largest of them", title_justify="left")
    table.add_column("kept", justify="right")
    table.add_column("documents", no_wrap=True)
    table.add_column("words they share", overflow="fold")
    for bucket in found.largest:
        table.add_row(f"{bucket.kept:,}", "\n".join(bucket.ids), escape(bucket.words))
    console.print(table)


def usage(console: Console, rows: Sequence[Usage], not_named: Sequence[str]) -> None:
    """What each folder of a lake holds, who needs it, and how much of it may go."""
    table = Table(title="On disk", title_justify="left")
    table.add_column("folder", overflow="fold")
    for heading in ("files", "bytes"):
        table.add_column(heading, justify="right")
    table.add_column("needed by", overflow="fold")
    table.add_column("may go", justify="right")
    for row in rows:
        by = "stays always" if row.always else ", ".join(sorted(row.needed_by)) or "no recipe"
        may_go = f"{_bytes(row.garbage):,}" if row.garbage else ""
        table.add_row(escape(row.name), f"{row.files:,}", f"{row.bytes:,}", escape(by), may_go)
    console.print(table)
    garbage = [file for row in rows for file in row.garbage]
    console.print(f"May go: {len(garbage):,} files of {_bytes(garbage):,} bytes. --delete removes them.")
    if young := sum(row.young for row in rows):
        console.print(f"{young:,} more are not needed either, but younger than {SAFE_SECONDS // 3600} hours.")
    if not_named:
        console.print(
            f"[bold]This lake has releases of {escape(', '.join(not_named))}, not among the recipes that you "
            "name[/]: what only these need may go. Name them by --recipe if they are still run."
        )


def removed(console: Console, files: Sequence[Stored]) -> None:
    """What was removed from a lake."""
    console.print(f"Removed: {len(files):,} files of {_bytes(files):,} bytes.")


def _bytes(files: Sequence[Stored]) -> int:
    return sum(file.bytes for file in files)
