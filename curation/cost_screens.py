"""What the command line shows of costs: the plan of a run, a quote, and what was spent."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from curation.claude.costs import Cost
from curation.claude.quote import HOW_TO_NARROW, money
from curation.errors import CurationError
from curation.forecast import Outlook
from curation.spending import BYTES_PER_TOKEN, Spending

if TYPE_CHECKING:
    from curation.claude.quote import Quote
    from curation.claude.rows import MessageBatch


def plan(console: Console, recipe: str, stages: Sequence[Outlook]) -> None:
    """What each stage of a recipe would do."""
    table = Table(title=f"{recipe}: what a run would do", title_justify="left")
    for heading in ("stage", "", "what", "why", "USD"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("stage", ""))
    for seen in stages:
        state = "[bold]would run[/]" if seen.runs else "[green]published[/]"
        why = "\n".join(escape(reason) for reason in seen.why)
        table.add_row(seen.stage, state, escape(seen.what), why, _usd(seen))
    console.print(table)
    if any(seen.quote and seen.quote.guessed for seen in stages):
        console.print(HOW_TO_NARROW)
    if not any(seen.runs for seen in stages):
        console.print("Nothing would run: the release of this recipe is published.")


def _usd(seen: Outlook) -> str:
    if seen.quote is None:
        return "?" if "not known" in seen.what else ""
    usd = seen.quote.usd
    return f"{money(usd.expected)}\n({money(usd.low)} to {money(usd.high)})" if usd.high else money(0)


def quote(console: Console, step: str, told: "Quote | None") -> None:
    """What a step would cost; None if that cannot be known yet."""
    if told is None:
        console.print(
            f"[bold]{step}[/]: not known before an earlier step has run. `curation run --spend 0` takes the "
            "recipe as far as it costs nothing."
        )
        return
    table = Table(title=f"{step}: what it would cost", title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in told.rows():
        table.add_row(name, escape(value), style="bold" if name == "expected" else None)
    console.print(table)
    if told.guessed:
        console.print(HOW_TO_NARROW)


def waits(console: Console, step: str, why: CurationError) -> None:
    """That a step is not quoted yet, since a person must approve of something first: of what, and how."""
    console.print(f"[bold]{step}[/]: not known yet, it waits for an approval:")
    console.print(escape(str(why)), highlight=False)


def spending(console: Console, spent: Spending) -> None:
    """What was spent, by stage and model; nothing if nothing was asked. Of the cache, of what is in flight
    and of what was lost only where there is some, so that the table fits 80 columns."""
    if not spent.costs:
        return
    table = Table(
        title="What was asked and paid, over all runs: tokens, USD, USD per million kept",
        title_justify="left",
    )
    columns = {
        "step": [escape(cost.stage) for cost in spent.costs],
        "model": [escape(cost.model) for cost in spent.costs],
        "requests": [f"{cost.requests:,}" for cost in spent.costs],
        "in": [f"{cost.input_tokens:,}" for cost in spent.costs],
        "out": [f"{cost.output_tokens:,}" for cost in spent.costs],
        "cached": [_cached(cost) for cost in spent.costs],
        "USD": [money(float(cost.settled_usd)) for cost in spent.costs],
        "in flight": [money(float(cost.reserved_usd)) if cost.reserved_usd else "" for cost in spent.costs],
        "lost": [money(float(cost.lost_usd)) if cost.lost_usd else "" for cost in spent.costs],
        "/Mtok": [_per_million(spent, cost) for cost in spent.costs],
    }
    shown = {heading: cells for heading, cells in columns.items() if any(cells)}
    for heading in shown:
        left = heading in ("step", "model")
        table.add_column(heading, justify="left" if left else "right", overflow="fold")
    for row in zip(*shown.values(), strict=True):
        table.add_row(*row)
    console.print(table)
    console.print(f"Kept: about {spent.kept_tokens:,.0f} tokens, at {BYTES_PER_TOKEN} bytes each.")


def in_flight(console: Console, batches: Sequence["MessageBatch"]) -> None:
    """The message batches that have not landed; nothing if there are none."""
    if not batches:
        return
    table = Table(title="Message batches in flight", title_justify="left")
    for heading in ("id", "step", "requests", "USD reserved"):
        table.add_column(heading, justify="left" if heading in ("id", "step") else "right", overflow="fold")
    for batch in batches:
        reserved = money(float(batch.reserved))
        table.add_row(
            batch.batch_id or "not known yet", escape(batch.stage), f"{batch.request_count:,}", reserved
        )
    console.print(table)
    console.print("They land with the next run that wants them; `curation cancel ID` stops one.")


def canceled(console: Console, batches: Sequence["MessageBatch"]) -> None:
    """What became of message batches that were canceled."""
    for batch in batches:
        if batch.state != "landed":
            console.print(
                f"{batch.batch_id}: asked to stop, and not ended yet. {money(float(batch.reserved))} stay "
                "reserved until it lands: by `curation cancel` again, or with the next run that wants it."
            )
            continue
        unanswered = batch.counts.get("canceled", 0)
        console.print(
            f"{batch.batch_id}: {batch.request_count - unanswered:,} requests had ended before, are billed "
            f"({money(float(batch.usd or 0))}) and kept; {unanswered:,} were canceled, and are sent again by "
            "a later run that wants them. Its reservation is free."
        )


def _cached(cost: Cost) -> str:
    """How much of the shared prefixes was read from the cache."""
    every = cost.read_tokens + cost.write_tokens
    return f"{cost.read_tokens / every:.0%}" if every else ""


def _per_million(spent: Spending, cost: Cost) -> str:
    found = spent.usd_per_million(cost)
    return "–" if found is None else money(found)
