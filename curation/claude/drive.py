"""What it takes to have requests answered by message batches: a generator that acts until it must wait.

It goes through the requests, sends what the ledger lacks, waits, lands, and goes through them again, until a
pass finds that all are done. All that it knows lies in the ledger and can be found again there: who cannot
wait in a loop, such as a task in Airflow, drops the generator and makes another later. It holds no more
requests than one message batch.
"""

import logging
import secrets
import time
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice

import anthropic

from curation.claude import caching
from curation.claude.batches import Planned, advance, land_others, submit
from curation.claude.budget import NO_CAP, Budget, dollars, fit
from curation.claude.decide import Patience, Verdict
from curation.claude.ledger import Ledger
from curation.claude.prices import most
from curation.claude.purpose import UNSAID, Purpose
from curation.claude.request import NONCE_CHARS, Request
from curation.claude.rows import MessageBatch
from curation.claude.split import OF_THE_API, Limits, split
from curation.errors import BudgetError, ClaudeError

log = logging.getLogger(__name__)

_REQUESTS_A_LOOK = 2_000
_POLLS_FOR_ROOM = 10  # what other runs have in flight is looked at so much more rarely
_UNKNOWN_MAX = 5  # batches that one run gives up because it cannot be told whether they were made


@dataclass(frozen=True)
class Asked:
    """What is to be answered, and how.

    `requests` can be gone through more than once: a list, or an object that makes them anew each time.
    `raw` is the folder of the result lines. `patience` None: as the model is. `direct`: one by one, without
    message batches (`curation.claude.direct`), `concurrency` at a time.
    """

    ledger: Ledger
    requests: Iterable[Request]
    raw: str
    purpose: Purpose = UNSAID
    budget: Budget = NO_CAP
    limits: Limits = OF_THE_API
    patience: Patience | None = None
    direct: bool = False
    concurrency: int = 50

    def __post_init__(self) -> None:
        if iter(self.requests) is self.requests:
            raise TypeError(
                "requests are gone through more than once: give a list, or an object with __iter__"
            )


@dataclass(frozen=True)
class Report:
    """What became of the requests. `sent`, `usd` and `ambiguous_usd` are of what this process sent and
    landed, others' leftovers that it took up among it, `outcomes` all runs' together; a request given twice
    counts twice. What a run cost in all is `Ledger.costs(run)`'s to say."""

    requested: int
    sent: int
    usd: Decimal
    outcomes: Mapping[str, int]
    ambiguous_usd: Decimal = Decimal(0)
    """The most that was billed for nothing: the reservations of what was sent again though the service may
    have had it."""


@dataclass(frozen=True)
class Wait:
    """Nothing to do for `seconds`, until the next look at one of the `live` message batches. In
    `retry_seconds` at the latest something is tried again that no status tells of: it waits to be sent, or is
    not found yet; None if there is no such thing."""

    seconds: float
    live: tuple[MessageBatch, ...]
    failures: Mapping[str, int]  # by nonce: polls in a row that failed
    retry_seconds: float | None = None


def drive(
    client: anthropic.Anthropic,
    asked: Asked,
    *,
    since: float | None = None,
    failures: Mapping[str, int] | None = None,
) -> Generator[Wait, None, Report]:
    """Have every request answered, yielding each time there is nothing to do but wait. `since` is when the
    run began (Unix seconds), `failures` are those of an earlier Wait, for a run that goes on. Raises
    ClaudeError, and BudgetError where a cap leaves no room for the rest, once what was sent has landed."""
    started = time.time() if since is None else since
    watch = Watch(client, asked, started, Counter(failures or {}))
    if asked.ledger.holds_any():  # maybe in the way of what is to be sent, and ours to land
        before = Look(asked.ledger, started)
        deque(before.lacking(asked.requests), maxlen=0)
        watch.take(before.holders)
        watch.land_others()
    while True:
        look = Look(asked.ledger, started)
        for group in split(look.lacking(asked.requests), asked.limits):
            watch.take(look.holders)
            yield from _send(client, asked, watch, group)
        watch.take(look.holders)
        watch.advance()
        while watch.live():
            yield watch.wait()
            watch.advance()
        if not look.sent_or_waited:
            return Report(look.requested, watch.sent, watch.usd, look.outcomes, watch.ambiguous_usd)


class Look:
    """One pass over the requests."""

    def __init__(self, ledger: Ledger, since: float) -> None:
        self._ledger, self._since = ledger, since
        self.requested = 0
        self.outcomes: Counter[str] = Counter()  # of what is done
        self.holders: set[str] = set()  # nonces of the live message batches that hold some
        self.sent_or_waited = False

    def lacking(self, requests: Iterable[Request]) -> Iterator[Request]:
        """Those that are not done and that nobody holds; larger where an answer was truncated."""
        iterator = iter(requests)
        while some := list(islice(iterator, _REQUESTS_A_LOOK)):
            self.requested += len(some)
            standing = self._ledger.standing({request.key for request in some}, since=self._since)
            done = {key for key, found in standing.items() if found.done}
            self.outcomes.update(standing[request.key].outcome for request in some if request.key in done)
            todo = [request for request in some if request.key not in done]
            claims = self._ledger.claims({request.key for request in todo})
            self.holders.update(claims.values())
            self.sent_or_waited |= bool(todo)
            for request in todo:
                if request.key not in claims:
                    last = standing.get(request.key)
                    yield request.enlarged() if last and last.truncated else request


