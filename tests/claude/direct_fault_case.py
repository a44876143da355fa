"""Requests asked one by one of a stand-in with faults, and what became of each by the stand-in's own account.

Each run is a fork of this process, so that it can be killed as a user's is. What was answered and billed is
noted where the stand-in makes it, not where the run saw it: an answer whose connection broke counts as given.
"""

import itertools
import json
import os
import random
import signal
import sqlite3
import threading
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import httpx2

from curation.claude import client, direct, stand_in
from curation.claude.client import Connection
from curation.claude.decide import Patience
from curation.claude.ledger import Ledger
from curation.claude.prices import cost
from curation.claude.stand_in.faults import FAULTS, AnswerFault, CallFault, Fault
from curation.claude.stand_in.local import local
from curation.claude.stand_in.messages import respond
from curation.errors import ClaudeError
from tests.claude.fault_case import ATTEMPTS_MAX, PRICED, is_kept, outcome_of, request

REQUESTS = [request(i) for i in range(48)]
RUNS_MAX = 12
PATIENCE = Patience(0.05, 0.8, 0.5, retry_seconds=0.02, silent_seconds=1.5)
_TIMEOUT_SECONDS = 2.0  # of an answer, where some come too late
_LATE_RATIO = 0.05
_SIGNALS = {"killed": signal.SIGKILL, "interrupted": signal.SIGINT}  # a run gets each twice


def _is_met(fault: Fault) -> bool:
    """Whether a fault of the stand-in strikes single requests."""
    return any(
        "message" in each.verbs if isinstance(each, CallFault) else not each.in_batches_only
        for each in fault.strikes
        if isinstance(each, CallFault | AnswerFault)
    )


# Besides the stand-in's: answers that come when nobody waits any more, a server that knows no schema, SIGKILL
# and Ctrl-C. Of some, what was given need not have arrived or been written.
FAULTS_HERE = (*(name for name in FAULTS if _is_met(FAULTS[name])), "late", "no_schema", *_SIGNALS)
_UNHEARD = frozenset(("late", *_SIGNALS))


@dataclass(frozen=True)
class Given:
    """One answer to one request. `was_settled`: the ledger had its answer before; `is_whole`: the connection
    brought all of it, in time."""

    outcome: str
    value: Any
    was_settled: bool
    is_whole: bool


@dataclass
class Case:
    """What became of the requests: keys, dollars, and what ended runs before their time."""

    faults: Sequence[str]
    lost: list[str] = field(default_factory=list)  # no row, or not the answer that the service gave
    doubled: list[str] = field(default_factory=list)  # asked again though answered, or settled twice
    untold_usd: Decimal = Decimal(0)  # billed, and neither settled nor told as maybe billed
    held_usd: Decimal = Decimal(0)  # reserved though nothing is in flight
    stops: list[str] = field(default_factory=list)  # ClaudeErrors: a person reads them and runs again
    crashes: list[str] = field(default_factory=list)  # anything else
    runs: int = 0
    struck: Counter[str] = field(default_factory=Counter)


class _Account:
    """What a stand-in gives and bills, noted in the place of its faults, with those faults that are ours."""

    def __init__(self, server: stand_in.StandIn, ledger: Path, faults: Collection[str], rng: random.Random):
        self.given: defaultdict[str, list[Given]] = defaultdict(list)
        self.usd = Decimal(0)
        self.struck = Counter({"no_schema": 1})
        self.pid: int | None = None  # of the run that asks
        self._ledger, self._rng = ledger, rng
        self._is_late = "late" in faults
        self._signals = {
            at: name for name in _SIGNALS if name in faults for at in rng.sample(range(3, 40), 2)
        }
        self._numbers, self._here = itertools.count(1), threading.local()
        self.lock = threading.Lock()  # held while the ledger is open: that must not cross a fork
        self._keys = {each.message: each.key for each in REQUESTS}
        self._result, self._around = server.trouble.result, server.trouble.around
        mock.patch.multiple(server.trouble, result=self.result, around=self.around).start()

    def result(self, params: Mapping[str, Any], made: Mapping[str, Any], *, in_batch: bool) -> Any:
        result = self._result(params, made, in_batch=in_batch)
        key = self._keys[params["messages"][0]["content"]]
        with self.lock, closing(sqlite3.connect(self._ledger, timeout=60)) as db:
            settled = db.execute("SELECT settled FROM answers WHERE key = ?", (key,)).fetchone()
        self._here.said = key, result, settled == (1,)
        return result

    def around(self, verb: str, work: Callable[[], Any]) -> Any:
        with self.lock:
            if (name := self._signals.pop(next(self._numbers), None)) and self.pid:
                os.kill(self.pid, _SIGNALS[name])
                self.struck[name] += 1
            is_late = self._is_late and self._rng.random() < _LATE_RATIO
        self._here.said = made = reply = None

        def worked() -> Any:
            nonlocal made
            made = work()
            return made

        try:
            reply = self._around(verb, worked)
        finally:
            if self._here.said:
                self._note(*self._here.said, is_whole=reply is made and not is_late)
        if is_late:
            self.struck["late"] += 1
            time.sleep(1.5 * _TIMEOUT_SECONDS)
        return reply

    def _note(self, key: str, result: Mapping[str, Any], was_settled: bool, *, is_whole: bool) -> None:
        with self.lock:
            self.given[key].append(Given(*outcome_of(result), was_settled, is_whole))
            if result["type"] == "succeeded":
                self.usd += cost(PRICED, result["message"]["usage"], batch=False)


