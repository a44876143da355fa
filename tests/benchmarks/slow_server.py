"""A server that answers each Messages request alike, after a while, at next to no cost: a process of its own.

python -m tests.benchmarks.slow_server SECONDS
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from curation.claude.stand_in import MODEL

_TEXT = json.dumps({"evidence": "It explains what the tide is and why it turns.", "score": 3})
_MESSAGE = {
    "id": "msg_0123456789abcdef",
    "type": "message",
    "role": "assistant",
    "model": MODEL,
    "content": [{"type": "text", "text": _TEXT}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 2100,
        "output_tokens": 30,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    },
}
_BODY = json.dumps(_MESSAGE).encode()
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: req_0\r\ncontent-length: %d\r\n\r\n"
)
_ANSWER = _HEAD % len(_BODY) + _BODY


class _Slow(asyncio.Protocol):
    """One connection: a request at a time, as HTTP/1.1 clients send them."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.received = seconds, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return
        size = next(
            int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        )
        if len(body) >= size:
            self.received = b""
            asyncio.get_running_loop().call_later(self.seconds, self.transport.write, _ANSWER)


async def _serve(seconds: float) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: _Slow(seconds), "127.0.0.1", 0, backlog=2_000
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def running(seconds: float) -> Iterator[str]:
    """The URL of such a server."""
    command = [sys.executable, "-m", "tests.benchmarks.slow_server", str(seconds)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.terminate()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
