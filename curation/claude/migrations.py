"""The numbered steps that make the ledger's tables, on SQLite and on Postgres alike.

A step is a function and is never edited once it has shipped: it says what it made in plain SQL, so that it
makes the same however `tables` moves on.
"""

from sqlalchemy import Connection, inspect, text

_FIRST_TABLES = """
CREATE TABLE settings (
    digest VARCHAR(32) PRIMARY KEY,
    parameters TEXT NOT NULL,
    schema TEXT NOT NULL
);
CREATE TABLE answers (
    key VARCHAR(32) PRIMARY KEY,
    text_digest VARCHAR(32) NOT NULL,
    prompt_digest VARCHAR(32) NOT NULL,
    model VARCHAR(100) NOT NULL,
    settings VARCHAR(32) NOT NULL,
    replicate INTEGER NOT NULL,
    outcome VARCHAR(20) NOT NULL,
    detail TEXT NOT NULL,
    body TEXT,
    answered_by VARCHAR(100),
    usage TEXT,
    usd BIGINT NOT NULL,
    settled BOOLEAN NOT NULL,
    attempts INTEGER NOT NULL,
    message_batch VARCHAR(16) NOT NULL
);
CREATE INDEX answers_by_prompt ON answers (prompt_digest, model);
CREATE TABLE message_batches (
    nonce VARCHAR(16) PRIMARY KEY,
    state VARCHAR(12) NOT NULL,
    model VARCHAR(100) NOT NULL,
    request_count INTEGER NOT NULL,
    batch_id VARCHAR(100) UNIQUE,
    planned_at DOUBLE PRECISION NOT NULL,
    submitting_at DOUBLE PRECISION,
    submitted_at DOUBLE PRECISION,
    ended_at DOUBLE PRECISION,
    landed_at DOUBLE PRECISION,
    counts TEXT,
    usd BIGINT,
    reason TEXT
);
CREATE INDEX message_batches_by_state ON message_batches (state);
CREATE TABLE batch_requests (
    key VARCHAR(32) PRIMARY KEY,
    nonce VARCHAR(16) NOT NULL,
    text_digest VARCHAR(32) NOT NULL,
    prompt_digest VARCHAR(32) NOT NULL,
    model VARCHAR(100) NOT NULL,
    settings VARCHAR(32) NOT NULL,
    replicate INTEGER NOT NULL
);
CREATE INDEX batch_requests_by_nonce ON batch_requests (nonce);
"""


_COSTS = """
ALTER TABLE message_batches ADD COLUMN kind VARCHAR(10) NOT NULL DEFAULT 'batch';
ALTER TABLE message_batches ADD COLUMN recipe TEXT NOT NULL DEFAULT '';
ALTER TABLE message_batches ADD COLUMN stage TEXT NOT NULL DEFAULT '';
ALTER TABLE message_batches ADD COLUMN run TEXT NOT NULL DEFAULT '';
ALTER TABLE message_batches ADD COLUMN prompt_digest VARCHAR(32) NOT NULL DEFAULT '';
ALTER TABLE message_batches ADD COLUMN reserved BIGINT NOT NULL DEFAULT 0;
ALTER TABLE message_batches ADD COLUMN input_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE message_batches ADD COLUMN output_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE message_batches ADD COLUMN write_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE message_batches ADD COLUMN read_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE message_batches ADD COLUMN beat_at DOUBLE PRECISION;
CREATE INDEX message_batches_by_run ON message_batches (run);
"""

_RESTS = """
ALTER TABLE answers ADD COLUMN tried_at DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE answers ADD COLUMN rests BOOLEAN NOT NULL DEFAULT FALSE;
"""

_TRUNCATED = """
ALTER TABLE answers ADD COLUMN truncated BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE answers SET truncated = TRUE WHERE outcome = 'truncated';
"""


def _001_first_tables(connection: Connection) -> None:
    _run(connection, _FIRST_TABLES)


def _002_costs(connection: Connection) -> None:
    _run(connection, _COSTS)


def _003_rests(connection: Connection) -> None:
    _run(connection, _RESTS)


def _004_truncated(connection: Connection) -> None:
    _run(connection, _TRUNCATED)


MIGRATIONS = (_001_first_tables, _002_costs, _003_rests, _004_truncated)

# Any fixed number: two processes that open a new Postgres ledger at once take turns.
_MIGRATION_LOCK = 0x636C_6175_6465


def migrate(connection: Connection) -> None:
    """Bring the tables to the newest version, within the transaction of `connection`."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    if not inspect(connection).has_table("schema_version"):
        _run(connection, "CREATE TABLE schema_version (version INTEGER PRIMARY KEY);")
    done = set(connection.scalars(text("SELECT version FROM schema_version")))
    for version, step in enumerate(MIGRATIONS, start=1):
        if version not in done:
            step(connection)
            connection.execute(text("INSERT INTO schema_version VALUES (:v)"), {"v": version})


def version(connection: Connection) -> int:
    """The newest step that was taken; 0 where there is no ledger yet."""
    if not inspect(connection).has_table("schema_version"):
        return 0
    return connection.scalar(text("SELECT max(version) FROM schema_version")) or 0


def _run(connection: Connection, statements: str) -> None:
    for statement in filter(str.strip, statements.split(";")):
        connection.execute(text(statement))
