"""What the stand-in does at each address: one function a verb."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from curation.claude.stand_in import wire
from curation.claude.stand_in.bucket import Bucket
from curation.claude.stand_in.messages import Respond, input_tokens
from curation.claude.stand_in.reply import LINES_KIND, Reply, json_reply
from curation.claude.stand_in.rules import ABOUT
from curation.claude.stand_in.store import Store
from curation.claude.stand_in.streaming import streamed
from curation.claude.stand_in.trouble import Trouble
from curation.claude.stand_in.wire import ApiError, invalid

_ID = "[A-Za-z0-9._-]+"
_BATCH = rf"/v1/messages/batches/(?P<batch_id>{_ID})"


@dataclass(frozen=True)
class Service:
    """What the verbs work on."""

    model: str
    respond: Respond
    store: Store
    trouble: Trouble
    bucket: Bucket | None
    latency_seconds: float  # of an answer that is not in a message batch
    counts: Counter[str]


@dataclass(frozen=True)
class Call:
    """One request over HTTP. `url` is the server's own address, as the client names it."""

    method: str
    target: str
    url: str
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def limit(self) -> int:
        given = self.query.get("limit", "20")
        if not given.isdecimal():
            raise invalid(f"limit: {given!r} is no whole number")
        return int(given)

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise invalid(f"the body is not JSON: {error}") from error


def health(service: Service, call: Call) -> Reply:
    counts, struck = dict(service.counts), dict(service.trouble.struck)
    known = {"status": "ok", "model": service.model, "about": ABOUT}
    return json_reply({**known, "counts": counts, "faults": struck})


def message(service: Service, call: Call) -> Reply:
    params = call.json()
    if not isinstance(params, dict):
        raise invalid("the body is no object")
    headers = service.bucket.take(time.monotonic()) if service.bucket else {}
    time.sleep(service.latency_seconds)
    is_streamed = params.get("stream") is True
    if is_streamed:
        params = {name: value for name, value in params.items() if name != "stream"}
    answered = service.respond(params, "standard")
    result = service.trouble.result(params, {"type": "succeeded", "message": answered}, in_batch=False)
    if result["type"] == "errored":
        raise _error(result["error"]["error"])
    reply = streamed(result["message"]) if is_streamed else json_reply(result["message"])
    return replace(reply, headers=headers)


def _error(error: Mapping[str, str]) -> ApiError:
    status = {"overloaded_error": 529, "api_error": 500}.get(error["type"], 400)
    return ApiError(status, error["type"], error["message"])


def count_tokens(service: Service, call: Call) -> Reply:
    params = wire.check_count_params(call.json(), service.model)
    return json_reply({"input_tokens": input_tokens(params)})


def create(service: Service, call: Call) -> Reply:
    requests = wire.check_batch(call.json(), service.model)
    service.counts["requests"] += len(requests)
    return json_reply(service.store.create(requests).wire(call.url))


def retrieve(service: Service, call: Call, batch_id: str) -> Reply:
    return json_reply(service.store.get(batch_id).wire(call.url))


def list_batches(service: Service, call: Call) -> Reply:
    query = call.query
    page, has_more = service.store.list(call.limit, query.get("after_id"), query.get("before_id"))
    return _page([batch.wire(call.url) for batch in page], has_more)


def results(service: Service, call: Call, batch_id: str) -> Reply:
    return Reply(200, service.store.results(batch_id), LINES_KIND)


def cancel(service: Service, call: Call, batch_id: str) -> Reply:
    return json_reply(service.store.cancel(batch_id).wire(call.url))


def delete(service: Service, call: Call, batch_id: str) -> Reply:
    service.store.delete(batch_id)
    return json_reply({"id": batch_id, "type": "message_batch_deleted"})


def list_models(service: Service, call: Call) -> Reply:
    beyond = {"after_id", "before_id"} & set(call.query)
    return _page([] if beyond else [_model(service)], has_more=False)


def retrieve_model(service: Service, call: Call, model_id: str) -> Reply:
    wire.check_model(model_id, service.model)
    return json_reply(_model(service))


def list_local_models(service: Service, call: Call) -> Reply:
    """In the shape that local servers share."""
    return json_reply({"object": "list", "data": [{"id": service.model, "object": "model"}]})


def _page(data: list[dict[str, Any]], has_more: bool) -> Reply:
    first_id, last_id = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return json_reply({"data": data, "has_more": has_more, "first_id": first_id, "last_id": last_id})


def _model(service: Service) -> dict[str, Any]:
    made = datetime(1970, 1, 1, tzinfo=UTC).isoformat()  # as the API says where the day is not known
    named = {"id": service.model, "display_name": ABOUT, "created_at": made}
    return {"type": "model", "lifecycle": "active", **named}


Verb = Callable[..., Reply]
Routes = tuple[tuple[str, str, Verb], ...]

CLAUDE: Routes = (
    ("GET", "/health", health),
    ("POST", "/v1/messages", message),
    ("POST", "/v1/messages/count_tokens", count_tokens),
    ("POST", "/v1/messages/batches", create),
    ("GET", "/v1/messages/batches", list_batches),
    ("GET", _BATCH, retrieve),
    ("GET", f"{_BATCH}/results", results),
    ("POST", f"{_BATCH}/cancel", cancel),
    ("DELETE", _BATCH, delete),
    ("GET", "/v1/models", list_models),
    ("GET", f"/v1/models/(?P<model_id>{_ID})", retrieve_model),
)
LOCAL: Routes = (
    ("GET", "/health", health),
    ("POST", "/v1/messages", message),
    ("POST", "/v1/messages/count_tokens", count_tokens),
    ("GET", "/v1/models", list_local_models),
)


def route(routes: Routes, method: str, path: str) -> tuple[Verb, dict[str, str]] | None:
    """The verb at an address, and what the address names."""
    for wanted, pattern, verb in routes:
        found = re.fullmatch(pattern, path)
        if found and method == wanted:
            return verb, found.groupdict()
    return None
