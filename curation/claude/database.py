"""The ledger's database: a SQLite file or, by URL, a Postgres; opened so that writers take turns."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from curation.claude.migrations import migrate
from curation.errors import ClaudeError

_BUSY_SECONDS = 120  # how long a SQLite writer waits for another


def open_database(where: str) -> Engine:
    """The database at a path (SQLite) or an SQLAlchemy URL, its tables at the newest version. A connection
    that is to write is of `engine.execution_options(write=True)`. ClaudeError, without the URL's password,
    where it cannot be opened."""
    try:
        engine = _engine(where)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise ClaudeError(
            f"no database driver for the ledger ({type(error).__name__}); name a path, or a URL "
            "that begins with postgresql+psycopg://"
        ) from None  # the message may repeat the URL, password and all
    try:
        with engine.execution_options(write=True).begin() as db:
            migrate(db)
    except SQLAlchemyError as error:
        shown = engine.url.render_as_string(hide_password=True)
        raise ClaudeError(
            f"the ledger {shown} cannot be opened ({type(error).__name__}); name a path that can be "
            "written, or the URL of a Postgres that answers"
        ) from None  # the driver's own message may repeat the URL, password and all
    return engine


def _engine(where: str) -> Engine:
    if "://" in where and not where.startswith("sqlite"):
        return create_engine(make_url(where))
    if "://" not in where:
        Path(where).parent.mkdir(parents=True, exist_ok=True)
    url = make_url(where) if "://" in where else make_url("sqlite://").set(database=where)
    # No pool: a connection must not cross a fork, and opening a file is cheap.
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _settle(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say so, below
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # an intent lost in a power cut would be paid twice

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock at once: one that read first could not upgrade past another writer.
        write = connection.get_execution_options().get("write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
