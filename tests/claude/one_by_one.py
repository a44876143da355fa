"""What tests of asking one by one share."""

import sqlite3
from dataclasses import replace

from curation.claude.decide import Patience

PATIENCE = Patience(
    poll_seconds=0.02,
    create_grace_seconds=0.3,
    lost_grace_seconds=1.0,
    retry_seconds=0.02,
    silent_seconds=0.5,
)
AWAKE = replace(PATIENCE, silent_seconds=60)  # a process on a busy machine may not be heard of for a second


def rows(ledger, requests):
    return {row.key: row for row in ledger.answers([request.key for request in requests])}


def attempts(ledger, requests):
    found = rows(ledger, requests)
    return [found[request.key].attempts for request in requests]


def batches(ledger):
    with sqlite3.connect(ledger._engine.url.database) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute("SELECT * FROM message_batches ORDER BY planned_at")]


def asked_for(params):
    """The text that a request is about."""
    return params["messages"][0]["content"]