@dataclass
class Watch:
    """The live message batches that hold something of ours, and what this run did."""

    client: anthropic.Anthropic
    asked: Asked
    since: float
    failures: Counter[str]
    due: dict[str, float] = field(default_factory=dict)  # nonce → when it is looked at next (monotonic)
    sent: int = 0
    landed: int = 0  # message batches
    usd: Decimal = Decimal(0)
    ambiguous_usd: Decimal = Decimal(0)

    def take(self, nonces: Iterable[str], seconds: float = 0.0) -> None:
        for nonce in nonces:
            self.due.setdefault(nonce, time.monotonic() + seconds)

    def live(self) -> list[MessageBatch]:
        """Those that still hold requests; the others are forgotten."""
        found = self.asked.ledger.live(self.due)
        self.due = {batch.nonce: self.due[batch.nonce] for batch in found}
        return found

    def wait(self, retry_seconds: float | None = None) -> Wait:
        live = tuple(self.live())
        now = time.monotonic()
        retries = [max(0.0, self.due[batch.nonce] - now) for batch in live if batch.batch_id is None]
        retries += [] if retry_seconds is None else [retry_seconds]
        seconds = [*retries, *(when - now for when in self.due.values())]
        failures = {batch.nonce: self.failures[batch.nonce] for batch in live}
        return Wait(max(0.0, min(seconds, default=0.0)), live, failures, min(retries, default=None))

    def pause(self, seconds: float, *, for_room: bool = False) -> Generator[Wait, None, None]:
        """Wait so long before something is sent, and go on with what lives meanwhile; for room, only until
        something has landed."""
        until, landed = time.monotonic() + seconds, self.landed
        while (left := until - time.monotonic()) > 0 and not (for_room and self.landed > landed):
            yield self.wait(left)
            self.advance()

    def advance(self) -> None:
        """Take each batch that is due a step further."""
        for batch in self.live():
            if self.due[batch.nonce] <= time.monotonic():
                self._advance(batch)

    def land_others(self) -> None:
        land_others(self.client, self.asked.ledger, self.asked.raw, self.due)

    def _advance(self, batch: MessageBatch) -> None:
        asked = self.asked
        step = advance(
            self.client,
            asked.ledger,
            asked.raw,
            batch,
            failures=self.failures[batch.nonce],
            patience=asked.patience,
        )
        self.failures[batch.nonce] = step.failures
        self.due[batch.nonce] = time.monotonic() + step.seconds
        if step.verdict is Verdict.ENDED and batch.state != "planned":
            self.landed += 1
            self.usd += asked.ledger.batch(batch.nonce).usd or Decimal(0)
        elif step.verdict is Verdict.ABSENT:
            self._absent(batch)

    def _absent(self, batch: MessageBatch) -> None:
        self.ambiguous_usd += batch.reserved
        unknown = self.asked.ledger.never_found(self.asked.purpose.run, self.since)
        if unknown >= _UNKNOWN_MAX:
            raise ClaudeError(
                f"{unknown} message batches of this run were sent and not found again; they may have "
                f"cost {dollars(self.ambiguous_usd)}. The service does not answer when it is given one: look "
                "at its status, or at the proxy in front of it, then run again"
            )


def _send(
    client: anthropic.Anthropic, asked: Asked, watch: Watch, group: list[Request]
) -> Generator[Wait, None, None]:
    """Send requests of one model and prompt, in as many message batches as the caps need."""
    ledger, model = asked.ledger, group[0].model
    cached = cached_prefix(ledger, group[0])
    reserved = {request.key: reservation(request, cached=cached) for request in group}
    patience = asked.patience or Patience.of(model)
    while group:
        watch.advance()
        try:
            fits = _fits(asked, [reserved[request.key] for request in group])
        except BudgetError:
            while watch.live():  # it is paid for, and who knows when it is asked for again
                yield watch.wait()
                watch.advance()
            raise
        if not fits:
            watch.land_others()
            yield from watch.pause(_POLLS_FOR_ROOM * patience.poll_seconds, for_room=True)
            continue
        nonce = secrets.token_hex(NONCE_CHARS // 2)
        got = ledger.plan(nonce, group[:fits], purpose=asked.purpose, reserve=lambda r: reserved[r.key])
        planned = Planned(nonce, tuple(request for request in group[:fits] if request.key in got), cached)
        busy = _submit(client, asked, planned, patience) if got else None
        if busy:
            yield from watch.pause(busy)
            continue
        if busy is not None:  # else another process has taken them: the next pass waits for it
            watch.sent += len(got)
            watch.take([nonce], patience.poll_seconds)
        group = group[fits:]


def _submit(client: anthropic.Anthropic, asked: Asked, planned: Planned, patience: Patience) -> float | None:
    queue = asked.limits.queue
    return submit(client, asked.ledger, planned, budget=asked.budget, queue=queue, patience=patience)


def cached_prefix(ledger: Ledger, request: Request) -> bool:
    """Whether a cache breakpoint after the system prompt pays."""
    prefix_bytes = len(request.system.encode("utf-8", "surrogatepass"))
    hits = ledger.cached_tokens(request.model, request.prompt_digest)
    return caching.pays(request.model, prefix_bytes, *hits)


def _fits(asked: Asked, reservations: list[Decimal]) -> int:
    """How many of the requests may go now, in one message batch; 0 if something must land or end before."""
    room = asked.ledger.room(asked.budget, asked.purpose.run)
    fits = fit(reservations, room)
    queued = asked.ledger.queued()
    if queued and queued + fits > asked.limits.queue:
        log.info("%d requests are with the service: %d more have to wait", queued, fits)
        return 0
    if room and not fits:
        log.info("%s is left under %s, until what is in flight lands", dollars(room.now), room.cap)
    return fits


def reservation(request: Request, *, cached: bool, batch: bool = True) -> Decimal:
    """USD that a request can cost at most, in a message batch or by itself."""
    return most(
        request.model,
        input_bytes=request.bytes,
        max_tokens=request.max_tokens,
        ttl="5m" if cached and request.system else None,
        batch=batch,
    )
