"""The stand-in's message batches: files in one folder, so that they outlive the server.

ID.json is the state, ID.requests.jsonl what was asked, ID.results.jsonl the answers. Each is written whole or
not at all.
"""

import json
import random
import secrets
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from curation.claude.stand_in.wire import LIST_LIMIT_MAX, ApiError, invalid, not_found

Respond = Callable[[object, str], dict[str, Any]]

_COUNTS = ("succeeded", "errored", "canceled", "expired")


@dataclass(frozen=True)
class Batch:
    """Times are ISO 8601 in UTC. `counts` is empty until the batch has ended."""

    id: str
    number: int  # in the order of creation
    size: int
    created_at: str
    cancel_initiated_at: str | None = None
    ended_at: str | None = None
    counts: dict[str, int] | None = None

    def wire(self, url: str) -> dict[str, Any]:
        """The API's object; `url` is the server's own address."""
        ended = self.ended_at is not None
        canceling = self.cancel_initiated_at is not None
        counts = dict.fromkeys(_COUNTS, 0) | (self.counts or {})
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "canceling" if canceling else "in_progress",
            "request_counts": {"processing": 0 if ended else self.size, **counts},
            "created_at": self.created_at,
            "expires_at": self.expires_at.isoformat(),
            "ended_at": self.ended_at,
            "cancel_initiated_at": self.cancel_initiated_at,
            "archived_at": None,
            "results_url": f"{url}/v1/messages/batches/{self.id}/results" if ended else None,
        }

    @property
    def expires_at(self) -> datetime:
        return datetime.fromisoformat(self.created_at) + timedelta(hours=24)


class Store:
    """Batches under `folder`. A batch stays in progress for `delay_seconds`, then is answered and ends.
    `respond` answers one request (its params, the service tier). What was in progress goes on."""

    def __init__(self, folder: Path, delay_seconds: float, respond: Respond) -> None:
        self._folder, self._delay, self._respond = folder, delay_seconds, respond
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._cancels: dict[str, threading.Event] = {}
        folder.mkdir(parents=True, exist_ok=True)
        loaded = [Batch(**json.loads(path.read_text())) for path in folder.glob("msgbatch_*.json")]
        self._batches = {batch.id: batch for batch in sorted(loaded, key=lambda batch: batch.number)}
        for batch in loaded:
            if batch.ended_at is None:
                self._start(batch)

    def create(self, requests: list[dict[str, Any]]) -> Batch:
        with self._lock:
            number = 1 + max((batch.number for batch in self._batches.values()), default=0)
            batch = Batch(f"msgbatch_{secrets.token_hex(12)}", number, len(requests), _now())
            self._write(batch.id, "requests.jsonl", "".join(json.dumps(r) + "\n" for r in requests))
            self._put(batch)
        self._start(batch)
        return batch

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
        newest = sorted(self._batches.values(), key=lambda batch: -batch.number)
        if before_id:
            newer = newest[: newest.index(self.get(before_id))]
            return newer[-limit:], len(newer) > limit
        older = newest[newest.index(self.get(after_id)) + 1 :] if after_id else newest
        return older[:limit], len(older) > limit

    def cancel(self, batch_id: str) -> Batch:
        with self._lock:
            batch = self.get(batch_id)
            if batch.ended_at is None and batch.cancel_initiated_at is None:
                batch = replace(batch, cancel_initiated_at=_now())
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

    def _start(self, batch: Batch) -> None:
        self._cancels[batch.id] = threading.Event()
        if batch.cancel_initiated_at is not None:
            self._cancels[batch.id].set()
        thread = threading.Thread(target=self._process, args=(batch,), daemon=True)
        self._threads = [*filter(threading.Thread.is_alive, self._threads), thread]
        thread.start()

    def _process(self, batch: Batch) -> None:
        canceled = self._cancels[batch.id]
        canceled.wait(self._delay)
        lines, counts = [], dict.fromkeys(_COUNTS, 0)
        with (self._folder / f"{batch.id}.requests.jsonl").open(encoding="utf-8") as asked:
            for line in asked:
                if self._closing.is_set():
                    return
                request = json.loads(line)
                result = self._result(request["params"], batch, canceled.is_set())
                counts[result["type"]] += 1
                lines.append(json.dumps({"custom_id": request["custom_id"], "result": result}) + "\n")
        random.Random(batch.id).shuffle(lines)
        with self._lock:
            self._write(batch.id, "results.jsonl", "".join(lines))
            self._put(replace(self._batches[batch.id], ended_at=_now(), counts=counts))

    def _result(self, params: object, batch: Batch, canceled: bool) -> dict[str, Any]:
        if canceled:
            return {"type": "canceled"}
        if datetime.now(UTC) > batch.expires_at:
            return {"type": "expired"}
        try:
            return {"type": "succeeded", "message": self._respond(params, "batch")}
        except ApiError as error:
            return {"type": "errored", "error": error.body(request_id())}

    def _put(self, batch: Batch) -> None:
        self._write(batch.id, "json", json.dumps(asdict(batch)))
        self._batches[batch.id] = batch

    def _write(self, batch_id: str, name: str, text: str) -> None:
        temporary = self._folder / f".{batch_id}.{name}"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(self._folder / f"{batch_id}.{name}")


def request_id() -> str:
    return f"req_{secrets.token_hex(12)}"


def _now() -> str:
    return datetime.now(UTC).isoformat()
