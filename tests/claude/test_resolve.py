"""Whether a batch whose answer got lost was made: what can be told only later is never told too soon."""

from datetime import UTC, datetime, timedelta

import anthropic
import httpx2
import pytest

from curation.claude import stand_in
from curation.claude.decide import Patience, Verdict
from curation.claude.resolve import resolve
from tests.claude.small_server import PRICED

NONCE = "n" * 16
PAST_GRACE = Patience(poll_seconds=0.01, create_grace_seconds=0.0, lost_grace_seconds=0.0)


def not_found(response):
    body = {"type": "error", "error": {"type": "not_found_error", "message": "no"}}
    return httpx2.Response(404, json=body, request=response.request)


def empty(response):
    return httpx2.Response(200, content=b"", request=response.request)


def lagging(response):
    return httpx2.Response(200, json=response.json() | {"results_url": None}, request=response.request)


def busy(response):
    return httpx2.Response(429, json={}, headers={"retry-after": "3600"}, request=response.request)


class Between(httpx2.HTTPTransport):
    """Changes the answers to calls whose path ends so, `times` of them."""

    def __init__(self, ending, change, times):
        super().__init__()
        self.ending, self.change, self.left = ending, change, times

    def handle_request(self, request):
        response = super().handle_request(request)
        if request.method == "POST" or not request.url.path.endswith(self.ending) or not self.left:
            return response
        self.left -= 1
        response.read()
        response.request = request
        return self.change(response)


@pytest.fixture
def ended(ledger, ask):
    """A stand-in that has our batch, ended; its process was killed before it knew the id."""
    requests = [ask(i, model=PRICED) for i in range(3)]
    ledger.plan(NONCE, requests)
    ledger.submitting(NONCE)
    with stand_in.serve(delay_seconds=0.0, model=PRICED) as server:
        client = anthropic.Anthropic(api_key="k", base_url=server.url)
        made = client.messages.batches.create(requests=[request.entry(NONCE) for request in requests])
        while client.messages.batches.retrieve(made.id).processing_status != "ended":
            pass
        yield server, made.id


def looking(server, ending, change, times):
    http_client = anthropic.DefaultHttpxClient(transport=Between(ending, change, times))
    return anthropic.Anthropic(api_key="k", base_url=server.url, http_client=http_client)


def looked(client, ledger, times):
    """The last decision of so many looks."""
    failures = 0
    for _ in range(times):
        step = resolve(client, ledger, ledger.batch(NONCE), failures=failures, patience=PAST_GRACE)
        failures = step.failures
    return step


@pytest.mark.parametrize(
    ("ending", "change"),
    [("/results", not_found), ("/results", empty), ("/batches/ID", lagging), ("/results", busy)],
)
def test_results_that_cannot_be_read_now_leave_it_open_whose_they_are(ended, ledger, ending, change):
    """Taken for another's, all of a paid batch would be sent again."""
    server, made = ended
    client = looking(server, ending.replace("ID", made), change, times=2)
    step = looked(client, ledger, 2)
    assert (step.verdict, step.failures) == (Verdict.WAIT, 2)
    looked(client, ledger, 1)
    assert ledger.batch(NONCE).batch_id == made


def test_results_that_stay_unknown_are_believed_to_be_gone(ended, ledger):
    server, _ = ended
    client = looking(server, "/results", not_found, times=99)
    assert looked(client, ledger, 5).verdict is Verdict.WAIT
    assert looked(client, ledger, 6).verdict is Verdict.ABSENT


def test_a_batch_whose_results_are_archived_is_not_waited_for(ended, ledger):
    server, _ = ended
    when = (datetime.now(UTC) - timedelta(hours=1)).isoformat()

    def archived(response):
        body = response.json()
        body["data"] = [each | {"archived_at": when} for each in body["data"]]
        return httpx2.Response(200, json=body, request=response.request)

    assert looked(looking(server, "/batches", archived, 99), ledger, 1).verdict is Verdict.ABSENT
