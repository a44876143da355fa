"""The whole way of a set of requests, in plain Python: what the operator in Airflow does without a worker."""

import time
from collections.abc import Iterable

import anthropic

from curation.claude.budget import NO_CAP, Budget
from curation.claude.decide import Patience
from curation.claude.drive import Asked, Report, drive
from curation.claude.ledger import Ledger
from curation.claude.purpose import UNSAID, Purpose
from curation.claude.request import Request
from curation.claude.split import OF_THE_API, Limits

__all__ = ["Report", "run"]


def run(
    client: anthropic.Anthropic,
    ledger: Ledger,
    requests: Iterable[Request],
    raw: str,
    *,
    purpose: Purpose = UNSAID,
    limits: Limits = OF_THE_API,
    patience: Patience | None = None,
    budget: Budget = NO_CAP,
) -> Report:
    """Have every request answered: send what the ledger lacks, take up what a killed run left, wait, land.

    `requests` are gone through more than once: a list, or an object that makes them anew each time. What the
    service failed to answer goes again, by the policy of its outcome. `raw` is the folder of the result
    lines. Raises ClaudeError; BudgetError where a cap leaves no room.
    """
    return ask(client, Asked(ledger, requests, raw, purpose, budget, limits, patience))


def ask(client: anthropic.Anthropic, asked: Asked) -> Report:
    """`run`, of all that `asked` says."""
    steps = drive(client, asked)
    while True:
        try:
            wait = next(steps)
        except StopIteration as finished:
            report: Report = finished.value
            return report
        time.sleep(wait.seconds)
