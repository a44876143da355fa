"""python -m curation.claude.stand_in --port 8020 --state DIR: serve until interrupted or terminated."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from curation.claude.stand_in.rules import ABOUT
from curation.claude.stand_in.server import serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m curation.claude.stand_in", description=ABOUT)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8020, help="port to listen on; 0 takes a free one")
    parser.add_argument("--state", type=Path, help="folder that keeps message batches over a restart")
    parser.add_argument(
        "--delay-seconds", type=float, default=2.0, help="how long a message batch stays in progress"
    )
    asked = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with serve(
            asked.port, host=asked.host, state=asked.state, delay_seconds=asked.delay_seconds
        ) as stand_in:
            print(f"{ABOUT} Serving at {stand_in.url}", flush=True)
            stop.wait()
    except OSError as error:
        print(f"port {asked.port} of {asked.host} cannot be had: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
