"""Requests that are asked one by one, from their claim in the ledger to the rows of their answers.

They are claimed a window at a time: a *direct batch* is a row of the ledger like a message batch's, in the
state `submitting` from its first request to its last answer. Answers are written some at a time, their raw
lines into the lake first. While the process lives it says so; a window whose process fell silent belongs to
nobody: the next run takes what is unanswered, and pays once more for what was in flight.
"""

import json
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from curation import storage
from curation.claude.budget import Admission, fit
from curation.claude.decide import Patience
from curation.claude.drive import Asked, cached_prefix, reservation
from curation.claude.request import NONCE_CHARS, Request
from curation.claude.rows import Held
from curation.claude.service import Reply

log = logging.getLogger(__name__)

_BEATS = 6  # before a silent process is taken for dead


@dataclass(eq=False)
class Window:
    """A direct batch. What is `unanswered` has its reservation in USD, by key; what is `begun` of it may be
    with the service; `unknown_usd` is the most that was billed for answers that never came."""

    nonce: str
    held: Mapping[str, Held]
    cached: bool
    unanswered: dict[str, Decimal]
    patience: Patience
    begun: set[str] = field(default_factory=set)
    unwritten: int = 0  # requests whose answer is not in the ledger; the writer's own count
    unknown_usd: Decimal = Decimal(0)
    beat_at: float = 0.0  # monotonic seconds
    is_lost: bool = False  # taken for dead by another process


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that is not in the ledger yet. `released` is what it gives back of the reservation."""

    window: Window
    held: Held
    reply: Reply
    released: Decimal


class Journal:
    """The windows of one process. `claim`, `write`, `beat` and `close` wait for the ledger and the lake."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._open: dict[str, Window] = {}
        self._answered: list[Answered] = []
        self._files = 0
        self.sent = 0
        self.usd = Decimal(0)
        self.unknown_usd = Decimal(0)

    def claim(self, group: Sequence[Request]) -> tuple[int, Window | None]:
        """Take the first of these requests, of one model and prompt, as far as the caps allow now: how many
        were looked at (0: something must be settled first), and the window of those that nobody else holds.
        Raises BudgetError where the caps leave no room for the first."""
        ledger, first = self._asked.ledger, group[0]
        cached = cached_prefix(ledger, first)
        reserved = {request.key: reservation(request, cached=cached, batch=False) for request in group}
        room = ledger.room(self._asked.budget, self._asked.purpose.run)
        fits = fit([reserved[request.key] for request in group], room)
        if not fits:
            return 0, None
        nonce = secrets.token_hex(NONCE_CHARS // 2)
        got = ledger.plan(
            nonce,
            group[:fits],
            purpose=self._asked.purpose,
            reserve=lambda request: reserved[request.key],
            kind="direct",
        )
        admission = ledger.submitting(nonce, budget=self._asked.budget) if got else Admission.TAKEN
        if admission is Admission.FULL:
            ledger.unplan(nonce)
            return 0, None
        if admission is Admission.TAKEN:
            return fits, None
        patience = self._asked.patience or Patience.of(first.model)
        window = Window(nonce, ledger.held(nonce), cached, {key: reserved[key] for key in got}, patience)
        window.beat_at, window.unwritten = time.monotonic(), len(got)
        self._open[nonce] = window
        self.sent += len(got)
        return fits, window

    def put(self, window: Window, key: str, reply: Reply) -> None:
        """Keep a reply for the next `write`."""
        reserved = window.unanswered.pop(key)
        window.begun.discard(key)
        if not reply.is_told:
            window.unknown_usd += reserved
            self.unknown_usd += reserved
        released = reserved if reply.is_told else Decimal(0)
        self._answered.append(Answered(window, window.held[key], reply, released))

    def take(self) -> list[Answered]:
        """What is to be written, which is forgotten here."""
        taken, self._answered = self._answered, []
        return taken

    def write(self, answered: Sequence[Answered]) -> None:
        """Raw lines into the lake, then rows into the ledger, window by window. What could not be written is
        there for another `take`: it is paid for."""
        left = list(answered)
        try:
            while left:
                window = left[0].window
                self._write(window, [each for each in left if each.window is window])
                left = [each for each in left if each.window is not window]
        finally:
            self._answered[:0] = left

    def _write(self, window: Window, some: Sequence[Answered]) -> None:
        self._files += 1
        uri = storage.join(self._asked.raw, f"{window.nonce}-{self._files:06}.jsonl")
        storage.create(uri, b"".join(_line(window.nonce, each) for each in some))
        rows = [(each.held, each.reply.answer, each.reply.usd) for each in some]
        released = sum((each.released for each in some), Decimal(0))
        if not self._asked.ledger.settle(window.nonce, rows, released):
            self._lose(window)
            return
        self.usd += sum((each.reply.usd for each in some), Decimal(0))
        window.beat_at = time.monotonic()
        window.unwritten -= len(some)
        if not window.unwritten:
            del self._open[window.nonce]

    def beat(self) -> None:
        """Say of each window that has not been heard of for a while that this process is alive."""
        for window in list(self._open.values()):
            if time.monotonic() - window.beat_at > window.patience.silent_seconds / _BEATS:
                window.beat_at = time.monotonic()
                if not self._asked.ledger.beat(window.nonce):
                    self._lose(window)

    def _lose(self, window: Window) -> None:
        """Another process has taken the window's requests: this one was suspended for too long."""
        log.warning(
            "direct batch %s was taken for dead; its requests are another process's now", window.nonce
        )
        window.is_lost = True
        self._open.pop(window.nonce, None)

    def close(self, reason: str) -> None:
        """Free what was claimed and is not written: what was begun or answered of it may have been billed."""
        for window in list(self._open.values()):
            begun = sum((window.unanswered[key] for key in window.begun), Decimal(0))
            begun += sum((each.released for each in self._answered if each.window is window), Decimal(0))
            self.unknown_usd += begun
            self._asked.ledger.close(window.nonce, reason, begun + window.unknown_usd)
        self._open.clear()


def _line(nonce: str, each: Answered) -> bytes:
    said = {"custom_id": f"{nonce}-{each.held.key}", "result": each.reply.result}
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
