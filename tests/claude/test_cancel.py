"""`curation cancel`, against the stand-in."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from curation import cli
from curation.claude import stand_in
from curation.claude.batches import Planned, submit
from curation.claude.client import Connection
from curation.claude.drive import reservation
from curation.claude.ledger import Ledger
from curation.claude.purpose import Purpose
from curation.errors import ClaudeError
from tests.claude.small_server import PRICED


@pytest.fixture
def lake(tmp_path: Path, monkeypatch):
    """A lake with its ledger, and a recipe; the command line is in its folder."""
    (tmp_path / "lake" / "documents" / "posts-1").mkdir(parents=True)
    source = "{name: posts, format: jsonl, path: posts.jsonl, columns: {id: id}}"
    (tmp_path / "small.yaml").write_text(
        f"name: small\ninterval: {{start: 2025-11-03, end: 2025-11-04}}\nsources: [{source}]\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return Ledger(tmp_path / "lake" / "ledger.sqlite")


def curation(*arguments):
    return CliRunner().invoke(cli.app, [*arguments, "--lake", "lake"])


def send(client, ledger, nonce, requests):
    ledger.plan(
        nonce,
        requests,
        purpose=Purpose("small", "judge", "run-1"),
        reserve=lambda request: reservation(request, cached=False),
    )
    submit(client, ledger, Planned(nonce, tuple(requests)))
    return ledger.batch(nonce).batch_id


def test_a_batch_is_canceled_by_its_id_and_frees_its_reservation_and_no_other_is_touched(
    lake, ask, monkeypatch
):
    with stand_in.serve(delay_seconds=60, model=PRICED) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        client = Connection("k", server.url).client()
        stopped, other = (ask(i, model=PRICED) for i in range(2))
        batch_id, other_id = (send(client, lake, f"{n}" * 16, [r]) for n, r in enumerate((stopped, other)))
        foreign = client.messages.batches.create(requests=[ask(9, model=PRICED).entry("f" * 16)]).id
        report = curation("report", "-r", "small.yaml").output
        assert batch_id in report
        assert other_id in report
        assert foreign not in report

        refused = curation("cancel", batch_id, foreign)
        assert isinstance(refused.exception, ClaudeError)
        assert f"'{foreign}' is not in this ledger: left alone; nothing was canceled" in str(
            refused.exception
        )
        assert server.counts["cancel"] == 0

        told = curation("cancel", batch_id)
        assert told.exit_code == 0, told.exception
        assert f"{batch_id}: 0 requests had ended before" in told.output
        assert "1 were canceled, and are sent again by a later run" in told.output
        assert server.counts["cancel"] == 1
        [cost] = lake.costs()
        assert (cost.reserved_usd, cost.lost_usd) == (reservation(other, cached=False), 0)
        assert lake.missing([stopped.key]) == [stopped.key]
        assert list(lake.claims([stopped.key, other.key])) == [other.key]

        again = curation("cancel", batch_id)
        assert f"'{batch_id}' is not in flight any more" in str(again.exception)


def test_a_batch_that_has_ended_by_itself_lands_instead(lake, ask, monkeypatch):
    with stand_in.serve(delay_seconds=0, model=PRICED) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        client = Connection("k", server.url).client()
        request = ask(1, model=PRICED)
        batch_id = send(client, lake, "a" * 16, [request])
        while client.messages.batches.retrieve(batch_id).processing_status != "ended":
            pass
        told = curation("cancel", batch_id)
    assert "1 requests had ended before, are billed" in told.output
    assert server.counts["cancel"] == 0
    assert lake.missing([request.key]) == []
