"""The quote beside the settlement, where the quoter does not know how long answers will be.

    python -m tests.benchmarks.quote

Each seed has its own texts, its own prompt and its own heavy-tailed lengths of answers (lognormal, cut by
max_tokens and then asked again). 1,000 requests are sent as a pilot; the other 11,000 are quoted, then
sent. `relative_error` is |quote − settlement| / settlement, the median over the seeds; `holds_ratio` says how
often the settlement lay in the range of 95 %. `simulated_holds_ratio` asks the same of the mean of 11,000
values alone, over 2,000 draws, the worst of the spreads.
"""

import random
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from curation.claude import stand_in
from curation.claude.client import Connection
from curation.claude.decide import Patience
from curation.claude.estimate import mean_of_more
from curation.claude.ledger import Ledger
from curation.claude.quoting import pilot, quote
from curation.claude.request import Request, prompt_digest
from curation.claude.run import run
from curation.claude.stand_in.lengths import Lengths
from curation.document import text_digest
from tests.benchmarks.figures import tell

MODEL = "offline-rules-1-priced"
REQUESTS, PILOT, SEEDS = 12_000, 1_000, 8
SPREADS = (0.5, 0.8, 1.0, 1.2)
MAX_TOKENS = 600
PATIENCE = Patience(0.1, 5.0, 5.0)
WORDS = ("the", "river", "was", "low", "that", "year", "and", "boats", "lay", "in", "mud", "salt")


def requests(seed: int) -> list[Request]:
    """Questions about texts of heavy-tailed lengths, under a rubric that is long enough to be cached."""
    draw = random.Random(f"texts {seed}")
    system = f"Rubric {seed}. " + " ".join(draw.choices(WORDS, k=1_000))
    made = []
    for n in range(REQUESTS):
        text = f"{n}: " + " ".join(draw.choices(WORDS, k=max(5, round(draw.lognormvariate(5, 0.8)))))
        made.append(
            Request(
                text_digest=text_digest(text),
                prompt_digest=prompt_digest(system, ""),
                model=MODEL,
                parameters={"max_tokens": MAX_TOKENS},
                system=system,
                message=text,
            )
        )
    return made


def trial(seed: int) -> tuple[float, float, bool]:
    """Of one seed: the relative error, the width of the range over the settlement, whether it held."""
    draw = random.Random(f"lengths {seed}")
    lengths = Lengths(draw.uniform(40, 250), SPREADS[seed % len(SPREADS)], seed=draw.randrange(1 << 30))
    asked = requests(seed)
    serve = stand_in.serve(
        model=MODEL, lengths=lengths, cache_hit_ratio=draw.uniform(0.3, 0.98), seed=seed, delay_seconds=0.05
    )
    with tempfile.TemporaryDirectory() as folder, serve as server:
        client, ledger = Connection("no-key", server.url).client(), Ledger(Path(folder) / "ledger.sqlite")
        send = {"client": client, "ledger": ledger, "raw": f"{folder}/raw", "patience": PATIENCE}
        run(requests=pilot(asked, ledger, PILOT), **send)
        told = quote(asked, ledger, client)
        settled = float(run(requests=asked, **send).usd)
    assert told.requests == REQUESTS - PILOT
    error = abs(told.usd.expected - settled) / settled
    held = told.usd.low <= settled <= told.usd.high
    print(f"seed {seed}: quoted {told.usd}, settled {settled:.4f}, off by {error:.2%}", flush=True)
    return error, (told.usd.high - told.usd.low) / settled, held


def holds_ratio(spread: float, draws: int = 2_000) -> float:
    """How often the range of a mean holds, of lengths that are cut and asked again as answers are."""
    rng = np.random.default_rng(round(spread * 10))

    def lengths(count: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        drawn = rng.lognormal(np.log(120), spread, count)
        return np.where(drawn > MAX_TOKENS, MAX_TOKENS + np.minimum(drawn, 4 * MAX_TOKENS), drawn)

    held = 0
    for _ in range(draws):
        told, mean = mean_of_more(lengths(PILOT), REQUESTS - PILOT), lengths(REQUESTS - PILOT).mean()
        held += told.low <= mean <= told.high
    return held / draws


def main() -> None:
    began = time.monotonic()
    errors, widths, held = zip(*(trial(seed) for seed in range(SEEDS)), strict=True)
    tell(
        {
            "benchmark": "quote",
            "requests": REQUESTS - PILOT,
            "pilot": PILOT,
            "seeds": SEEDS,
            "relative_error": float(statistics.median(errors)),
            "relative_error_worst": max(errors),
            "range_width_ratio": float(statistics.median(widths)),
            "holds_ratio": sum(held) / SEEDS,
            "simulated_holds_ratio": min(holds_ratio(spread) for spread in SPREADS),
            "seconds": time.monotonic() - began,
        }
    )


if __name__ == "__main__":
    main()
