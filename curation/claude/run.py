"""The whole way of a set of requests, in plain Python: what the operator in Airflow does without a worker."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import anthropic

from curation.claude.batches import Limits, advance, plan, submit
from curation.claude.decide import Patience
from curation.claude.ledger import Ledger, MessageBatch
from curation.claude.request import Request

_NEVER = float("inf")
_REPLAN_SECONDS = 1.0


@dataclass(frozen=True)
class Report:
    """What became of the requests. `sent` and `usd` are this run's, `outcomes` all runs' together."""

    requested: int
    sent: int
    usd: Decimal
    outcomes: Mapping[str, int]


def run(
    client: anthropic.Anthropic,
    ledger: Ledger,
    requests: Iterable[Request],
    raw: str,
    *,
    limits: Limits | None = None,
    patience: Patience | None = None,
) -> Report:
    """Have every request answered: send what the ledger lacks, take up what a killed run left, wait, land.

    A request is sent once a run; what the service failed to answer goes again with the next run, up to
    `ledger.ATTEMPTS_MAX`. `raw` is the folder of the result lines. Raises ClaudeError.
    """
    state = _State({request.key: request for request in requests})
    asked = list(state.waiting)
    while True:
        if state.plan_at <= time.monotonic():
            state.plan_at = _NEVER
            _send(client, ledger, state, limits)
        live = ledger.live(state.waiting)
        for batch in live:
            if batch.state == "planned":  # the service was busy, or another process is about to send it
                if state.plan_at == _NEVER:
                    state.plan_at = time.monotonic() + _REPLAN_SECONDS
            elif state.due.get(batch.nonce, 0.0) <= time.monotonic():
                _advance(client, ledger, state, batch, raw=raw, patience=patience)
        if not live and state.plan_at == _NEVER:
            break
        wake = min([state.plan_at, *(state.due.get(batch.nonce, _NEVER) for batch in live)])
        time.sleep(max(0.0, wake - time.monotonic()))
    outcomes = Counter(row.outcome for row in ledger.answers(asked))
    return Report(len(asked), state.sent, state.usd, outcomes)


@dataclass
class _State:
    """Of one run. Times are of the monotonic clock."""

    waiting: dict[str, Request]  # not landed in this run
    sent: int = 0
    usd: Decimal = Decimal(0)
    plan_at: float = 0.0
    due: dict[str, float] = field(default_factory=dict)  # nonce → when its batch is asked for next
    failures: Counter[str] = field(default_factory=Counter)  # nonce → polls in a row that failed


def _send(client: anthropic.Anthropic, ledger: Ledger, state: _State, limits: Limits | None) -> None:
    for planned in plan(ledger, state.waiting.values(), limits=limits):
        busy_seconds = submit(client, ledger, planned)
        if busy_seconds == 0.0:
            state.sent += len(planned.requests)
        else:
            state.plan_at = time.monotonic() + (busy_seconds or _REPLAN_SECONDS)


def _advance(
    client: anthropic.Anthropic,
    ledger: Ledger,
    state: _State,
    batch: MessageBatch,
    *,
    raw: str,
    patience: Patience | None,
) -> None:
    keys = ledger.held(batch.nonce)
    step = advance(client, ledger, raw, batch, failures=state.failures[batch.nonce], patience=patience)
    state.failures[batch.nonce] = step.failures
    state.due[batch.nonce] = time.monotonic() + step.seconds
    after = ledger.batch(batch.nonce)
    if after.state in ("planned", "failed"):
        state.plan_at = 0.0
    elif after.state == "landed":
        state.usd += after.usd or Decimal(0)
        for key in keys:
            state.waiting.pop(key, None)
