"""Requests asked one by one, many at a time: for small jobs, and for servers that have no message batches.

The same ledger, keys, reservations, outcomes and rounds as by message batches, at the full price. Retries
are ours, none are the SDK's: how fast to ask is `pace`'s to say, and whether an answer goes again is its
outcome's policy.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from curation.claude.budget import NO_CAP, Budget
from curation.claude.client import Clients, Connection
from curation.claude.decide import Patience
from curation.claude.drive import Asked, Look, Report, Watch
from curation.claude.interrupts import apart, to_the_end
from curation.claude.journal import Journal, Window
from curation.claude.ledger import Ledger
from curation.claude.pace import Pace
from curation.claude.purpose import UNSAID, Purpose
from curation.claude.request import Request
from curation.claude.service import Reply, Service
from curation.claude.split import Limits, split

_WINDOW = 4  # times the concurrency: the requests of a direct batch
_WINDOW_MAX = 1_000
_REQUEST_BYTES = 32_000_000  # the API's limit of one request
_WRITE_SECONDS = 0.5  # between writes to the ledger


def run(
    connection: Connection,
    ledger: Ledger,
    requests: Iterable[Request],
    raw: str,
    *,
    purpose: Purpose = UNSAID,
    budget: Budget = NO_CAP,
    concurrency: int = 50,
    patience: Patience | None = None,
) -> Report:
    """Have every request answered, `concurrency` of them at a time. As `curation.claude.run.run` otherwise:
    `requests` are gone through more than once, `raw` is the folder of the result lines, what is answered is
    not asked again. Raises ClaudeError, when what was in flight has come back and is written."""
    asked = Asked(ledger, requests, raw, purpose, budget, patience=patience, concurrency=concurrency)
    return ask(connection, asked)


def ask(clients: Clients, asked: Asked) -> Report:
    """`run`, of all that `asked` says but its limits, which are those of message batches."""
    limits = Limits(min(_WINDOW * asked.concurrency, _WINDOW_MAX), _REQUEST_BYTES)
    with asked.ledger.kept_open():
        return apart(_ask(clients, replace(asked, limits=limits)))


async def _ask(clients: Clients, asked: Asked) -> Report:
    since = time.time()
    journal = Journal(asked)
    watch: Watch | None = None
    async with clients.async_client(asked.concurrency) as client:
        service = Service(client, Pace(asked.concurrency))
        while True:
            look = Look(asked.ledger, since)
            await _Round(service, asked, journal).go(split(look.lacking(asked.requests), asked.limits))
            if look.holders:  # what other processes hold is waited for as message batches are
                watch = watch or Watch(clients.client(), asked, since, Counter())
                await _wait(watch, look.holders)
            if not look.sent_or_waited:
                usd, unknown_usd = journal.usd, journal.unknown_usd
                if watch:
                    usd, unknown_usd = usd + watch.usd, unknown_usd + watch.ambiguous_usd
                return Report(look.requested, journal.sent, usd, look.outcomes, unknown_usd)


async def _wait(watch: Watch, nonces: Iterable[str]) -> None:
    watch.take(nonces)
    await asyncio.to_thread(watch.advance)
    while watch.live():
        await asyncio.sleep(watch.wait().seconds)
        await asyncio.to_thread(watch.advance)


class _Round:
    """One pass over the requests: claimed in windows, asked by workers, written as they come. What goes wrong
    for good stops the asking; what is in flight then still comes back, for it is paid for."""

    def __init__(self, service: Service, asked: Asked, journal: Journal) -> None:
        self.service, self.asked, self.journal = service, asked, journal
        self.trouble: Exception | None = None
        self.over = asyncio.Event()
        self.doubted: list[tuple[Window, str, Reply]] = []  # refused before anything was answered
        self.queue: asyncio.Queue[tuple[Window, Request] | None] = asyncio.Queue(service.pace.concurrency)

    async def go(self, groups: Iterator[list[Request]]) -> None:
        keeper = asyncio.create_task(self._keep())
        try:
            async with asyncio.TaskGroup() as tasks:  # none is left when it ends, however it ends
                tasks.create_task(self._feed(groups))
                for _ in range(self.service.pace.concurrency):
                    tasks.create_task(self._work())
        finally:
            await to_the_end(self._end(keeper))
        if self.trouble:
            raise self.trouble

    async def _end(self, keeper: asyncio.Task[None]) -> None:
        """Write what has been answered, and free the rest of what was claimed."""
        self.over.set()
        await keeper
        for doubted in self.doubted if self.trouble is None else ():
            self.journal.put(*doubted)
        try:
            self.journal.write(self.journal.take())  # nothing, unless the keeper failed
        except Exception as error:  # noqa: BLE001 - raised by `go`, when what was claimed is free
            self.trouble = self.trouble or error
        self.journal.close(f"stopped: {self.trouble or 'interrupted'}")

    async def _feed(self, groups: Iterator[list[Request]]) -> None:
        """Claim requests as the workers need them."""
        try:
            while self.trouble is None and (group := await asyncio.to_thread(next, groups, None)):
                self.service.check(group[0].model)
                await self._claim(group)
        except Exception as error:  # noqa: BLE001 - raised by `go`, when the workers are done
            self.trouble = self.trouble or error
        for _ in range(self.service.pace.concurrency):
            await self.queue.put(None)

    async def _claim(self, group: list[Request]) -> None:
        while group and self.trouble is None:
            looked_at, window = await to_the_end(asyncio.to_thread(self.journal.claim, group))
            for request in group[:looked_at]:
                if window and request.key in window.held:
                    await self.queue.put((window, request))
            group = group[looked_at:]
            if not looked_at:
                patience = self.asked.patience or Patience.of(group[0].model)
                await asyncio.sleep(patience.retry_seconds)

    async def _work(self) -> None:
        while (each := await self.queue.get()) is not None:
            try:
                await self._answer(*each)
            except Exception as error:  # noqa: BLE001 - raised by `go`, when the others are back
                self.trouble = self.trouble or error

    async def _answer(self, window: Window, request: Request) -> None:
        """Ask until there is an answer, or none any more because of some trouble."""
        reply = None
        while reply is None:
            if not await self._turn(window):
                return
            window.begun.add(request.key)
            reply = await self.service.ask(request, cached=window.cached, patience=window.patience)
            if reply is None:  # certainly not answered
                window.begun.discard(request.key)
        if self.service.has_answered or not reply.is_refusal:
            self.journal.put(window, request.key, reply)
            return
        # Maybe not the request, but a server that is set up wrongly: then nothing of this is to stand.
        window.begun.discard(request.key)
        self.doubted.append((window, request.key, reply))

    async def _turn(self, window: Window) -> bool:
        """Wait until one more request may be sent; False if none may any more."""
        while self.trouble is None and not window.is_lost:
            seconds = self.service.wait_seconds()
            if not seconds:
                return True
            await asyncio.sleep(seconds)
        return False

    async def _keep(self) -> None:
        """Write what has been answered, and say that this process lives."""
        try:
            while not self.over.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.over.wait(), _WRITE_SECONDS)
                if taken := self.journal.take():
                    await asyncio.to_thread(self.journal.write, taken)
                await asyncio.to_thread(self.journal.beat)
        except Exception as error:  # noqa: BLE001 - raised by `go`
            self.trouble = self.trouble or error
