"""Pages into text in a process beside, so that a page that hangs or crashes a parser ends that process alone.

One process serves all pages; only after such a page is another started. It counts processor seconds, which a
busy machine does not lengthen; a limit in the process itself would not be heard inside a parser's C code.
"""

import atexit
import contextlib
import io
import os
import pickle
import resource
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from curation.errors import CurationError
from curation.ingest import limits
from curation.ingest.charset import decode
from curation.ingest.extract import Page, page
from curation.ingest.outcome import UnreadableError
from curation.recipe import Extract

PAGE_SECONDS = 20
"""Of processor time; the slowest of 2,333 real pages took 0.1, the largest that `extract` lets pass 3."""
WALL_SECONDS = 300
"""For a parser that waits rather than computes."""
MEMORY_BYTES = 3 << 30
"""Of data that the process may have."""
READY_SECONDS = 600
"""For imports, and, the first time on a machine, compilation."""
LENGTHS = struct.Struct("=III")
"""Bytes of the settings, the charset and the page; what is asked begins with them. Answers are pickled."""
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "268435456", "MALLOC_TRIM_THRESHOLD_": "268435456"}
"""glibc keeps what a page took for the next, instead of handing it back and asking for it anew."""
CHILD = "import sys; from curation.ingest.sandbox import _serve; _serve(int(sys.argv[1]))"


class Extracted(NamedTuple):
    """What a page says, and the Python name of the charset that it was read by."""

    page: Page
    charset: str


def extract(body: bytes, charset: str | None, settings: Extract) -> Extracted:
    """The page in `body`, whose header names `charset`, if any. With the errors of `page` and `limits.check`;
    also UnreadableError: `extraction_timed_out` beyond PAGE_SECONDS, and `extraction_failed` where the
    process died of the page."""
    try:
        return _ask(body, charset, settings)
    except _DiedError:
        pass  # perhaps of something else: memory that others took, a signal from outside
    try:
        return _ask(body, charset, settings)
    except _DiedError as error:
        raise UnreadableError("extraction_failed", f"the parser's process {error}") from error


class _DiedError(Exception):
    """The process died over a page; the message says how."""


def _ask(body: bytes, charset: str | None, settings: Extract) -> Extracted:
    child = _child(os.getpid())
    try:
        return child.ask(body, charset, settings)
    except (EOFError, OSError, pickle.UnpicklingError) as error:
        _child.cache_clear()
        end = child.end()
        if isinstance(error, TimeoutError):
            raise UnreadableError("extraction_timed_out", f"after {WALL_SECONDS} seconds") from error
        if end == -signal.SIGXCPU:
            limit = f"{PAGE_SECONDS} seconds of processor time"
            raise UnreadableError("extraction_timed_out", f"after {limit}") from error
        raise _DiedError(_said(end)) from error


class _Child:
    """The process, ready for pages."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", CHILD, str(theirs.fileno())],
                env={**os.environ, **MALLOC, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self.socket = ours
        self.stream = ours.makefile("rwb")
        atexit.register(self.end)
        try:
            ours.settimeout(READY_SECONDS)
            pickle.load(self.stream)
            ours.settimeout(WALL_SECONDS)
        except (EOFError, OSError) as error:
            said = f"the process that extracts text did not start: it {_said(self.end())}"
            raise CurationError(said) from error

    def ask(self, body: bytes, charset: str | None, settings: Extract) -> Extracted:
        """EOFError, OSError or UnpicklingError where it has died, TimeoutError after WALL_SECONDS."""
        said, named = _written(settings), (charset or "").encode("utf-8", "replace")
        self.stream.write(LENGTHS.pack(len(said), len(named), len(body)) + said + named)
        self.stream.write(body)
        self.stream.flush()
        reply: Extracted | UnreadableError = pickle.load(self.stream)
        if isinstance(reply, UnreadableError):
            raise reply
        return reply

    def end(self) -> int:
        """Its exit status, or minus the signal that ended it."""
        with contextlib.suppress(OSError):  # of what was not written yet
            self.stream.close()
        self.socket.close()
        atexit.unregister(self.end)
        try:
            return self.process.wait(1)  # it may be dead already, or end as nobody asks any more
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@cache
def _child(pid: int) -> _Child:
    """The process of this process: by `pid`, as one that is forked must not share its parent's."""
    return _Child()


@cache
def _written(settings: Extract) -> bytes:
    """Once, not for each page."""
    return settings.model_dump_json().encode()


@cache
def _settings(said: bytes) -> Extract:
    return Extract.model_validate_json(said)


def _said(end: int) -> str:
    return f"was ended by {signal.Signals(-end).name}" if end < 0 else f"exited with status {end}"


def _serve(handle: int) -> None:
    """Answers pages until nobody asks any more. What is loaded or compiled once comes before the first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is asked to stop, and then closes
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # the first to go where memory is short
    page("<p>Ready.", Extract())
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError), socket.socket(fileno=handle) as ours, ours.makefile("rwb") as stream:
        pickle.dump(None, stream)
        stream.flush()
        for asked in _asked(stream):
            pickle.dump(_answer(*asked), stream)
            stream.flush()


def _asked(stream: io.BufferedRWPair) -> Iterator[tuple[bytes, str | None, Extract]]:
    while len(lengths := stream.read(LENGTHS.size)) == LENGTHS.size:
        said, charset, body = map(stream.read, LENGTHS.unpack(lengths))
        yield body, charset.decode() or None, _settings(said)


def _answer(body: bytes, declared: str | None, settings: Extract) -> Extracted | UnreadableError:
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + PAGE_SECONDS + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))  # then SIGXCPU, in C too
    try:
        html, charset = decode(body, declared)
        limits.check(body if charset == "utf-8" else html.encode("utf-8", "replace"))
        return Extracted(page(html, settings), charset)
    except UnreadableError as error:
        return error
    except MemoryError:
        return UnreadableError("extraction_failed", f"more than {MEMORY_BYTES >> 30} GiB of memory")
    except Exception as error:  # noqa: BLE001  foreign code over any page: one must not end a run
        return UnreadableError("extraction_failed", repr(error)[:200])