def drive(faults: Sequence[str], folder: Path, *, seed: int = 0) -> Case:
    """Have `REQUESTS` answered by a stand-in with these faults, running again whatever ended a run, as often
    as a patient user would."""
    case, path = Case(faults), folder / "ledger.sqlite"
    ledger, keys = Ledger(path), [each.key for each in REQUESTS]
    with stand_in.serve(
        respond=local(respond, seed) if "no_schema" in faults else respond,
        faults=[name for name in faults if name in FAULTS],
        seed=seed,
        model=PRICED,
        latency_seconds=0.01,
    ) as server:
        account = _Account(server, path, faults, random.Random(f"{faults} {seed}"))
        while case.runs < RUNS_MAX and ledger.missing(keys):
            case.runs += 1
            ended = _run(server.url, folder, account, _TIMEOUT_SECONDS if "late" in faults else 60.0)
            if ended.startswith("ClaudeError"):
                case.stops.append(ended)
                if "spend_limit" in server.trouble.active:
                    server.trouble.lift("spend_limit")
            elif ended:
                case.crashes.append(ended)
        case.struck = server.trouble.struck + account.struck
    _audit(case, ledger, account)
    return case


def _run(url: str, folder: Path, account: _Account, answer_seconds: float) -> str:
    """One run in a process of its own; what ended it before its time, but for the signals sent to it."""
    reading, writing = os.pipe()
    with account.lock:
        child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            said = _asked(url, folder, answer_seconds)
        except BaseException:  # noqa: BLE001 - the end of a process
            said = traceback.format_exc()
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    account.pid = child
    with os.fdopen(reading) as told:
        said = told.read()
    account.pid = None
    os.waitpid(child, 0)
    return said


def _asked(url: str, folder: Path, answer_seconds: float) -> str:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    waits = httpx2.Timeout(answer_seconds)
    with mock.patch.object(client, "_ANSWER", waits), mock.patch.object(direct, "_WRITE_SECONDS", 0.05):
        ledger, raw = Ledger(folder / "ledger.sqlite"), str(folder / "raw")
        try:
            direct.run(Connection("k", url), ledger, REQUESTS, raw, concurrency=6, patience=PATIENCE)
        except ClaudeError as error:
            return f"ClaudeError: {error}"
        except KeyboardInterrupt:
            pass
    return ""


def _audit(case: Case, ledger: Ledger, account: _Account) -> None:
    rows = {row.key: row for row in ledger.answers([each.key for each in REQUESTS])}
    is_heard = not _UNHEARD.intersection(case.faults)
    case.lost = [each.key for each in REQUESTS if not is_kept(rows.get(each.key), account.given[each.key])]
    case.doubled = [key for key, all_ in account.given.items() if is_doubled(all_, case.runs, is_heard)]
    with closing(sqlite3.connect(ledger._engine.url.database or "")) as db:
        counts = [json.loads(said) for (said,) in db.execute("SELECT counts FROM message_batches") if said]
    answered = sum(row.outcome == "ok" for row in rows.values())
    case.doubled += ["settled"] * (sum(each.get("ok", 0) for each in counts) - answered)
    costs = ledger.costs()
    told = sum((each.settled_usd + each.lost_usd for each in costs), Decimal(0))
    case.untold_usd = max(account.usd - told, Decimal(0))
    case.held_usd = sum((each.reserved_usd for each in costs), Decimal(0))


def is_doubled(given: Sequence[Given], runs: int, is_heard: bool) -> bool:
    """Whether a request was sent when it must not be: with its answer in the ledger, or too often, or after
    an answer for good that arrived. Each run after the first may ask once more."""
    for_good = [each.is_whole and each.outcome in ("ok", "refused", "invalid") for each in given[:-1]]
    return (
        any(each.was_settled for each in given)
        or len(given) > ATTEMPTS_MAX + runs - 1
        or (is_heard and any(for_good))
    )
