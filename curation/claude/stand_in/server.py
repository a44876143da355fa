"""The stand-in's HTTP side: the Messages and Message Batches API on this machine."""

import json
import logging
import re
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from curation.claude.stand_in import wire
from curation.claude.stand_in.messages import input_tokens, respond
from curation.claude.stand_in.rules import ABOUT, MODEL
from curation.claude.stand_in.store import Respond, Store, request_id
from curation.claude.stand_in.wire import ApiError, invalid, not_found

log = logging.getLogger(__name__)

_BATCH = r"/v1/messages/batches/(?P<batch_id>[A-Za-z0-9_-]+)"
_BLOCK_BYTES = 1 << 16


@dataclass(frozen=True)
class StandIn:
    """A running stand-in. `counts` says how often each verb was asked, and `requests` how many requests all
    message batches held."""

    url: str
    counts: Counter[str] = field(default_factory=Counter)


@contextmanager
def serve(
    port: int = 0,
    *,
    host: str = "127.0.0.1",
    state: Path | None = None,
    delay_seconds: float = 0.2,
    respond: Respond = respond,
) -> Iterator[StandIn]:
    """Serve in a thread of this process until the block ends. Port 0 takes a free one; without `state` the
    message batches end with it."""
    folder = state or Path(tempfile.mkdtemp(prefix="curation-stand-in-"))
    store = Store(folder, delay_seconds, respond)
    counts: Counter[str] = Counter()
    handler = type(
        "Handler", (_Handler,), {"store": store, "counts": counts, "respond": staticmethod(respond)}
    )
    server = _Server((host, port), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield StandIn(f"http://{host}:{server.server_address[1]}", counts)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        store.close()
        if state is None:
            shutil.rmtree(folder, ignore_errors=True)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    store: Store
    counts: Counter[str]
    respond: Respond
    request_id: str
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one packet

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        log.debug("%s %s", self.command, self.path)  # never a header: they carry the key

    def _serve(self, method: str) -> None:
        self.request_id = request_id()
        try:
            body = self._body()
            path = urlsplit(self.path).path
            verb, found = _route(method, path)
            self.counts[verb.__name__.lstrip("_")] += 1
            if path != "/health" and not (self.headers["x-api-key"] or self.headers["authorization"]):
                raise ApiError(
                    401, "authentication_error", "x-api-key or Authorization: Bearer is needed; any key"
                )
            reply = verb(self, body, **found)
        except ApiError as error:
            self._send(error.status, error.body(self.request_id))
        except Exception:
            log.exception("the stand-in failed on %s %s", method, self.path)
            failed = ApiError(500, "api_error", "the stand-in failed; its log says why")
            self._send(500, failed.body(self.request_id))
        else:
            self._send_file(reply) if isinstance(reply, Path) else self._send(200, reply)

    def _body(self) -> bytes:
        length = int(self.headers["content-length"] or 0)
        is_batch = urlsplit(self.path).path == "/v1/messages/batches"
        limit = wire.BATCH_BODY_BYTES_MAX if is_batch else wire.BODY_BYTES_MAX
        if length <= limit:
            return self.rfile.read(length)
        while length > 0:  # a client that is still sending would not read the answer
            length -= len(self.rfile.read(min(length, _BLOCK_BYTES)))
        raise ApiError(413, "request_too_large", f"the body is larger than {limit:,} bytes")

    @property
    def url(self) -> str:
        return f"http://{self.headers['host']}"

    def _send(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self._head(status, "application/json", len(data))
        self.wfile.write(data)
        self.wfile.flush()

    def _send_file(self, path: Path) -> None:
        with path.open("rb") as file:
            self._head(200, "application/x-jsonl", path.stat().st_size)
            shutil.copyfileobj(file, self.wfile, _BLOCK_BYTES)
        self.wfile.flush()

    def _head(self, status: int, kind: str, size: int) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(size))
        self.send_header("request-id", self.request_id)
        self.end_headers()


def _health(handler: _Handler, body: bytes) -> dict[str, Any]:
    return {"status": "ok", "model": MODEL, "about": ABOUT, "counts": dict(handler.counts)}


def _message(handler: _Handler, body: bytes) -> dict[str, Any]:
    return handler.respond(_json(body), "standard")


def _count_tokens(handler: _Handler, body: bytes) -> dict[str, Any]:
    return {"input_tokens": input_tokens(wire.check_count_params(_json(body)))}


def _create(handler: _Handler, body: bytes) -> dict[str, Any]:
    requests = wire.check_batch(_json(body))
    handler.counts["requests"] += len(requests)
    return handler.store.create(requests).wire(handler.url)


def _retrieve(handler: _Handler, body: bytes, batch_id: str) -> dict[str, Any]:
    return handler.store.get(batch_id).wire(handler.url)


def _list(handler: _Handler, body: bytes) -> dict[str, Any]:
    query = {name: values[-1] for name, values in parse_qs(urlsplit(handler.path).query).items()}
    limit = query.get("limit", "20")
    if not limit.isdecimal():
        raise invalid(f"limit: {limit!r} is no whole number")
    page, has_more = handler.store.list(int(limit), query.get("after_id"), query.get("before_id"))
    return {
        "data": [batch.wire(handler.url) for batch in page],
        "has_more": has_more,
        "first_id": page[0].id if page else None,
        "last_id": page[-1].id if page else None,
    }


def _results(handler: _Handler, body: bytes, batch_id: str) -> Path:
    return handler.store.results(batch_id)


def _cancel(handler: _Handler, body: bytes, batch_id: str) -> dict[str, Any]:
    return handler.store.cancel(batch_id).wire(handler.url)


def _delete(handler: _Handler, body: bytes, batch_id: str) -> dict[str, Any]:
    handler.store.delete(batch_id)
    return {"id": batch_id, "type": "message_batch_deleted"}


_ROUTES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("GET", "/health", _health),
    ("POST", "/v1/messages", _message),
    ("POST", "/v1/messages/count_tokens", _count_tokens),
    ("POST", "/v1/messages/batches", _create),
    ("GET", "/v1/messages/batches", _list),
    ("GET", _BATCH, _retrieve),
    ("GET", f"{_BATCH}/results", _results),
    ("POST", f"{_BATCH}/cancel", _cancel),
    ("DELETE", _BATCH, _delete),
)


def _route(method: str, path: str) -> tuple[Callable[..., Any], dict[str, str]]:
    for wanted, pattern, verb in _ROUTES:
        found = re.fullmatch(pattern, path)
        if found and method == wanted:
            return verb, found.groupdict()
    raise not_found(f"{method} {path} is not served here")


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError as error:
        raise invalid(f"the body is not JSON: {error}") from error
