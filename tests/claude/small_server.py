"""A Messages server of a test's own: what it replies is the test's to say."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JSON_ANSWER = json.dumps({"evidence": "the sea", "addresses_model": False, "score": 3})
PRICED = "offline-rules-1-priced"
ANSWER_USAGE = {"input_tokens": 100, "output_tokens": 20}

Said = tuple[int, Mapping[str, str], bytes]  # status, headers, body
Reply = Callable[[int, dict[str, Any]], Said | None]
"""reply(number of this request, from 1; its parameters); None drops the connection."""


def message(params: Mapping[str, Any], text: str = JSON_ANSWER, **changes: object) -> Said:
    """A good answer."""
    said = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": params["model"],
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "usage": ANSWER_USAGE,
    }
    return 200, {}, json.dumps(said | changes).encode()


def error(
    status: int, kind: str, words: str = "no", headers: Mapping[str, str] | None = None, **more: Any
) -> Said:
    said = {"type": "error", "error": {"type": kind, "message": words, **more}}
    return status, headers or {}, json.dumps(said).encode()


@dataclass
class SmallServer:
    url: str
    received: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    reply: Reply
    seen: SmallServer
    lock: threading.Lock
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        params = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.lock:
            self.seen.received.append(params)
            self.seen.headers.append({name.lower(): value for name, value in self.headers.items()})
            number = len(self.seen.received)
        said = (
            type(self).reply(number, params) if self.path == "/v1/messages" else error(404, "not_found_error")
        )
        if said is None:
            self.close_connection = True
            return
        status, headers, body = said
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that was killed, or that a test interrupts


@contextmanager
def serving(reply: Reply = lambda number, params: message(params)) -> Iterator[SmallServer]:
    """A server until the block ends, and what it received."""
    seen = SmallServer("")
    made = {"reply": staticmethod(reply), "seen": seen, "lock": threading.Lock()}
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), made))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    seen.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
