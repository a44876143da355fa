"""A stand-in, a ledger and requests to put through them."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
import sqlalchemy

from curation.claude import direct, stand_in
from curation.claude.client import Connection
from curation.claude.decide import Patience
from curation.claude.ledger import Ledger
from curation.claude.request import Request
from curation.claude.run import Report, run
from tests.claude import asking
from tests.claude.one_by_one import PATIENCE
from tests.postgres import running_postgres

QUICK = Patience(poll_seconds=0.05, create_grace_seconds=0.6, lost_grace_seconds=0.5)


@pytest.fixture
def ask() -> Callable[..., Request]:
    """ask(i, **changes): a judging request about text number i."""
    return asking.ask


@pytest.fixture
def patience() -> Patience:
    return QUICK


@pytest.fixture
def server() -> Iterator[stand_in.StandIn]:
    with stand_in.serve(delay_seconds=0.1) as running:
        yield running


@pytest.fixture
def client(server: stand_in.StandIn) -> anthropic.Anthropic:
    return Connection("sk-secret-0123456789", server.url).client()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


@pytest.fixture
def raw(tmp_path: Path) -> str:
    return str(tmp_path / "raw")


@pytest.fixture
def drive(ledger: Ledger, raw: str) -> Callable[..., Report]:
    """drive(client, requests, **options): run them against the ledger, quickly."""

    def go(client: anthropic.Anthropic, requests: list[Request], **options: Any) -> Report:
        return run(client, requests=requests, raw=raw, **{"ledger": ledger, "patience": QUICK, **options})

    return go


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with running_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def any_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger, on SQLite and on Postgres."""
    if request.param == "sqlite":
        yield Ledger(tmp_path / "any.sqlite")
        return
    where = request.getfixturevalue("postgres")
    schema = f"curation_{uuid.uuid4().hex}"
    engine = sqlalchemy.create_engine(where)
    with engine.begin() as db:
        db.execute(sqlalchemy.text(f"CREATE SCHEMA {schema}"))
    url = sqlalchemy.make_url(where).update_query_dict({"options": f"-csearch_path={schema}"})
    yield Ledger(url.render_as_string(hide_password=False))
    with engine.begin() as db:
        db.execute(sqlalchemy.text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture
def go(ledger, raw):
    """go(server, requests, **options): run them against the ledger, quickly."""

    def run(server, requests, **options):
        options = {"patience": PATIENCE, "concurrency": 8} | options
        return direct.run(Connection("sk-secret-0123456789", server.url), ledger, requests, raw, **options)

    return run
