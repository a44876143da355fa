"""The ledger's database: a SQLite file or, by URL, a Postgres; opened so that writers take turns."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool, StaticPool

from curation.claude.migrations import MIGRATIONS, migrate, version
from curation.errors import ClaudeError

_BUSY_SECONDS = 120  # how long a SQLite writer waits for another

# An intent that is lost in a power cut would be paid for twice: hence FULL.
_FOR_WRITERS = ("journal_mode=WAL", "synchronous=FULL")
_FOR_READERS = ("query_only=ON",)


def open_database(where: str) -> Engine:
    """The database at a path (SQLite) or an SQLAlchemy URL, its tables at the newest version. A connection
    that is to write is of `engine.execution_options(write=True)`. ClaudeError, without the URL's password,
    where it cannot be opened."""
    url = _url(where)
    if _is_file(url):
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    engine = _engine(url, _FOR_WRITERS)
    with _shown(url), engine.execution_options(write=True).begin() as db:
        migrate(db)
    return engine


def look_into(where: str) -> Engine:
    """The database as it is, to be read: nothing is made, migrated or written. Where there is none yet, an
    empty one in memory. ClaudeError as above, and for tables of an older version."""
    url = _url(where)
    if _is_file(url) and not Path(url.database or "").exists():
        return _nothing()
    engine = _engine(url, _FOR_READERS)
    with _shown(url), engine.connect() as db:
        found = version(db)
    if 0 < found < len(MIGRATIONS):
        raise ClaudeError(
            f"the ledger's tables are of version {found} of {len(MIGRATIONS)}, and to look changes nothing: "
            "`curation run` brings them up to date"
        )
    return engine if found else _nothing()


def _nothing() -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as db:
        migrate(db)
    return engine


def _url(where: str) -> URL:
    try:
        url = make_url(where) if "://" in where else make_url("sqlite://").set(database=where)
        url.get_dialect().import_dbapi()
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise ClaudeError(
            f"no database driver for the ledger ({type(error).__name__}); name a path, or a URL "
            "that begins with postgresql+psycopg://"
        ) from None  # the message may repeat the URL, password and all
    return url


def _is_file(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")


@contextmanager
def _shown(url: URL) -> Iterator[None]:
    """What goes wrong with the database, with its URL and without the password."""
    try:
        yield
    except SQLAlchemyError as error:
        shown = url.render_as_string(hide_password=True)
        raise ClaudeError(
            f"the ledger {shown} cannot be opened ({type(error).__name__}); name a path that can be "
            "written, or the URL of a Postgres that answers"
        ) from None  # the driver's own message may repeat the URL, password and all


def _engine(url: URL, pragmas: Sequence[str]) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url)
    # No pool: a connection must not cross a fork, and opening a file is cheap.
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _settle(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say so, below
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock at once: one that read first could not upgrade past another writer.
        write = connection.get_execution_options().get("write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
