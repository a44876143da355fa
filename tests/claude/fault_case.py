"""Requests driven through a stand-in with faults, and what became of each by the stand-in's own files.

What was answered and billed is read where the stand-in keeps it, not where the driver saw it: an answer whose
connection broke counts as given.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from curation.claude import stand_in
from curation.claude.client import Connection
from curation.claude.decide import Patience
from curation.claude.ledger import Ledger
from curation.claude.request import Request, prompt_digest
from curation.claude.run import Limits, run
from curation.claude.schema import SchemaMismatch, conform
from curation.document import text_digest
from curation.errors import ClaudeError
from tests.contract.conftest import SCHEMA

PRICED = "offline-rules-1-priced"  # what is free is sent again where what was paid for is not
REQUESTS = 48
RUNS_MAX = 10
ATTEMPTS_MAX = 3
# A batch whose answer got lost ends after the grace, and its results are not found then. With no others'
# batches, whose results would be looked at, and not found, in its place.
LATE = ("lost_answer", "slow", "results_404")
LIMITS = Limits(requests=10)
PATIENCE = Patience(poll_seconds=0.03, create_grace_seconds=0.8, lost_grace_seconds=0.05)


@dataclass(frozen=True)
class Attempt:
    """One answer to one request, as the stand-in gave it. Times are ISO 8601 by its clock."""

    batch: int
    sent_at: str
    ended_at: str
    outcome: str
    value: Any = None


@dataclass
class Case:
    """What became of the requests: keys, and what ended runs before their time."""

    faults: Sequence[str]
    lost: list[str] = field(default_factory=list)  # no row, or not the answer that the service gave
    doubled: list[str] = field(default_factory=list)  # asked again though settled, alive, or often enough
    stops: list[str] = field(default_factory=list)  # ClaudeErrors: a person reads them and runs again
    crashes: list[str] = field(default_factory=list)  # anything else
    runs: int = 0
    struck: Mapping[str, int] = field(default_factory=dict)


def drive(faults: Sequence[str], folder: Path, *, seed: int = 0) -> Case:
    """Have `REQUESTS` requests answered by a stand-in with these faults, running again whatever ended a run,
    as often as a patient user would."""
    case = Case(faults)
    ledger, requests = Ledger(folder / "ledger.sqlite"), [request(i) for i in range(REQUESTS)]
    with stand_in.serve(
        state=folder / "service",
        delay_seconds=0.06,
        list_delay_seconds=0.15,
        foreign=0 if faults == LATE else 3,
        faults=faults,
        seed=seed,
        model=PRICED,
    ) as server:
        client = Connection("k", server.url).client()
        while case.runs < RUNS_MAX and ledger.missing([each.key for each in requests]):
            case.runs += 1
            try:
                run(client, ledger, requests, str(folder / "raw"), limits=LIMITS, patience=PATIENCE)
            except ClaudeError as error:
                case.stops.append(str(error))
                if "spend_limit" in server.trouble.active:
                    server.trouble.lift("spend_limit")
            except Exception as error:  # noqa: BLE001 - to be counted
                case.crashes.append(f"{type(error).__name__}: {error}")
        case.struck = dict(server.trouble.struck)
    given = attempts(folder / "service")
    rows = {row.key: row for row in ledger.answers([each.key for each in requests])}
    case.lost = [each.key for each in requests if not is_kept(rows.get(each.key), given[each.key])]
    case.doubled = [key for key, tries in given.items() if is_doubled(tries, case.runs)]
    return case


def request(i: int) -> Request:
    text = f"This is text number {i}. It is about the sea and what is in it. " * 3
    return Request(
        text_digest(text),
        prompt_digest("Judge.", "template"),
        PRICED,
        {"max_tokens": 300},
        "Judge.",
        f"<document-n0nce>\n{json.dumps(text)}\n</document-n0nce>\nJudge the document above.",
        SCHEMA,
    )


def attempts(state: Path) -> dict[str, list[Attempt]]:
    """What the stand-in answered to each request key, in the order of the message batches."""
    found: defaultdict[str, list[Attempt]] = defaultdict(list)
    batches = [json.loads(path.read_text()) for path in state.glob("msgbatch_*.json")]
    for batch in sorted(batches, key=lambda batch: batch["number"]):
        if batch["is_foreign"]:
            continue
        for custom_id, result in _lines(state, batch):
            outcome, value = outcome_of(result)
            attempt = Attempt(batch["number"], batch["created_at"], batch["ended_at"] or "", outcome, value)
            found[custom_id.partition("-")[2]].append(attempt)
    return found


def _lines(state: Path, batch: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    kind = "results" if batch["ended_at"] else "requests"
    for line in (state / f"{batch['id']}.{kind}.jsonl").read_text().splitlines():
        row = json.loads(line)
        yield row["custom_id"], row.get("result", {"type": "processing"})


def outcome_of(result: Mapping[str, Any]) -> tuple[str, Any]:
    """By this module's own reading, so that a mistake of the driver's is not repeated here."""
    if result["type"] == "errored":
        error = result["error"]["error"]
        is_for_good = error["type"] == "invalid_request_error" and "usage limits" not in error["message"]
        return ("invalid" if is_for_good else "errored"), None
    if result["type"] != "succeeded":
        return result["type"], None
    message = result["message"]
    if message["model"] != PRICED:
        return "errored", None
    if message["stop_reason"] != "end_turn":
        return {"refusal": "refused", "max_tokens": "truncated"}[message["stop_reason"]], None
    try:
        text = message["content"][0]["text"]
        return "ok", conform(json.loads(text[text.find('{"') : text.rfind("}") + 1]), SCHEMA)
    except (ValueError, SchemaMismatch):
        return "schema_invalid", None


def is_kept(row: Any, tries: Sequence[Attempt]) -> bool:
    """Whether the ledger's row says what the service answered: the answer if there was one, else the last
    outcome."""
    if row is None or not tries:
        return False
    answered = [each for each in tries if each.outcome == "ok"]
    if answered:
        return row.outcome == "ok" and json.loads(row.body) == answered[0].value
    return row.outcome == {"invalid": "errored"}.get(tries[-1].outcome, tries[-1].outcome)


def is_doubled(tries: Sequence[Attempt], runs: int = 1) -> bool:
    """Whether a request was sent again when it must not be: often enough, still alive, answered for good, or
    truncated or unfitting a second time. Each run after the first may ask once more."""
    if len(tries) > ATTEMPTS_MAX + runs - 1:
        return True
    before = ""
    for last, again in pairwise(tries):
        alive = not last.ended_at or again.sent_at < last.ended_at
        for_good = last.outcome in ("ok", "refused", "invalid")
        the_same = last.outcome in ("truncated", "schema_invalid") and last.outcome == before
        if alive or for_good or the_same:
            return True
        before = last.outcome
    return False
