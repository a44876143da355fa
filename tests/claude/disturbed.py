"""A synchronous run that counts the points that it passes, and at some of them is disturbed: before a
ledger's commit, before and after a request, before and after raw lines."""

import itertools
import threading
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import event

from curation import storage
from curation.claude import direct
from curation.claude.client import Connection
from curation.claude.decide import Patience
from curation.claude.drive import Report
from curation.claude.ledger import Ledger
from curation.claude.service import Service
from tests.claude.asking import ask
from tests.claude.small_server import PRICED, message

REQUESTS = [ask(i, model=PRICED, **({"parameters": {"max_tokens": 20}} if i < 2 else {})) for i in range(12)]
ASKED = 14  # times, if nothing is paid twice: two answers are truncated at first
POINTS = 40  # that an undisturbed run passes, about: answers come together or not

storage_create, settle, service_ask = storage.create, Ledger.settle, Service.ask


def reply(number: int, params: dict[str, Any]) -> Any:
    return message(params, stop_reason="max_tokens") if params["max_tokens"] == 20 else message(params)


class Run:
    """`disturb(run)` is called at the points `at`, counted from 1. `begun`, `came` and `written` count
    requests that were sent, answers that arrived, and rows."""

    def __init__(
        self,
        url: str,
        folder: Path,
        patience: Patience,
        at: Collection[int] = (),
        disturb: Callable[["Run"], None] = lambda run: None,
    ) -> None:
        self.url, self.folder, self.patience = url, folder, patience
        self.at, self.disturb = at, disturb
        self.passed, self.lock = itertools.count(1), threading.Lock()
        self.begun = self.came = self.written = 0

    def point(self, *_: object) -> None:
        with self.lock:
            if next(self.passed) in self.at:
                self.disturb(self)

    def go(self) -> Report:
        run = self

        def create(uri: str, data: bytes) -> bool:
            run.point()
            made = storage_create(uri, data)
            run.point()
            return made

        async def asked(service: Service, *args: Any, **kwargs: Any) -> Any:
            run.point()
            run.begun += 1
            replied = await service_ask(service, *args, **kwargs)
            run.came += 1
            run.point()
            return replied

        def settled(ledger: Ledger, nonce: str, answered: Any, released: Any) -> bool:
            was_ours = settle(ledger, nonce, answered, released)
            run.written += len(answered)
            return was_ours

        ledger = Ledger(self.folder / "ledger.sqlite")
        event.listen(ledger._engine, "commit", self.point)
        with ExitStack() as patches:
            patches.enter_context(mock.patch.object(storage, "create", create))
            patches.enter_context(mock.patch.object(Ledger, "settle", settled))
            patches.enter_context(mock.patch.object(Service, "ask", asked))
            patches.enter_context(mock.patch.object(direct, "_WRITE_SECONDS", 0.01))
            connection, raw = Connection("k", self.url), str(self.folder / "raw")
            return direct.run(connection, ledger, REQUESTS, raw, concurrency=3, patience=self.patience)
