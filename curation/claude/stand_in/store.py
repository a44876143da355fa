"""The stand-in's message batches: files in one folder, so that they outlive the server.

ID.json is the state, ID.requests.jsonl what was asked, ID.results.jsonl the answers. Each is written whole or
not at all.
"""

import json
import random
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from curation.claude.stand_in.answer_faults import Result, errored
from curation.claude.stand_in.batch import COUNTS, Batch
from curation.claude.stand_in.foreign import neighbours
from curation.claude.stand_in.messages import Respond
from curation.claude.stand_in.trouble import Trouble
from curation.claude.stand_in.wire import LIST_LIMIT_MAX, ApiError, invalid, not_found


@dataclass(frozen=True)
class Pace:
    """How long a message batch stays in progress, how long after its creation the listing shows it, and how
    many of other users' are made beside each."""

    delay_seconds: float
    list_delay_seconds: float = 0.0
    foreign: int = 0


class Store:
    """Batches under `folder`. `respond` answers one request (its params, the service tier). What was in
    progress goes on."""

    def __init__(self, folder: Path, respond: Respond, pace: Pace, trouble: Trouble) -> None:
        self._folder, self._respond, self._pace, self._trouble = folder, respond, pace, trouble
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._cancels: dict[str, threading.Event] = {}
        self._listed_from: dict[str, float] = {}  # seconds of the monotonic clock
        folder.mkdir(parents=True, exist_ok=True)
        loaded = [Batch(**json.loads(path.read_text())) for path in folder.glob("msgbatch_*.json")]
        self._batches = {batch.id: batch for batch in sorted(loaded, key=lambda batch: batch.number)}
        for batch in loaded:
            self._start(batch)

    def create(self, requests: list[dict[str, Any]]) -> Batch:
        course = self._trouble.course()
        with self._lock:
            own = self._add(requests, delay_ratio=course.delay_ratio, is_canceled_midway=course.is_canceled)
            added = [own]
            for other in neighbours(self._pace.foreign, len(requests), seed=own.number):
                asked = ({"custom_id": custom_id, "params": {}} for custom_id in other.custom_ids)
                added.append(self._add(asked, delay_ratio=other.delay_ratio, is_foreign=True))
        for batch in added:
            self._start(batch)
        return own

    def get(self, batch_id: str) -> Batch:
        try:
            return self._batches[batch_id]
        except KeyError:
            raise not_found(f"message batch {batch_id!r} does not exist") from None

    def list(self, limit: int, after_id: str | None, before_id: str | None) -> tuple[list[Batch], bool]:
        """A page, newest first, and whether there is more beyond it in the direction of the cursor."""
        if not 1 <= limit <= LIST_LIMIT_MAX:
            raise invalid(f"limit: {limit} given; 1 to {LIST_LIMIT_MAX} is allowed")
        if after_id and before_id:
            raise invalid("after_id and before_id: one of them, not both")
        now = time.monotonic()
        listed = [batch for batch in self._batches.values() if self._listed_from.get(batch.id, now) <= now]
        newest = sorted(listed, key=lambda batch: -batch.number)
        if before_id:
            newer = [batch for batch in newest if batch.number > self.get(before_id).number]
            return newer[-limit:], len(newer) > limit
        older = [batch for batch in newest if not after_id or batch.number < self.get(after_id).number]
        return older[:limit], len(older) > limit

    def cancel(self, batch_id: str) -> Batch:
        with self._lock:
            batch = self.get(batch_id)
            if batch.ended_at is None and batch.cancel_initiated_at is None:
                batch = replace(batch, cancel_initiated_at=self._now())
                self._put(batch)
                self._cancels[batch_id].set()
        return batch

    def delete(self, batch_id: str) -> None:
        with self._lock:
            if self.get(batch_id).ended_at is None:
                raise invalid(f"message batch {batch_id} is still processing: cancel it first")
            del self._batches[batch_id]
            for name in ("json", "results.jsonl", "requests.jsonl"):
                (self._folder / f"{batch_id}.{name}").unlink(missing_ok=True)

    def results(self, batch_id: str) -> Path:
        """The file of result lines; in no promised order."""
        if self.get(batch_id).ended_at is None:
            raise invalid(f"message batch {batch_id} has no results yet: it is still processing")
        return self._folder / f"{batch_id}.results.jsonl"

    def close(self) -> None:
        """Stop answering; what is in progress goes on when the folder is opened again."""
        self._closing.set()
        for event in list(self._cancels.values()):
            event.set()
        for thread in self._threads:
            thread.join()

    def _add(
        self,
        requests: Iterable[Mapping[str, Any]],
        *,
        delay_ratio: float | None,
        is_foreign: bool = False,
        is_canceled_midway: bool = False,
    ) -> Batch:
        lines = [json.dumps(request) + "\n" for request in requests]
        batch = Batch(
            id=f"msgbatch_{secrets.token_hex(12)}",
            number=1 + max((batch.number for batch in self._batches.values()), default=0),
            size=len(lines),
            created_at=self._now(),
            delay_ratio=delay_ratio,
            is_foreign=is_foreign,
            is_canceled_midway=is_canceled_midway,
        )
        self._listed_from[batch.id] = time.monotonic() + self._pace.list_delay_seconds
        self._write(batch.id, "requests.jsonl", "".join(lines))
        self._put(batch)
        return batch

    def _start(self, batch: Batch) -> None:
        self._cancels[batch.id] = threading.Event()
        if batch.cancel_initiated_at is not None:
            self._cancels[batch.id].set()
        if batch.ended_at is None and batch.delay_ratio is not None:
            delay_seconds = self._pace.delay_seconds * batch.delay_ratio
            thread = threading.Thread(target=self._process, args=(batch, delay_seconds), daemon=True)
            self._threads = [*filter(threading.Thread.is_alive, self._threads), thread]
            thread.start()

    def _process(self, batch: Batch, delay_seconds: float) -> None:
        canceled = self._cancels[batch.id]
        if batch.is_canceled_midway:
            canceled.wait(delay_seconds / 2)
            self.cancel(batch.id)
            self._closing.wait(delay_seconds / 2)
        else:
            canceled.wait(delay_seconds)
        lines, counts = [], dict.fromkeys(COUNTS, 0)
        for custom_id, result in self._results(batch, canceled):
            if self._closing.is_set():
                return
            counts[result["type"]] += 1
            lines.append(json.dumps({"custom_id": custom_id, "result": result}) + "\n")
        random.Random(batch.id).shuffle(lines)
        with self._lock:
            self._write(batch.id, "results.jsonl", "".join(lines))
            self._put(replace(self._batches[batch.id], ended_at=self._now(), counts=counts))

    def _results(self, batch: Batch, canceled: threading.Event) -> Iterator[tuple[str, Result]]:
        answered = batch.size // 2 if batch.is_canceled_midway else 0  # before it was canceled
        is_expired = self._now() > batch.expires_at.isoformat()
        with (self._folder / f"{batch.id}.requests.jsonl").open(encoding="utf-8") as asked:
            for i, line in enumerate(asked):
                request = json.loads(line)
                if batch.is_foreign or (canceled.is_set() and i >= answered):
                    yield request["custom_id"], {"type": "canceled"}
                elif is_expired:
                    yield request["custom_id"], {"type": "expired"}
                else:
                    yield request["custom_id"], self._result(request["params"])

    def _result(self, params: Mapping[str, Any]) -> Result:
        try:
            message = self._respond(params, "batch")
        except ApiError as error:
            return errored(error)
        return self._trouble.result(params, {"type": "succeeded", "message": message})

    def _put(self, batch: Batch) -> None:
        self._write(batch.id, "json", json.dumps(asdict(batch)))
        self._batches[batch.id] = batch

    def _write(self, batch_id: str, name: str, text: str) -> None:
        temporary = self._folder / f".{batch_id}.{name}"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(self._folder / f"{batch_id}.{name}")

    def _now(self) -> str:
        return (datetime.now(UTC) + timedelta(seconds=self._trouble.skew_seconds)).isoformat()
