"""The synchronous path beside the bare SDK: what it costs more, and whether it keeps its requests going.

    python -m tests.benchmarks.driver

Against a server in another process that answers after one second. The bare SDK is AsyncAnthropic, a task a
request and a semaphore: nothing is looked up, kept or paid attention to. Each figure is the median of three,
CPU of nine: the same work differs by a tenth from run to run.

    cpu_ms_over_sdk     CPU of our process for a request, less the bare SDK's, with 50 in flight
    littles_law_ratio   requests a second over N / L (Little's law), at the largest N tried that is at most
                        half of the SDK's own ceiling: the least N tried where its ratio is below .95
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from curation.claude import direct
from curation.claude.client import Connection
from curation.claude.ledger import Ledger
from curation.claude.request import Request, prompt_digest
from curation.claude.stand_in import MODEL
from curation.document import text_digest
from tests.benchmarks import slow_server
from tests.benchmarks.figures import tell

SECONDS = 1.0  # until an answer
TIMES, CPU_TIMES = 3, 9
ROUNDS = 20  # requests of a measurement, times those in flight
AT_ONCE = (25, 50, 75, 100, 150, 200, 300, 400)
ENOUGH = 0.95

SYSTEM = "Score how much a reader learns from the document. " * 70  # about 900 tokens
SCHEMA = {
    "type": "object",
    "properties": {"evidence": {"type": "string"}, "score": {"type": "integer", "enum": [0, 1, 2, 3, 4, 5]}},
    "required": ["evidence", "score"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Run:
    """Of so many requests."""

    requests: int
    wall_seconds: float
    cpu_seconds: float

    def littles_law_ratio(self, at_once: int) -> float:
        return self.requests / self.wall_seconds / (at_once / SECONDS)


def requests(count: int) -> list[Request]:
    """Documents of about 1,200 tokens."""
    texts = [
        f"Document {i}. " + "The tide is the sea's answer to the moon and the sun. " * 90
        for i in range(count)
    ]
    return [
        Request(
            text_digest=text_digest(text),
            prompt_digest=prompt_digest(SYSTEM, ""),
            model=MODEL,
            parameters={"max_tokens": 200},
            system=SYSTEM,
            message=text,
            schema=SCHEMA,
        )
        for text in texts
    ]


def bare(url: str, asked: Sequence[Request], at_once: int) -> None:
    async def go() -> None:
        turn = asyncio.Semaphore(at_once)
        async with Connection("k", url).async_client(at_once) as client:

            async def one(request: Request) -> None:
                async with turn:
                    message = await client.messages.create(**request.body(cached=False))
                    assert message.stop_reason == "end_turn"

            await asyncio.gather(*(one(request) for request in asked))

    asyncio.run(go())


def ours(url: str, asked: Sequence[Request], at_once: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.sqlite")
        report = direct.run(Connection("k", url), ledger, asked, f"{folder}/raw", concurrency=at_once)
        assert dict(report.outcomes) == {"ok": len(asked)}, report


def measure(way: Callable[[str, Sequence[Request], int], None], url: str, at_once: int) -> Run:
    asked = requests(ROUNDS * at_once)
    wall, cpu = time.perf_counter(), time.process_time()
    way(url, asked, at_once)
    return Run(len(asked), time.perf_counter() - wall, time.process_time() - cpu)


def cpu_ms(runs: Sequence[Run]) -> float:
    return 1_000 * median(run.cpu_seconds / run.requests for run in runs)


def ratio(runs: Sequence[Run], at_once: int) -> float:
    return median(run.littles_law_ratio(at_once) for run in runs)


def ceiling(url: str) -> int:
    """The least N tried at which the bare SDK falls behind Little's law."""
    for at_once in AT_ONCE:
        found = ratio([measure(bare, url, at_once) for _ in range(TIMES)], at_once)
        print(f"bare SDK, {at_once} in flight: {found:.3f}", flush=True)
        if found < ENOUGH:
            return at_once
    return AT_ONCE[-1]


def main() -> None:
    with slow_server.running(SECONDS) as url:
        measure(bare, url, 10), measure(ours, url, 10)  # imports, connections, the first tables
        at_fifty = [(measure(bare, url, 50), measure(ours, url, 50)) for _ in range(CPU_TIMES)]
        sdk, own = zip(*at_fifty, strict=True)
        top = ceiling(url)
        half = max((at_once for at_once in AT_ONCE if at_once <= top / 2), default=AT_ONCE[0])
        tell(
            {
                "benchmark": "driver",
                "sdk_cpu_ms": cpu_ms(sdk),
                "cpu_ms": cpu_ms(own),
                "cpu_ms_over_sdk": cpu_ms(own) - cpu_ms(sdk),
                "sdk_ceiling": top,
                "at_once": half,
                "littles_law_ratio": ratio([measure(ours, url, half) for _ in range(TIMES)], half),
                "load": os.getloadavg()[0],
            }
        )


if __name__ == "__main__":
    main()
