"""Keys and passwords reach the service and nothing else: no log, error, table or file."""

import logging
import traceback
import uuid

import anthropic
import httpx2
import pyarrow.parquet as pq
import pytest
import sqlalchemy

from curation import pipeline
from curation import run as whole_run
from curation.claude import stand_in
from curation.claude.client import Connection, described, sealed
from curation.claude.ledger import Ledger
from curation.errors import ClaudeError
from tests.storage.test_lake import write_source

KEY = "sk-ant-0123456789abcdef"
PASSWORD = "hunter2"
BASIC = "dXNlcjpodW50ZXIy"  # user:hunter2, as HTTP sends it


class Echoing(httpx2.HTTPTransport):
    """A service that refuses every message batch in words that repeat the key and the address."""

    def handle_request(self, request):
        if request.method == "POST":
            said = f"bad key {KEY} at {request.url} http://user:{PASSWORD}@proxy"
            body = {"type": "error", "error": {"type": "authentication_error", "message": said}}
            return httpx2.Response(401, json=body, request=request)
        return super().handle_request(request)


def with_password(url: str) -> str:
    return url.replace("//", f"//user:{PASSWORD}@")


def test_neither_key_nor_password_reaches_logs_errors_ledger_or_raw_results(
    server, tmp_path, ask, caplog, drive
):
    caplog.set_level(logging.DEBUG)
    echoing = anthropic.DefaultHttpxClient(transport=Echoing())
    refused = sealed(
        anthropic.Anthropic(api_key=KEY, base_url=with_password(server.url), http_client=echoing)
    )
    with pytest.raises(ClaudeError, match=r"bad key \*\*\*") as caught:
        drive(refused, [ask(1)])
    connection = Connection(KEY, with_password(server.url))
    assert drive(connection.client(), [ask(1)]).outcomes == {"ok": 1}
    unreachable = Connection(KEY, with_password("http://127.0.0.1:9"))
    with pytest.raises(ClaudeError, match="no message batch could be made") as away:
        drive(unreachable.client().with_options(max_retries=0), [ask(2)])
    told = caplog.text + str(caught.value) + str(away.value) + repr(connection) + repr(connection.client())
    assert server.url in caplog.text, "or nothing was logged"
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (KEY, PASSWORD, BASIC):
        assert secret not in told
        assert secret.encode() not in written


def test_a_password_in_the_base_url_still_reaches_the_proxy_that_asks_for_it():
    seen = []

    def serve(request):
        seen.append((str(request.url), request.headers["authorization"]))
        return httpx2.Response(200, json={"data": [], "has_more": False})

    http_client = anthropic.DefaultHttpxClient(transport=httpx2.MockTransport(serve))
    url = "http://user:hun%20ter@proxy.test/claude"
    client = sealed(anthropic.Anthropic(api_key=KEY, base_url=url, http_client=http_client))
    client.messages.batches.list(limit=1)
    assert seen == [("http://proxy.test/claude/v1/messages/batches?limit=1", "Basic dXNlcjpodW4gdGVy")]


def test_a_base_url_without_a_password_is_left_as_it_is():
    client = anthropic.Anthropic(api_key=KEY, base_url="http://127.0.0.1:9")
    assert sealed(client) is client


def test_an_error_is_described_without_the_key_though_the_service_repeats_it():
    client = anthropic.Anthropic(api_key=KEY, base_url="http://127.0.0.1:9")
    assert KEY not in described(ValueError(f"{KEY} is wrong"), client)
    assert PASSWORD not in described(ValueError(f"http://user:{PASSWORD}@host"), client)
    gateway = client.with_options(default_headers={"x-gateway-key": "gw-0123456789"})
    assert "gw-0123456789" not in described(ValueError("gw-0123456789 is unknown"), gateway)


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://u:hunter2@127.0.0.1:1/none?connect_timeout=1", "no://u:hunter2@h/x"]
)
def test_a_database_that_cannot_be_opened_is_named_without_its_password(url, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ClaudeError) as caught:
        Ledger(url)
    assert PASSWORD not in str(caught.value) + caplog.text
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__, "a traceback would show the driver's own message"


def test_a_database_that_fails_later_does_not_tell_its_password(postgres, ask):
    """The error that ends a task is logged with all that led to it."""
    schema = f"curation_{uuid.uuid4().hex}"
    url = sqlalchemy.make_url(postgres).set(password=PASSWORD)
    url = url.update_query_dict({"options": f"-csearch_path={schema}"})
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as db:
        db.execute(sqlalchemy.text(f"CREATE SCHEMA {schema}"))
    ledger = Ledger(url.render_as_string(hide_password=False))
    with engine.begin() as db:
        db.execute(sqlalchemy.text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()
    with pytest.raises(sqlalchemy.exc.SQLAlchemyError) as caught:
        ledger.missing([ask(1).key])
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("direct", [True, False])
def test_no_secret_is_in_what_a_run_leaves_in_its_lake(tmp_path, postgres, monkeypatch, caplog, direct):
    """Manifests, the kept recipe, raw lines, tables, reports: a lake is shared, its releases given away."""
    caplog.set_level(logging.DEBUG)
    schema = f"curation_{uuid.uuid4().hex}"
    with sqlalchemy.create_engine(postgres).begin() as db:
        db.execute(sqlalchemy.text(f"CREATE SCHEMA {schema}"))
    url = sqlalchemy.make_url(postgres).set(password="pass4321")
    url = url.update_query_dict({"options": f"-csearch_path={schema}"})
    # Of a local model too, or the run would ask a stand-in of its own and need neither key nor address.
    model = {"judge.direct": direct, "synthesize.model": f"local/{stand_in.MODEL}"}
    with stand_in.serve(delay_seconds=0.05) as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", with_password(server.url))
        where, ledger = str(tmp_path / "lake"), url.render_as_string(hide_password=False)
        job = pipeline.open_job(write_source(tmp_path), where, model, ledger)
        whole_run.run(job, lambda *_: None, 1)
    written = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    kinds = {path.relative_to(tmp_path / "lake").parts[0] for path in (tmp_path / "lake").glob("*/**/*")}
    assert {"answers", "judgments", "recipes", "releases"} <= kinds, "or nothing was looked at"
    tables = [str(pq.read_table(path).to_pylist()) for path in written if path.suffix == ".parquet"]
    told = caplog.text + "".join(tables) + repr(job)
    for secret in (KEY, PASSWORD, BASIC, "pass4321"):
        assert not [path for path, data in written.items() if secret.encode() in data]
        assert secret not in told
