"""python -m curation.claude.stand_in --port 8020 --state DIR: serve until interrupted or terminated.

With --fault NAME, once or more, see how a run behaves when the service does not.
"""

import argparse
import signal
import sys
import threading
from pathlib import Path

from curation.claude.stand_in.faults import FAULTS
from curation.claude.stand_in.rules import ABOUT
from curation.claude.stand_in.server import serve


def main() -> int:
    asked = _parser().parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with serve(
            asked.port,
            host=asked.host,
            state=asked.state,
            delay_seconds=asked.delay_seconds,
            persona=asked.persona,
            faults=asked.fault,
            seed=asked.seed,
        ) as stand_in:
            print(f"{ABOUT} Serving at {stand_in.url}", flush=True)
            stop.wait()
    except OSError as error:
        print(f"port {asked.port} of {asked.host} cannot be had: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    faults = "".join(f"  {name:<18}{fault.about}\n" for name, fault in FAULTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m curation.claude.stand_in",
        description=ABOUT,
        epilog=f"faults:\n{faults}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=8020, help="port to listen on; 0 takes a free one")
    add("--state", type=Path, help="folder that keeps message batches over a restart")
    add("--delay-seconds", type=float, default=2.0, help="how long a message batch stays in progress")
    add("--persona", choices=("claude", "local"), default="claude", help="the API, or a bare local server's")
    add(
        "--fault",
        action="append",
        default=[],
        choices=list(FAULTS),
        metavar="NAME",
        help="one of those below",
    )
    add("--seed", type=int, default=0, help="of the faults: which calls and requests they strike")
    return parser


if __name__ == "__main__":
    sys.exit(main())
