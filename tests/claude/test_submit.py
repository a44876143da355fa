"""Sending, while another process looks on."""

import threading
import time
from decimal import Decimal

import anthropic
import httpx2
import pytest

from curation.claude import stand_in
from curation.claude.batches import Planned, advance, submit
from curation.claude.decide import Patience, Verdict
from curation.claude.ledger import Ledger
from tests.claude.small_server import PRICED

NONCE = "n" * 16
GRACE = Patience(poll_seconds=0.02, create_grace_seconds=0.6)


@pytest.fixture
def planned(ledger, ask):
    requests = (ask(1, model=PRICED), ask(2, model=PRICED))
    ledger.plan(NONCE, requests, reserve=lambda _: Decimal("0.25"))
    return Planned(NONCE, requests)


@pytest.fixture
def server():
    with stand_in.serve(delay_seconds=0.05, model=PRICED) as running:
        yield running


def posting(server, meanwhile):
    """A client whose POST is answered when `meanwhile` is done."""

    class Slow(httpx2.HTTPTransport):
        def handle_request(self, request):
            response = super().handle_request(request)
            if request.method == "POST":
                meanwhile()
            return response

    http_client = anthropic.DefaultHttpxClient(transport=Slow())
    return anthropic.Anthropic(api_key="k", base_url=server.url, http_client=http_client)


def test_a_batch_that_takes_longer_to_send_than_the_grace_is_not_called_absent(server, ledger, planned, raw):
    """By a second process, to which the service lists nothing yet."""
    uploaded = threading.Event()
    client = posting(server, lambda: uploaded.wait(30))
    sender = threading.Thread(target=submit, args=(client, ledger, planned), kwargs={"patience": GRACE})
    sender.start()
    with stand_in.serve(model=PRICED) as empty:
        other, its = anthropic.Anthropic(api_key="k", base_url=empty.url), Ledger(ledger._engine.url.database)
        until, verdicts = time.monotonic() + 2 * GRACE.create_grace_seconds, set()
        while ledger.batch(NONCE).state != "submitting":
            time.sleep(0.01)
        while time.monotonic() < until:
            verdicts.add(advance(other, its, raw, its.batch(NONCE), patience=GRACE).verdict)
            time.sleep(0.05)
    uploaded.set()
    sender.join()
    assert verdicts == {Verdict.WAIT}
    assert ledger.batch(NONCE).state == "submitted"


def test_a_batch_given_up_while_it_was_sent_keeps_its_id_and_is_told_in_dollars(
    server, ledger, planned, caplog
):
    client = posting(server, lambda: ledger.failed(NONCE, "not found"))
    submit(client, ledger, planned, patience=GRACE)
    batch = ledger.batch(NONCE)
    assert batch.state == "failed"
    assert ledger.known([batch.batch_id]), "or it would be taken for another intent's"
    [warned] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert batch.batch_id in warned
    assert "$0.5" in warned
