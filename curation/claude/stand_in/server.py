"""The stand-in's HTTP side: the Messages and Message Batches API on this machine."""

import logging
import shutil
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from curation.claude.stand_in import verbs, wire
from curation.claude.stand_in.bucket import Bucket
from curation.claude.stand_in.cache import cached
from curation.claude.stand_in.lengths import Lengths, lengthened
from curation.claude.stand_in.local import local
from curation.claude.stand_in.messages import Respond, named, respond
from curation.claude.stand_in.reply import Reply, json_reply
from curation.claude.stand_in.rules import MODEL
from curation.claude.stand_in.store import Pace, Store
from curation.claude.stand_in.trouble import Trouble
from curation.claude.stand_in.verbs import CLAUDE, LOCAL, Call, Routes, Service
from curation.claude.stand_in.wire import ApiError, not_found, request_id
from curation.errors import ClaudeError

log = logging.getLogger(__name__)

Persona = Literal["claude", "local"]
_BLOCK_BYTES = 1 << 16


@dataclass(frozen=True)
class StandIn:
    """A running stand-in. `counts` says how often each verb was asked, and `requests` how many requests all
    message batches held; `trouble` which faults struck; `state` is the folder of its message batches, with
    what it answered whatever became of the answer."""

    url: str
    counts: Counter[str]
    trouble: Trouble
    state: Path


@contextmanager
def serve(
    port: int = 0,
    *,
    host: str = "127.0.0.1",
    state: Path | None = None,
    delay_seconds: float = 0.2,
    list_delay_seconds: float = 0.0,
    foreign: int = 0,
    respond: Respond = respond,
    model: str = MODEL,
    lengths: Lengths | None = None,
    cache_hit_ratio: float | None = None,
    requests_a_minute: int | None = None,
    latency_seconds: float = 0.0,
    persona: Persona = "claude",
    faults: Iterable[str] = (),
    seed: int = 0,
) -> Iterator[StandIn]:
    """Serve in a thread of this process until the block ends. Port 0 takes a free one; without `state` the
    message batches end with it.

    A message batch stays in progress for `delay_seconds`; the listing shows it after `list_delay_seconds`,
    with as many others' beside it as `foreign` says. `respond` answers one request; `model` is another name
    to answer under, which begins with its own, so that it is never taken for Claude. `lengths` and
    `cache_hit_ratio` make answers as long, and prompts as cached, as a model's are; `requests_a_minute` and
    `latency_seconds` are of the synchronous path. `faults` are names of `faults.FAULTS`. Raises ClaudeError
    for a name that will not do.
    """
    folder = state or Path(tempfile.mkdtemp(prefix="curation-stand-in-"))
    trouble = Trouble(faults, seed)
    answer = _answering(respond, model, lengths, cache_hit_ratio, persona, seed)
    store = Store(folder, answer, Pace(delay_seconds, list_delay_seconds, foreign), trouble)
    bucket = Bucket(requests_a_minute) if requests_a_minute else None
    service = Service(model, answer, store, trouble, bucket, latency_seconds, Counter())
    routes = LOCAL if persona == "local" else CLAUDE
    server = _Server((host, port), type("Handler", (_Handler,), {"service": service, "routes": routes}))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield StandIn(f"http://{host}:{server.server_address[1]}", service.counts, trouble, folder)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        store.close()
        if state is None:
            shutil.rmtree(folder, ignore_errors=True)


def _answering(
    respond: Respond,
    model: str,
    lengths: Lengths | None,
    cache_hit_ratio: float | None,
    persona: Persona,
    seed: int,
) -> Respond:
    if not model.startswith(MODEL):
        raise ClaudeError(
            f"the stand-in does not answer as {model!r}; name it {MODEL}, or {MODEL}-… in a test"
        )
    if lengths:
        respond = lengthened(respond, lengths)
    if cache_hit_ratio is not None:
        respond = cached(respond, cache_hit_ratio, seed)
    if persona == "local":
        respond = local(respond, seed)
    return respond if model == MODEL else named(respond, model)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024  # connections that wait to be taken

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that went away is no fault of ours
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    service: Service
    routes: Routes
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

    def date_time_string(self, timestamp: float | None = None) -> str:
        skew = timedelta(seconds=self.service.trouble.skew_seconds)
        return format_datetime(datetime.now(UTC) + skew, usegmt=True)

    def _serve(self, method: str) -> None:
        called = request_id()
        try:
            reply = self._reply(Call(method, self.path, f"http://{self.headers['host']}", self._body()))
        except ApiError as error:
            reply = json_reply(error.body(called), error.status, error.headers)
        except Exception:
            log.exception("the stand-in failed on %s %s", method, self.path)
            failed = ApiError(500, "api_error", "the stand-in failed; its log says why")
            reply = json_reply(failed.body(called), failed.status)
        self._send(replace(reply, headers={"request-id": called, **reply.headers}))

    def _reply(self, call: Call) -> Reply:
        is_local = self.routes is LOCAL
        found = verbs.route(self.routes, call.method, call.path)
        if found is None:
            if is_local:
                return json_reply({"detail": "Not Found"}, 404)
            raise not_found(f"{call.method} {call.path} is not served here")
        verb, names = found
        self.service.counts[verb.__name__] += 1
        if verb is verbs.health:
            return verb(self.service, call)
        if not (is_local or self.headers["x-api-key"] or self.headers["authorization"]):
            raise ApiError(
                401, "authentication_error", "x-api-key or Authorization: Bearer is needed; any key"
            )
        return self.service.trouble.around(verb.__name__, lambda: verb(self.service, call, **names))

    def _body(self) -> bytes:
        length = int(self.headers["content-length"] or 0)
        is_batch = urlsplit(self.path).path == "/v1/messages/batches"
        limit = wire.BATCH_BODY_BYTES_MAX if is_batch else wire.BODY_BYTES_MAX
        if length <= limit:
            return self.rfile.read(length)
        while length > 0:  # a client that is still sending would not read the answer
            length -= len(self.rfile.read(min(length, _BLOCK_BYTES)))
        raise ApiError(413, "request_too_large", f"the body is larger than {limit:,} bytes")

    def _send(self, reply: Reply) -> None:
        if reply.status:
            self.send_response(reply.status)
            for name, value in {"content-type": reply.kind, **reply.headers}.items():
                self.send_header(name, value)
            if reply.unsent is not None:
                self.send_header("content-length", str(reply.size + reply.unsent))
            self.end_headers()
            with reply.open() as body:
                shutil.copyfileobj(body, self.wfile, _BLOCK_BYTES)
            self.wfile.flush()
        if reply.unsent != 0:
            self.close_connection = True
