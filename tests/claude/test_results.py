"""Landing: what is taken out of the lines that a message batch gave."""

import time

import anthropic
import httpx2

from curation.claude import stand_in
from curation.claude.client import Connection
from curation.claude.stand_in.messages import respond


def test_one_answer_by_another_model_does_not_discard_what_was_paid_for(ledger, ask, drive):
    """A proxy fell back to another model for one request, which is asked again when somebody runs again."""
    strangers = ["number 2."]

    def falling_back(params, tier):
        is_strange = any(each in params["messages"][0]["content"] for each in strangers)
        return respond(params, tier) | ({"model": "another-model"} if is_strange else {})

    requests = [ask(i) for i in range(4)]
    with stand_in.serve(delay_seconds=0.05, respond=falling_back) as server:
        client = Connection("k", server.url).client()
        first = drive(client, requests)
        [row] = ledger.answers([requests[2].key])
        assert (row.outcome, row.detail, row.body) == ("errored", "other_model", None)
        assert row.answered_by == "another-model"
        strangers.clear()
        second = drive(client, requests)
    assert (first.sent, dict(first.outcomes)) == (4, {"ok": 3, "errored": 1})
    assert (second.sent, dict(second.outcomes)) == (1, {"ok": 4})


def test_a_service_that_asks_for_an_hour_does_not_get_it_of_a_worker(server, ask, drive):
    """The SDK would sleep for as long as it is told, in the worker's slot."""
    met = []

    class Busy(httpx2.HTTPTransport):
        def handle_request(self, request):
            if request.url.path.endswith("/results") and not met:
                met.append(1)
                return httpx2.Response(429, json={}, headers={"retry-after": "3600"}, request=request)
            return super().handle_request(request)

    http_client = anthropic.DefaultHttpxClient(transport=Busy())
    client = anthropic.Anthropic(api_key="k", base_url=server.url, http_client=http_client)
    began = time.monotonic()
    assert dict(drive(client, [ask(1)]).outcomes) == {"ok": 1}
    assert met
    assert time.monotonic() - began < 60
