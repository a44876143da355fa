"""The time and memory that texts made to hurt take: seconds for a size and for ten times as much.

    python -m tests.benchmarks.bad_input [MEGABYTES]

`growth` is how many times longer ten times the text takes: 10 is linear. The largest is 100 MB, or as asked.
"""

import json
import resource
import sys
import time

import numpy as np

from curation.dedup.signatures import _permutations
from curation.text import minhash, rules

UNITS = {
    "one long line": "word and word, then ",
    "one long word": "a",
    "one character a document": "",
    "NUL bytes": "\0",
    "mixed line ends": "a\nb\r\nc\rd\u2028e\x0b",
    "zero-width and right-to-left": "a\u200b\u202eb\u200f \u2066c\u2069",
    "marks out of order": "e\u0301\u0327 ",
    "marks alone": "\u0301",
    "CJK": "漢字かな",
    "Thai": "สวัสดี",
    "emoji": "👩\u200d👩\u200d👧 ",
    "addresses": "https://a.b/c?",
    "abbreviations": "a.A.",
    "hyphens": "a-",
    "brackets": "[1][",
    "different words": "",
}


def text(name: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and bytes of about `size` bytes: one document, but for `one character a document`."""
    if name == "one character a document":
        return np.arange(size + 1), np.full(size, 97, dtype=np.uint8)
    if name == "different words":
        data = b" ".join(b"%x" % n for n in range(size // 7))
    else:
        unit = UNITS[name].encode()
        data = unit * (size // len(unit))
    return np.array([0, len(data)]), np.frombuffer(data, dtype=np.uint8)


def seconds(name: str, size: int) -> tuple[float, float]:
    """Processor seconds of the signature and of the rules."""
    offsets, data = text(name, size)
    start = time.process_time()
    minhash.signatures(offsets, data, 5, *_permutations(112))
    middle = time.process_time()
    rules.measure(offsets, data)
    return middle - start, time.process_time() - middle


def main() -> None:
    large = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 100_000_000
    seconds("CJK", 1000)
    rows = {}
    for name in UNITS:
        cap = large if name != "one character a document" else large // 20  # a signature is 448 bytes
        small, big = seconds(name, cap // 10), seconds(name, cap)
        rows[name] = {
            "megabytes": cap / 1e6,
            "signature_seconds": round(big[0], 2),
            "rules_seconds": round(big[1], 2),
            "signature_growth": round(big[0] / max(small[0], 0.001), 1),
            "rules_growth": round(big[1] / max(small[1], 0.001), 1),
        }
        print(f"{name:<30}{rows[name]}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(json.dumps({"benchmark": "bad_input", "peak_gib": round(peak, 2), "texts": rows}))


if __name__ == "__main__":
    main()
